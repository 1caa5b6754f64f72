//! The software security processor, for development and tests only.
//!
//! It stands in for the AMD secure processor: it measures the bytes that are launched, holds a throw-away endorsement
//! key under a throw-away root, and signs attestation reports in AMD's own format (AMD 56860, ATTESTATION_REPORT; AMD
//! 57230, certificates). Its evidence runs through the same verifier as the real one; what marks it is its root, which
//! no production reference file names. No production binary links this crate.
//!
//! | module | holds |
//! |---|---|
//! | [`launch`] | measurement and HOST_DATA of a launch |
//! | [`report`] | every field of a report, and its bytes |
//! | [`platform`] | chip, keys and certificates, kept in a folder |
//! | [`protocol`] | the messages on the processor's socket |
//! | [`server`] | the process that answers them |
//! | [`client`] | what a guest calls |
//!
//! ```no_run
//! # fn main() -> Result<(), shroud_attestation_mock::PlatformError> {
//! use shroud_attestation_mock::{Launch, Platform};
//!
//! let platform = Platform::create_or_open("state/processor".as_ref())?;
//! let launch = Launch::of(b"program", b"configuration");
//! let mut input = platform.genuine(&launch, &[0; 64]);
//! input.policy |= 1 << 19; // a guest that may be debugged
//! let evidence = platform.report(&input)?;
//! # let _ = evidence;
//! # Ok(())
//! # }
//! ```

mod certificate;
pub mod client;
pub mod launch;
mod pki;
pub mod platform;
pub mod protocol;
pub mod report;
pub mod server;
mod table;

pub use client::{Client, ClientError};
pub use launch::{Launch, measure};
pub use platform::{Platform, PlatformError};
pub use report::ReportInput;
