//! Who may do what with a secret: the one door to a vault's contents, closed unless something opens it.
//!
//! The person, who creates every vault, may do anything with what is in it. An agent needs an access policy; without
//! one it is told the same 403 for every path and every vault, existing or not, and the denial is recorded. The vault
//! of agents' keys opens to nobody: keys sign inside, and never leave.

use serde_json::json;
use shroud_journal::Kind;
use uuid::Uuid;

use crate::api::problem::Problem;
use crate::enclave::{Enclave, Unsealed};
use crate::ledger::{Draft, Held};
use crate::principal::{AgentCaller, Principal};
use crate::records::{Agent, Vault};
use crate::rows::Loaded;

/// Kinds of secrets that an agent with the Intents API may use for signing and never read.
const SIGNING_ONLY: [&str; 2] = ["private_key", "ssh_key"];

/// What somebody wants to do with a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Right {
    /// See the value, the versions, the name in a list.
    Read,
    /// Write, disable, delete.
    Write,
    /// Have a new value made here.
    Rotate,
}

impl Right {
    /// The right's name in an access policy.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Rotate => "rotate",
        }
    }

    fn denial(self) -> Kind {
        match self {
            Self::Read => Kind::SecretRead,
            Self::Write | Self::Rotate => Kind::SecretWrite,
        }
    }
}

/// Leave to do what was asked in one vault, and the versions of the rows that it rests on.
pub(crate) struct Granted {
    actor: String,
    expires: Option<u64>,
    agent: Option<(Uuid, u64)>,
    vault: Loaded<Vault>,
}

impl Granted {
    /// The vault.
    pub(crate) fn vault(&self) -> &Vault {
        self.vault.value()
    }

    /// Who was given leave.
    pub(crate) fn actor(&self) -> &str {
        &self.actor
    }

    /// Binds a draft to what the leave rests on: it is refused once one of those rows has changed.
    pub(crate) fn bind(&self, draft: Draft) -> Draft {
        let vault = self.vault.value().id.to_string();
        let draft =
            draft.before(self.expires).unchanged::<Vault>(vault, Some(self.vault.version()), "the vault");
        match self.agent {
            Some((id, version)) => draft.unchanged::<Agent>(id.to_string(), Some(version), "the agent"),
            None => draft,
        }
    }
}

/// Leave for the caller to do something in a vault: at `path`, or, where there is none, to ask what is in it.
///
/// # Errors
/// 403 where the caller may not, 404 where the person names no vault.
pub(crate) async fn grant(
    enclave: &Enclave<Unsealed>,
    principal: &Principal,
    vault: &str,
    path: Option<&str>,
    right: Right,
) -> Result<Granted, Problem> {
    match principal {
        Principal::Agent(caller) => Err(denied(enclave, caller, vault, path, right).await?),
        Principal::Human(human) => {
            let vault = own_vault(enclave, vault).await?;
            Ok(Granted { actor: principal.actor(), expires: human.expires, agent: None, vault })
        }
    }
}

/// A vault of the person's by its id in a path; the vault of agents' keys is not one.
///
/// # Errors
/// 404, or 403 for the vault of agents' keys.
pub(crate) async fn own_vault(enclave: &Enclave<Unsealed>, id: &str) -> Result<Loaded<Vault>, Problem> {
    let vault = known_vault(enclave, id).await?;
    if vault.value().id == enclave.agent_keys {
        return Err(Problem::forbidden("this vault holds agents' keys, which sign here and never leave"));
    }
    Ok(vault)
}

/// Any vault by its id in a path.
///
/// # Errors
/// 404.
pub(crate) async fn known_vault(enclave: &Enclave<Unsealed>, id: &str) -> Result<Loaded<Vault>, Problem> {
    let missing = || Problem::not_found(format!("no vault has the id {id:?}"));
    let id: Uuid = id.parse().map_err(|_| missing())?;
    enclave.rows.load::<Vault>(&id.to_string()).await?.ok_or_else(missing)
}

/// Whether a kind of secret is kept from a caller who may otherwise read: an agent that signs uses keys, it never
/// holds them.
#[must_use]
pub(crate) fn is_withheld(principal: &Principal, kind: &str) -> bool {
    match principal {
        Principal::Agent(caller) => caller.agent.intents_api_enabled && SIGNING_ONLY.contains(&kind),
        Principal::Human(_) => false,
    }
}

/// A denial leaves with its record, in words that do not tell whether the path exists.
async fn denied(
    enclave: &Enclave<Unsealed>,
    caller: &AgentCaller,
    vault: &str,
    path: Option<&str>,
    right: Right,
) -> Result<Problem, Problem> {
    let actor = format!("agent:{}", caller.agent.id);
    // What is no id is not repeated: it may be anything, and the record has its bounds.
    let vault = vault.parse::<Uuid>().map_or_else(|_| "unknown".to_owned(), |id| id.to_string());
    let details = json!({
        "vault_id": vault, "path": path, "right": right.name(), "result": "denied", "reason": "no access policy",
    });
    let subject = path.map_or_else(|| format!("vault:{vault}"), |path| format!("secret:{vault}/{path}"));
    let draft = Draft::new(right.denial(), actor, subject, details).before(caller.expires);
    enclave.ledger.record(Held::new(()), draft).await?;
    Ok(Problem::forbidden(format!("no access policy gives this agent the right to {} here", right.name())))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::principal::Human;

    fn agent(intents_api_enabled: bool) -> Principal {
        let agent = Agent {
            id: Uuid::nil(),
            name: String::new(),
            description: String::new(),
            auth_method: "api_key".to_owned(),
            scopes: Vec::new(),
            is_active: true,
            intents_api_enabled,
            shroud_enabled: false,
            intents_require_tee: false,
            token_ttl_seconds: None,
            vault_ids: Vec::new(),
            expires_at: None,
            api_key_expires_at: None,
            api_key_sha256: String::new(),
            api_key_prefix: String::new(),
            created_at: 0,
            created_by: String::new(),
            policy: String::new(),
        };
        // A token without the Intents API does not lift the block: the agent's record decides.
        Principal::Agent(AgentCaller { agent: Arc::new(agent), version: 1, intents: false, expires: None })
    }

    #[test]
    fn an_agent_that_signs_reads_no_keys() {
        for kind in SIGNING_ONLY {
            assert!(is_withheld(&agent(true), kind), "{kind}");
            assert!(!is_withheld(&agent(false), kind), "{kind}");
        }
        assert!(!is_withheld(&agent(true), "api_key"));
    }

    #[test]
    fn the_person_reads_keys() {
        let person = Principal::Human(Human { id: Uuid::nil(), expires: None });
        assert!(!is_withheld(&person, "private_key"));
    }
}
