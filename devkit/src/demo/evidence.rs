//! The enclave's evidence, verified on this machine against the reference values before anything else is believed.

use std::path::Path;

use shroud_attestation::{Level, VerifiedReport};
use shroud_cli::connect::{DialError, References, dial};

use super::{StoryError, Teller};

const STEP: &str = "evidence";

/// Dials `enclave_url` and verifies who answers. The connection itself is not used any further: the sidecar has its own.
pub(super) async fn verify(
    enclave_url: &str,
    reference: &Path,
    out: &mut Teller<'_>,
) -> Result<String, StoryError> {
    let failed = |detail: String| StoryError { step: STEP, detail };
    let references = References::open(reference).map_err(|error| failed(error.to_string()))?;
    let enclave = enclave_url.trim_start_matches("https://").trim_end_matches('/');
    let connection = dial(enclave, references.current()).await.map_err(|error| failed(explain(&error)))?;
    tell(enclave_url, connection.report(), out)?;
    Ok(hex::encode(connection.report().measurement()))
}

fn tell(enclave_url: &str, report: &VerifiedReport, out: &mut Teller<'_>) -> Result<(), StoryError> {
    out.heading(&format!("The evidence of {enclave_url}, verified here"))?;
    for checked in report.checks() {
        out.line(checked.check.name(), &checked.found)?;
    }
    let level = match report.level() {
        Level::SevSnp => "sev_snp",
        Level::Dev => "dev: a software security processor, which protects nothing",
    };
    out.line("level", level)
}

/// Every failure of the evidence with what to do about it, or why there was none.
fn explain(error: &DialError) -> String {
    let rejections = error.rejections();
    if rejections.is_empty() {
        return error.to_string();
    }
    rejections
        .iter()
        .map(|rejection| format!("{rejection}; {}", rejection.remedy))
        .collect::<Vec<_>>()
        .join("\n")
}
