//! The enclave, sealed or unsealed. Only an unsealed one has keys, rows and a ledger.

use std::sync::{Arc, OnceLock};

use hyper::header::HeaderName;
use serde_json::json;
use shroud_attestation::Evidence;
use shroud_journal::Kind;
use shroud_policy::{Chains, PolicyKey};
use uuid::Uuid;

use crate::api::call::Call;
use crate::api::problem::Problem;
use crate::boot::{Refused, Sealed};
use crate::clock::Clock;
use crate::configuration::{Configuration, sha256};
use crate::history::History;
use crate::history::chain::Chain;
use crate::keyring::Keyring;
use crate::ledger::{Draft, Held, Ledger, LedgerError};
use crate::limiter::Limiter;
use crate::principal::{AgentCaller, Human, Principal};
use crate::processor::Processor;
use crate::records::{Adopted, Agent, Credential, DeploymentKeys, Holder, RevokedToken};
use crate::rows::{Rows, RowsError};
use crate::session::Sessions;
use crate::sign::once::Running;
use crate::tls::Identity;
use crate::tokens::{Claims, TokenError, Tokens};

/// The header that carries the person's confirmation.
const AUTH_CONFIRM: HeaderName = HeaderName::from_static("x-auth-confirm");

/// An enclave in one of its two states.
pub(crate) struct Enclave<S>(S);

/// A guest that serves.
pub(crate) struct Unsealed {
    pub(crate) configuration: Arc<Configuration>,
    pub(crate) clock: Arc<Clock>,
    pub(crate) rows: Arc<Rows>,
    pub(crate) ledger: Ledger,
    pub(crate) history: History,
    pub(crate) chain: Chain,
    pub(crate) running: Running,
    pub(crate) keyring: Keyring,
    pub(crate) sessions: Sessions,
    pub(crate) tokens: Tokens,
    pub(crate) policy_key: PolicyKey,
    pub(crate) chains: Chains,
    pub(crate) limiter: Limiter,
    pub(crate) measurement: [u8; 48],
    pub(crate) agent_keys: Uuid,
    identity: OnceLock<Arc<Identity>>,
}

/// What [`Unsealed::new`] is made of.
pub(crate) struct Parts {
    pub(crate) configuration: Arc<Configuration>,
    pub(crate) clock: Arc<Clock>,
    pub(crate) rows: Arc<Rows>,
    pub(crate) ledger: Ledger,
    pub(crate) history: History,
    pub(crate) keyring: Keyring,
    pub(crate) sessions: Sessions,
    pub(crate) measurement: [u8; 48],
}

impl Enclave<Sealed> {
    /// A guest that has its configuration and no key.
    ///
    /// # Errors
    /// [`Refused`] of kind `configuration`.
    pub(crate) fn sealed(
        configuration: Arc<Configuration>,
        processor: Arc<dyn Processor>,
        measurement: [u8; 48],
    ) -> Result<Self, Refused> {
        Sealed::new(configuration, processor, measurement).map(Self)
    }

    pub(crate) fn into_state(self) -> Sealed {
        self.0
    }
}

impl std::ops::Deref for Enclave<Unsealed> {
    type Target = Unsealed;

    fn deref(&self) -> &Unsealed {
        &self.0
    }
}

impl Unsealed {
    /// From what the boot has opened.
    pub(crate) fn new(parts: Parts, keys: &DeploymentKeys) -> Result<Self, Refused> {
        let tokens =
            Tokens::new(keys.token.expose()).map_err(|error| Refused::new("genesis", error.to_string()))?;
        let burst = parts.configuration.development.as_ref().map(|development| development.burst);
        let chain = Chain::new(keys.audit.expose(), parts.configuration.org_id);
        Ok(Self {
            chain,
            running: Running::default(),
            configuration: parts.configuration,
            clock: parts.clock,
            rows: parts.rows,
            ledger: parts.ledger,
            history: parts.history,
            keyring: parts.keyring,
            sessions: parts.sessions,
            tokens,
            policy_key: PolicyKey::new(*keys.policy.expose()),
            chains: Chains::built_in(),
            limiter: Limiter::new(burst),
            measurement: parts.measurement,
            agent_keys: keys.agent_keys_vault,
            identity: OnceLock::new(),
        })
    }

    /// Names the TLS identity whose evidence is shown.
    pub(crate) fn shows(&self, identity: Arc<Identity>) {
        let _ = self.identity.set(identity);
    }

    /// The evidence over the TLS key in use.
    pub(crate) fn tls_evidence(&self) -> Option<Arc<Evidence>> {
        self.identity.get().map(|identity| identity.evidence())
    }
}

impl Enclave<Unsealed> {
    pub(crate) fn unsealed(unsealed: Unsealed) -> Self {
        Self(unsealed)
    }

    /// Waits until everything that was applied so far is durable, so that what was read may be told.
    pub(crate) async fn settled(&self) -> Result<(), Problem> {
        Ok(self.ledger.settled().await?)
    }

    /// Who calls, by token or API key.
    pub(crate) async fn caller(&self, call: &Call) -> Result<Principal, Problem> {
        let bearer = call.bearer()?;
        let principal = if bearer.starts_with("1ck_") || bearer.starts_with("ocv_") {
            self.by_key(bearer).await?
        } else {
            let principal = self.by_token(bearer).await?;
            self.limiter.admit(principal.id())?;
            principal
        };
        Ok(principal)
    }

