//! A denial: which step, why, which limit, what was asked, what is left, and when it frees up.

use core::ops::Deref;

use serde_json::{Map, Value, json};

use crate::{
    Address,
    step::{Step, StepOutcome},
};

/// Why an intent was denied. Data for a 403; never an internal failure.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// A recipient, spender, operator, delegate or contract is not listed.
    #[error("{role} {address} is not on {list}")]
    NotListed {
        /// What the address is in this intent: recipient, spender, contract called, and so on.
        role: &'static str,
        /// The address.
        address: Address,
        /// The field that lists others.
        list: String,
    },
    /// A token is not listed.
    #[error("token {token} is not on {list}")]
    TokenNotListed {
        /// The token contract.
        token: Address,
        /// The field that lists others.
        list: String,
    },
    /// The policy wants registered tokens only.
    #[error("token {token} is not in the registry of known tokens on this chain")]
    TokenUnknown {
        /// The token contract.
        token: Address,
    },
    /// Call data that nobody decoded.
    #[error("unknown_call: {target} selector {selector} could not be decoded and is not in tx_allowed_calls")]
    UnknownCall {
        /// The contract.
        target: String,
        /// Its first four bytes, or `none`.
        selector: String,
    },
    /// A known function whose arguments are not canonical, or calls nested too deeply.
    #[error(
        "malformed_call: {target} selector {selector}: the arguments are not their canonical encoding, or nest too deeply"
    )]
    MalformedCall {
        /// The contract.
        target: String,
        /// Its first four bytes, or `none`.
        selector: String,
    },
    /// Foreign code would run as the caller.
    #[error("delegate_call: code of {target} would run as the caller and is not in tx_allowed_calls")]
    DelegateCall {
        /// Whose code.
        target: String,
    },
    /// A typed message that nobody decoded, for a contract that is not listed; or one whose name speaks of moving
    /// value, and whose type is not listed.
    #[error("unknown_typed_data: {primary_type} is not decoded and eip712_domain_allowlist does not name it")]
    UnknownTypedData {
        /// Its primary type.
        primary_type: String,
    },
    /// Typed data for a domain that is not listed.
    #[error("typed data {primary_type} for contract {contract} is not on eip712_domain_allowlist")]
    DomainNotListed {
        /// Its primary type.
        primary_type: String,
        /// Its verifying contract, or `none`.
        contract: String,
    },
    /// No screening provider is connected, and the policy wants one.
    #[error("address_screening_policy cannot be judged: no screening provider is connected")]
    ScreeningUnavailable,
    /// More than may move at once.
    #[error("{asset}: the cap per transaction is exceeded ({field})")]
    AboveCap {
        /// What moves.
        asset: String,
        /// The field that holds the cap.
        field: String,
    },
    /// A token moves under a policy that limits value and says nothing about this token.
    #[error(
        "token {token}: the policy limits value and states no limit for it; tx_token_limits may state one"
    )]
    NoTokenLimit {
        /// The token contract.
        token: Address,
    },
    /// Native value moves under a policy that limits tokens and says nothing about native value.
    #[error(
        "native value: the policy limits tokens and states no limit for native value; tx_max_value may state one"
    )]
    NoNativeLimit,
    /// An approval without end.
    #[error("unlimited approval of {asset} to {spender}")]
    UnlimitedApproval {
        /// What could be moved.
        asset: String,
        /// By whom.
        spender: String,
    },
    /// A limit in US dollars, and no price.
    #[error("{field} cannot be judged: no price source is trusted")]
    NoPrice {
        /// The field that holds the limit.
        field: &'static str,
    },
    /// More than may move in a day.
    #[error("{asset}: the daily limit is exceeded ({field})")]
    AboveDailyLimit {
        /// What moves.
        asset: String,
        /// The field that holds the limit.
        field: String,
    },
    /// The chain is not one of those allowed.
    #[error("chain {chain} is not on tx_allowed_chains")]
    ChainNotAllowed {
        /// The chain's name.
        chain: String,
    },
    /// Something signed is for another chain than the intent names, or for every chain.
    #[error("{what} is for {found}, the intent names chain {expected}")]
    ForeignChain {
        /// What carries the chain id.
        what: &'static str,
        /// The chain that it names.
        found: String,
        /// The intent's chain id.
        expected: u64,
    },
    /// A simulation is required and none was made.
    #[error("a simulation is required and none was made")]
    SimulationMissing,
    /// The simulation reverted.
    #[error("the simulation reverted: {0}")]
    SimulationReverted(String),
    /// The simulation could not be made.
    #[error("the simulation is unavailable: {0}")]
    SimulationUnavailable(String),
    /// The agent may not sign this kind of thing.
    #[error("{what} may not be signed: {field} does not allow it")]
    KindNotAllowed {
        /// What was to be signed.
        what: &'static str,
        /// The field that decides.
        field: &'static str,
    },
    /// A digest could be anything, so a limited agent signs none.
    #[error("a raw digest could be anything: an agent with limits signs none")]
    RawUnderLimits,
    /// The agent is suspended.
    #[error("the agent is suspended (auto_suspended)")]
    Suspended,
    /// A person must agree first.
    #[error("a person must approve this first ({field})")]
    NeedsApproval {
        /// The field that says so.
        field: &'static str,
    },
}

/// A denied intent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {}", .0.step, .0.reason)]
pub struct Denied(Box<Denial>);

/// What a denial says. Amounts are decimal strings in the limit's unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// The step that denied.
    pub step: Step,
    /// Why.
    pub reason: Reason,
    /// The limit, where there is one.
    pub limit: Option<String>,
    /// What was asked for.
    pub asked: Option<String>,
    /// What is left of the limit.
    pub left: Option<String>,
    /// Unix second at which what was asked would fit; `None` where it never does or that is not known.
    pub frees_at: Option<u64>,
    /// Whether the policy lets a person approve it after all (202 instead of 403).
    pub may_be_approved: bool,
    /// All six steps and how they ended.
    pub steps: Vec<StepOutcome>,
}

impl Denied {
    pub(crate) fn new(denial: Denial) -> Self {
        Self(Box::new(denial))
    }

    /// Members for a problem body: `step`, `reason`, `limit`, `asked`, `left`, `frees_at`, `steps`.
    #[must_use]
    pub fn to_json(&self) -> Map<String, Value> {
        let body = json!({
            "step": self.step.name(),
            "reason": self.reason.to_string(),
            "limit": self.limit,
            "asked": self.asked,
            "left": self.left,
            "frees_at": self.frees_at,
            "steps": self.steps.iter().map(StepOutcome::to_json).collect::<Vec<_>>(),
        });
        match body {
            Value::Object(members) => members,
            _ => Map::new(),
        }
    }

    /// One sentence for a problem body's `detail`: step, reason, and the figures.
    #[must_use]
    pub fn detail(&self) -> String {
        let figures = [("limit", &self.limit), ("asked", &self.asked), ("left", &self.left)];
        let figures = figures.iter().filter_map(|(name, value)| Some(format!("{name} {}", value.as_ref()?)));
        let figures = figures.chain(self.frees_at.map(|at| format!("frees at {at}"))).collect::<Vec<_>>();
        match figures.is_empty() {
            true => self.to_string(),
            false => format!("{self}; {}", figures.join(", ")),
        }
    }
}

impl Deref for Denied {
    type Target = Denial;

    fn deref(&self) -> &Denial {
        &self.0
    }
}
