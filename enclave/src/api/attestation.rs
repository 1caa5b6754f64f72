//! `GET /v1/shroud/attestation`: the report itself. The level is what the evidence is, never what somebody configured.
//!
//! `POST /v1/attestation` answers a nonce with evidence of the very connection that it came over, and
//! `GET /v1/attestation/consistency` proves that one checkpoint extends another. Both need no credential: whoever wants to
//! send one first wants to know to whom.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;
use shroud_attestation::collateral::Collateral;
use shroud_attestation::session::{Challenge, Consistency};
use shroud_attestation::verify::{Input, Level, examine};
use shroud_attestation::{Check, Evidence};

use super::{Line, Reply, Request, route};
use crate::api::problem::Problem;
use crate::enclave::{Enclave, Unsealed};

pub(super) const ROUTES: [Line; 3] = [
    route!(GET "/v1/shroud/attestation" Public attestation),
    route!(POST "/v1/attestation" Public session),
    route!(GET "/v1/attestation/consistency" Public consistency),
];

async fn session(enclave: &Enclave<Unsealed>, request: &Request) -> Result<Reply, Problem> {
    let challenge: Challenge = request.call.json()?;
    let channel = request.call.channel().ok_or_else(Problem::internal)?;
    Reply::cosigned(&enclave.sessions.ask(challenge.nonce, channel).await?)
}

async fn consistency(enclave: &Enclave<Unsealed>, request: &Request) -> Result<Reply, Problem> {
    let (from, to) = (size(request, "from")?, size(request, "to")?);
    let none =
        || Problem::not_found(format!("no cosigned journal of {to} entries extends one of {from} here"));
    let newest = enclave.ledger.anchor().newest().ok_or_else(none)?;
    if to > newest.checkpoint().size {
        return Err(none());
    }
    let proof = enclave.ledger.log().consistency(from, to).ok_or_else(none)?;
    Reply::cosigned(&Consistency { proof })
}

fn size(request: &Request, name: &str) -> Result<u64, Problem> {
    let missing = || Problem::bad_request(format!("query parameter {name}: expected a number of entries"));
    request.call.query(name)?.and_then(|text| text.parse().ok()).ok_or_else(missing)
}

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
                "for proof of one connection, POST /v1/attestation with a nonce, and compare nonce, key and TLS exporter",
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
    let checks = [
        Check::Format,
        Check::Signature,
        Check::Chain,
        Check::Tcb,
        Check::ChipId,
        Check::KeyKind,
        Check::Product,
    ];
    let examination = examine(&input);
    examination.level() == Some(Level::SevSnp) && examination.passed(&checks)
}
