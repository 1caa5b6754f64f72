//! Why a measurement was not made.

use std::path::Path;
use std::process::ExitCode;
use std::{fs, io};

use crate::tcb::PlanError;
use shroud_measurements::id_block::{IdBlockError, KeyError};
use shroud_measurements::release::ReleaseError;
use shroud_measurements::{FirmwareError, KernelError, LaunchError};

/// Why a measurement was not made.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("{0}: {1}")]
    File(String, io::Error),
    #[error("{0}: {1}")]
    Firmware(String, FirmwareError),
    #[error("{0}: {1}")]
    Key(String, KeyError),
    #[error("{0}: {1}")]
    Operators(String, serde_json::Error),
    #[error("{0} holds no Ed25519 seed of 32 bytes in hexadecimal")]
    Seed(String),
    #[error("{0} is no text")]
    Text(String),
    #[error("{0}")]
    Platform(PlanError),
    #[error("{0}")]
    Launch(#[from] LaunchError),
    #[error("{0}")]
    Kernel(#[from] KernelError),
    #[error("{0}")]
    IdBlock(#[from] IdBlockError),
    #[error("{0}")]
    Release(#[from] ReleaseError),
    #[error("--vmm-type qemu needs --vcpu-type or --vcpu-sig: vCPUs tell their signature at reset")]
    NoVcpu,
}

impl Failure {
    pub(super) fn exit(&self) -> ExitCode {
        match self {
            Self::File(..) | Self::NoVcpu => ExitCode::from(2),
            _ => ExitCode::FAILURE,
        }
    }
}

/// Reads a file whole.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| Failure::File(path.display().to_string(), error))
}
