//! `GET /v1/health`: 200 only when this guest is unsealed and a quorum of witnesses answers, so that it can sign.

use serde_json::json;

use super::{Line, Reply, Request, route};
use crate::api::problem::Problem;
use crate::enclave::{Enclave, Unsealed};

pub(super) const ROUTES: [Line; 2] =
    [route!(GET "/v1/health" Public health), route!(GET "/v1/health/hsm" Public hsm)];

async fn health(enclave: &Enclave<Unsealed>, _request: &Request) -> Result<Reply, Problem> {
    let anchor = enclave.ledger.anchor();
    if anchor.healthy() && anchor.newest().is_some() {
        return Reply::read(&json!({ "status": "healthy", "version": env!("CARGO_PKG_VERSION") }));
    }
    Err(Problem::unavailable("quorum", format!("no quorum of witnesses answers: {}", anchor.obstacle())))
}

async fn hsm(enclave: &Enclave<Unsealed>, _request: &Request) -> Result<Reply, Problem> {
    let status = if enclave.ledger.anchor().healthy() { "ok" } else { "degraded" };
    Reply::read(&json!({ "status": status }))
}
