//! `GET /v1/chains`: the registry, by name, alias or decimal id.

use serde_json::{Value, json};
use shroud_policy::Chain;

use super::{Line, Reply, Request, route};
use crate::api::problem::Problem;
use crate::enclave::{Enclave, Unsealed};

pub(super) const ROUTES: [Line; 2] =
    [route!(GET "/v1/chains" Public list), route!(GET "/v1/chains/{identifier}" Public one)];

async fn list(enclave: &Enclave<Unsealed>, _request: &Request) -> Result<Reply, Problem> {
    let chains: Vec<Value> = enclave.chains.iter().map(told).collect();
    Reply::read(&json!({ "chains": chains }))
}

async fn one(enclave: &Enclave<Unsealed>, request: &Request) -> Result<Reply, Problem> {
    let identifier = request.parameter("identifier");
    let chain = enclave.chains.resolve(identifier);
    let chain = chain.ok_or_else(|| Problem::not_found(format!("no chain is called {identifier:?}")))?;
    Reply::read(&told(chain))
}

fn told(chain: &Chain) -> Value {
    json!({
        "id": chain.chain_id.to_string(), "name": chain.name, "display_name": chain.display_name,
        "chain_id": chain.chain_id, "native_currency": chain.native_currency, "is_testnet": chain.is_testnet,
        "is_enabled": true,
    })
}
