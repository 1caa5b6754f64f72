//! Where reports come from. The enclave asks; a security processor answers.
//!
//! `shroud-enclave` knows only the real devices. What development hands in here lives in a crate of its own.

pub mod configfs;

use std::future::Future;
use std::pin::Pin;

use shroud_attestation::Evidence;
use shroud_attestation::purpose::ReportData;

/// The security processor did not answer with a report.
#[derive(Debug, thiserror::Error)]
#[error("the security processor gave no report: {0}")]
pub struct ProcessorError(pub String);

/// A report that is under way.
pub type Pending<'a> = Pin<Box<dyn Future<Output = Result<Evidence, ProcessorError>> + Send + 'a>>;

/// Asks for reports.
pub trait Processor: Send + Sync {
    /// A report over `data`, with the certificates that go with it.
    fn report<'a>(&'a self, data: &'a ReportData) -> Pending<'a>;
}
