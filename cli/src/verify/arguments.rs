//! The arguments of `shroud verify report`.

use std::path::PathBuf;

use clap::Args;

/// Verify an SEV-SNP attestation report and its certificates.
#[derive(Debug, Args)]
pub struct ReportArguments {
    /// The report, 1184 bytes as the security processor gave it.
    #[arg(long, value_name = "FILE")]
    pub report: PathBuf,
    /// The certificate of the key that signed it, VCEK or VLEK, in DER or PEM. May stand in the chain instead.
    #[arg(long, value_name = "FILE")]
    pub vek: Option<PathBuf>,
    /// Its issuers in any order: PEM, DER one after another, or a certificate table. AMD's pinned ones where absent.
    #[arg(long, value_name = "FILE")]
    pub chain: Option<PathBuf>,
    /// A revocation list, DER or PEM.
    #[arg(long, value_name = "FILE")]
    pub crl: Vec<PathBuf>,
    /// The time to judge dates at, such as 2026-01-01T00:00:00Z. Dates are not judged where absent.
    #[arg(long, value_name = "RFC3339", value_parser = super::time::parse)]
    pub at: Option<u64>,
    /// A root to trust for this call beside AMD's, PEM or DER.
    #[arg(long, value_name = "FILE")]
    pub root: Option<PathBuf>,
    /// Reference values: also judge measurement, configuration, chip and platform.
    #[arg(long, value_name = "FILE")]
    pub reference: Option<PathBuf>,
    /// What REPORT_DATA must be, 128 hexadecimal digits; judged with reference values.
    #[arg(long, value_name = "HEX", requires = "reference", value_parser = report_data)]
    pub report_data: Option<[u8; 64]>,
    /// Print JSON instead of a table.
    #[arg(long)]
    pub json: bool,
}

fn report_data(text: &str) -> Result<[u8; 64], String> {
    let mut bytes = [0; 64];
    hex::decode_to_slice(text, &mut bytes).map_err(|error| error.to_string())?;
    Ok(bytes)
}