    /// Who an API key stands for.
    pub(crate) async fn by_key(&self, key: &str) -> Result<Principal, Problem> {
        self.ledger.fresh()?;
        let principal = self.holder_of_key(key).await?;
        self.limiter.admit(principal.id())?;
        Ok(principal)
    }

    async fn holder_of_key(&self, key: &str) -> Result<Principal, Problem> {
        let digest = sha256(key.as_bytes());
        let unknown = || Problem::unauthorized("the API key is unknown, or no longer counts");
        self.adopt(digest, self.configuration.admin_key_sha256, Adopted::ADMIN).await?;
        let credential = self.rows.load::<Credential>(&hex::encode(digest)).await?.ok_or_else(unknown)?;
        let expires = credential.value().expires_at;
        if expires.is_some_and(|at| self.clock.credentials() >= at) {
            return Err(unknown());
        }
        match credential.value().holder {
            Holder::Human(id) => Ok(Principal::Human(Human { id, expires })),
            Holder::Agent(id) => {
                let caller = self.active(id, expires).await?.ok_or_else(unknown)?;
                if caller.agent.api_key_sha256 == hex::encode(digest) {
                    Ok(Principal::Agent(caller))
                } else {
                    Err(unknown())
                }
            }
            Holder::Confirmation(_) => Err(unknown()),
        }
    }

    async fn by_token(&self, token: &str) -> Result<Principal, Problem> {
        self.ledger.fresh()?;
        let claims = self.tokens.verify(token, self.clock.credentials());
        let claims = claims.map_err(|error: TokenError| Problem::unauthorized(error.to_string()))?;
        if self.rows.exists::<RevokedToken>(&RevokedToken::key(claims.jti)) {
            return Err(Problem::unauthorized("the token was revoked"));
        }
        self.holder(&claims).await
    }

    async fn holder(&self, claims: &Claims) -> Result<Principal, Problem> {
        let foreign = || Problem::unauthorized("the token's holder is not active");
        let (kind, id) = claims.sub.split_once(':').ok_or_else(foreign)?;
        let id: Uuid = id.parse().map_err(|_| foreign())?;
        match kind {
            "user" if id == self.configuration.user_id => {
                Ok(Principal::Human(Human { id, expires: Some(claims.exp) }))
            }
            "agent" => {
                let caller = self.active(id, Some(claims.exp)).await?.ok_or_else(foreign)?;
                let intents = caller.intents && claims.intents_api_enabled;
                Ok(Principal::Agent(AgentCaller { intents, ..caller }))
            }
            _ => Err(foreign()),
        }
    }

    /// An agent that may act now.
    async fn active(&self, id: Uuid, expires: Option<u64>) -> Result<Option<AgentCaller>, RowsError> {
        let Some(row) = self.rows.load::<Agent>(&id.to_string()).await? else { return Ok(None) };
        let (version, agent) = row.into_parts();
        let now = self.clock.credentials();
        let ended = |at: Option<u64>| at.is_some_and(|at| now >= at);
        if !agent.is_active || ended(agent.expires_at) || ended(agent.api_key_expires_at) {
            return Ok(None);
        }
        let intents = agent.intents_api_enabled;
        let expires = [expires, agent.expires_at, agent.api_key_expires_at].into_iter().flatten().min();
        Ok(Some(AgentCaller { agent, version, intents, expires }))
    }

    /// The person's confirmation for what cannot be undone.
    pub(crate) async fn confirmed(&self, call: &Call) -> Result<(), Problem> {
        let missing =
            || Problem::forbidden("expected the header X-Auth-Confirm with the person's confirmation");
        let digest = sha256(call.header(&AUTH_CONFIRM).ok_or_else(missing)?.as_bytes());
        self.adopt(digest, self.configuration.auth_confirm_sha256, Adopted::CONFIRMATION).await?;
        match self.rows.load::<Credential>(&hex::encode(digest)).await? {
            Some(row) if matches!(row.value().holder, Holder::Confirmation(_)) => Ok(()),
            _ => Err(Problem::forbidden("the confirmation in X-Auth-Confirm is wrong")),
        }
    }

    /// The first, journaled use of a measured credential copies it into sealed state; it counts by its row from then on.
    async fn adopt(
        &self,
        presented: [u8; 32],
        measured: [u8; 32],
        name: &'static str,
    ) -> Result<(), Problem> {
        if presented != measured || self.rows.load::<Adopted>(name).await?.is_some() {
            return Ok(());
        }
        let user = self.configuration.user_id;
        let holder = if name == Adopted::ADMIN { Holder::Human(user) } else { Holder::Confirmation(user) };
        let digest = hex::encode(measured);
        let draft = Draft::new(
            Kind::Setting,
            format!("user:{user}"),
            format!("deployment:{name}"),
            json!({ "adopted": name }),
        )
        .put(name, &Adopted { sha256: digest.clone() })?
        .put(digest, &Credential { holder, expires_at: None })?
        .unchanged::<Adopted>(name, None, "the measured credential");
        match self.ledger.record(Held::new(()), draft).await {
            // Another request of the same moment has done it.
            Ok(_) | Err(LedgerError::Refused(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
