//! `shroud measure id-block`: what QEMU's `sev-snp-guest` takes as `id-block` and `id-auth`.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use clap::Args;
use serde_json::json;
use shroud_measurements::id_block::{IdBlock, IdKey};
use shroud_measurements::{Hex, LaunchDigest};

use super::failure::{Failure, read};
use super::snp::hexadecimal;

/// Make and sign an ID block and its authentication information.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The launch digest that may run.
    #[arg(long, value_name = "HEX")]
    pub measurement: LaunchDigest,
    /// The guest policy with which it must be launched.
    #[arg(long, value_name = "HEX", value_parser = hexadecimal)]
    pub policy: u64,
    /// The key that signs the block: P-384, PEM, not encrypted.
    #[arg(long, value_name = "FILE")]
    pub id_key: PathBuf,
    /// The key that signs the ID key: P-384, PEM, not encrypted.
    #[arg(long, value_name = "FILE")]
    pub author_key: PathBuf,
    /// FAMILY_ID.
    #[arg(long, value_name = "HEX", default_value_t = Hex([0; 16]))]
    pub family_id: Hex<16>,
    /// IMAGE_ID.
    #[arg(long, value_name = "HEX", default_value_t = Hex([0; 16]))]
    pub image_id: Hex<16>,
    /// GUEST_SVN.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub guest_svn: u32,
    /// Print as JSON.
    #[arg(long)]
    pub json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<String, Failure> {
    let block = IdBlock {
        measurement: arguments.measurement,
        family_id: arguments.family_id.0,
        image_id: arguments.image_id.0,
        guest_svn: arguments.guest_svn,
        policy: arguments.policy,
    };
    let signed = block.sign(&key(&arguments.id_key)?, &key(&arguments.author_key)?)?;
    let lines = [
        ("id_block", BASE64_STANDARD.encode(signed.block().to_bytes())),
        ("id_auth", BASE64_STANDARD.encode(signed.auth())),
        ("id_key_digest", signed.id_key_digest().to_string()),
        ("author_key_digest", signed.author_key_digest().to_string()),
    ];
    if arguments.json {
        let object: serde_json::Map<_, _> =
            lines.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
        return Ok(format!("{}\n", json!(object)));
    }
    Ok(lines.iter().map(|(name, value)| format!("{name}={value}\n")).collect())
}

/// Reads a signing key; its bytes are wiped after.
pub(super) fn key(path: &Path) -> Result<IdKey, Failure> {
    let pem = zeroize::Zeroizing::new(read(path)?);
    IdKey::from_pem(&pem).map_err(|error| Failure::Key(path.display().to_string(), error))
}
