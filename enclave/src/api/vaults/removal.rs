//! The end of a vault: its row and its KEKs go first and together, so that nothing in it opens any more; its secrets are
//! swept up after, in entries of a bounded size.

use serde_json::json;
use shroud_journal::Kind;
use shroud_wire::store::Table;
use uuid::Uuid;

use crate::access;
use crate::api::problem::Problem;
use crate::api::{Reply, Request};
use crate::enclave::{Enclave, Unsealed};
use crate::ledger::{Draft, Held};
use crate::records::{SecretHead, Vault, VaultName};

/// Rows that one entry removes.
const SWEPT: usize = 256;

pub(super) async fn remove(enclave: &Enclave<Unsealed>, request: &Request) -> Result<Reply, Problem> {
    let vault = access::own_vault(enclave, request.parameter("vault_id")).await?;
    let (id, name) = (vault.value().id, &vault.value().name);
    let caller = request.principal()?;
    let draft = |details| Draft::new(Kind::VaultDelete, caller.actor(), format!("vault:{id}"), details);
    let mut first = draft(json!({ "name": name }))
        .unchanged::<Vault>(id.to_string(), Some(vault.version()), "the vault")
        .delete::<Vault>(id.to_string())
        .delete::<VaultName>(VaultName::key(name))
        .before(caller.expires());
    for key in enclave.rows.keys(Table::VaultMpcKeks, &format!("{id}/")) {
        first = first.remove(Table::VaultMpcKeks, key);
    }
    let removed = enclave.ledger.record(Held::new(()), first).await?;
    enclave.keyring.forget(id);
    // Whoever writes into a vault is bound to its row, so nothing is added from here on.
    loop {
        let left = contents(enclave, id);
        if left.is_empty() {
            return Ok(Reply::done(&removed));
        }
        let sweep = draft(json!({ "swept": left.len() }));
        let sweep = left.into_iter().fold(sweep, |sweep, (table, key)| sweep.remove(table, key));
        enclave.ledger.record(Held::new(()), sweep).await?;
    }
}

/// The next rows that belong to a vault.
fn contents(enclave: &Enclave<Unsealed>, vault: Uuid) -> Vec<(Table, String)> {
    let own = format!("{vault}/");
    let places = [
        (Table::Secrets, own.clone()),
        (Table::Secrets, SecretHead::prefix(vault)),
        (Table::Secrets, format!("reads/{own}")),
        (Table::SecretDekShares, own.clone()),
        (Table::Policies, own),
    ];
    let rows = places.into_iter().flat_map(|(table, prefix)| {
        enclave.rows.keys(table, &prefix).into_iter().map(move |key| (table, key))
    });
    rows.take(SWEPT).collect()
}
