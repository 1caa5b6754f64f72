//! `GET /v1/shroud/attestation`: the report itself. The level is what the evidence is, never what somebody configured.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;
use shroud_attestation::collateral::Collateral;
use shroud_attestation::verify::{Input, Level, examine};
use shroud_attestation::{Check, Evidence};

use super::{Line, Reply, Request, route};
use crate::api::problem::Problem;
use crate::enclave::{Enclave, Unsealed};

pub(super) const ROUTES: [Line; 1] = [route!(GET "/v1/shroud/attestation" Public attestation)];

async fn attestation(enclave: &Enclave<Unsealed>, _request: &Request) -> Result<Reply, Problem> {
    let evidence = enclave.tls_evidence().ok_or_else(Problem::internal)?;
    let genuine = is_amd(&evidence);
    Reply::read(&json!({
        "attested": genuine,
        "attestation_level": if genuine { "sev_snp" } else { "none" },
        "evidence": if genuine { "sev_snp" } else { "dev" },
        "image_hash": hex::encode(enclave.measurement),
        "identity_token": "",
        "confidential_claims": null,
        "report": BASE64_STANDARD.encode(&evidence.report),
        "certificates": BASE64_STANDARD.encode(&evidence.certificates),
        "verification": {
            "steps": [
                "read the report and the certificates in this answer, or in the extension of the TLS certificate",
                "verify the report with shroud verify report, or by hand as docs/attestation.md says",
                "compare measurement and HOST_DATA with the published reference values",
                "compare REPORT_DATA with SHA-512 over the label shroud/v1/tls-certificate and the key of this connection",
            ],
            "google_certs_url": "https://www.googleapis.com/oauth2/v3/certs",
            "expected_audience": "",
        },
    }))
}

/// Whether AMD's own keys, and no others, vouch for the report.
fn is_amd(evidence: &Evidence) -> bool {
    let Ok(collateral) = Collateral::parse(&evidence.certificates) else { return false };
    let input = Input { report: &evidence.report, vek: None, collateral: &collateral, roots: &[], at: None };
    let checks = [Check::Format, Check::Signature, Check::Chain, Check::Tcb, Check::ChipId, Check::KeyKind, Check::Product];
    let examination = examine(&input);
    examination.level() == Some(Level::SevSnp) && examination.passed(&checks)
}
