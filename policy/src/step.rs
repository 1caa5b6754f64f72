//! The six steps, in the order in which an intent meets them, under the names that answers and records use.

use serde_json::{Value, json};

/// One step of approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Recipients, spenders, operators, delegates, contracts and tokens are those that the policy lists.
    AddressAllowlist,
    /// No single intent moves more than it may.
    ValueCap,
    /// Nor do all of a day together.
    DailyLimit,
    /// The chain is one of those allowed, and everything signed is for that chain.
    ChainRestriction,
    /// The simulation, where one is required, has passed.
    Simulation,
    /// The agent may sign this kind of thing at all.
    Sign,
}

/// All steps, in order.
pub const STEPS: [Step; 6] = [
    Step::AddressAllowlist,
    Step::ValueCap,
    Step::DailyLimit,
    Step::ChainRestriction,
    Step::Simulation,
    Step::Sign,
];

impl Step {
    /// The name, such as `address_allowlist`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AddressAllowlist => "address_allowlist",
            Self::ValueCap => "value_cap",
            Self::DailyLimit => "daily_limit",
            Self::ChainRestriction => "chain_restriction",
            Self::Simulation => "simulation",
            Self::Sign => "sign",
        }
    }
}

impl core::fmt::Display for Step {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name())
    }
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The intent met the step's rules.
    Passed,
    /// It did not.
    Denied,
    /// An earlier step had denied.
    NotReached,
}

impl Outcome {
    /// The name: `passed`, `denied` or `not_reached`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Denied => "denied",
            Self::NotReached => "not_reached",
        }
    }
}

/// A step, how it ended, and why, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepOutcome {
    /// The step.
    pub step: Step,
    /// How it ended.
    pub outcome: Outcome,
    /// What was compared with what.
    pub detail: String,
}

impl StepOutcome {
    /// The outcome as JSON: `step`, `outcome`, `detail`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({ "step": self.step.name(), "outcome": self.outcome.name(), "detail": self.detail })
    }
}
