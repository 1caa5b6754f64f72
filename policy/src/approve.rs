//! The six steps, in order: address allowlist, value cap, daily limit, chain restriction, simulation, sign.
//!
//! An intent is judged by its effects alone, so a token transfer, a permit and a plain payment meet the same rules. The
//! first step that denies ends the judgement; the answer lists all six.

mod address_allowlist;
mod budget;
mod chain_restriction;
mod daily_limit;
mod sign;
mod simulation;
mod value_cap;

use ruint::aliases::U256;

use crate::{
    Approved, Intent, Reservation, SignedPolicy,
    amount::format_ether,
    denied::{Denial, Denied, Reason},
    guardrails::Guardrails,
    spend::Spend,
    step::{Outcome, STEPS, Step, StepOutcome},
};

/// How an intent would fare: the dry run explains an allow as well as a denial.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The six steps.
    pub steps: Vec<StepOutcome>,
    /// The budget that it would take.
    pub reservations: Vec<Reservation>,
    /// The denial, if it would be denied.
    pub denied: Option<Denied>,
}

/// Judges an intent at Unix second `now`.
///
/// # Errors
/// [`Denied`] names the first step that refused, why, the limit, what was asked, what is left, and when it frees up.
pub fn approve(
    intent: Intent,
    policy: &SignedPolicy,
    spend: &(impl Spend + ?Sized),
    now: u64,
) -> Result<Approved<Intent>, Denied> {
    let explanation = explain(&intent, policy, spend, now);
    match explanation.denied {
        Some(denied) => Err(denied),
        None => Ok(Approved::new(intent, *policy.digest(), explanation.steps, explanation.reservations)),
    }
}

/// Judges an intent without approving it.
#[must_use]
pub fn explain(
    intent: &Intent,
    policy: &SignedPolicy,
    spend: &(impl Spend + ?Sized),
    now: u64,
) -> Explanation {
    let rules = policy.guardrails();
    let reservations = budget::reservations(intent, rules, now);
    let case = Case { intent, rules, spend, reservations: &reservations };
    let mut steps = Vec::with_capacity(STEPS.len());
    let mut refusal = None;
    for step in STEPS {
        let (outcome, detail) = match &refusal {
            Some(_) => (Outcome::NotReached, String::new()),
            None => match judge(step, &case) {
                Ok(detail) => (Outcome::Passed, detail),
                Err(found) => {
                    let detail = found.reason.to_string();
                    refusal = Some((step, found));
                    (Outcome::Denied, detail)
                }
            },
        };
        steps.push(StepOutcome { step, outcome, detail });
    }
    let denied = refusal.map(|(step, refusal)| refusal.into_denied(step, steps.clone()));
    Explanation { steps, reservations: reservations.into_iter().map(|one| one.reservation).collect(), denied }
}

fn judge<S: Spend + ?Sized>(step: Step, case: &Case<'_, S>) -> Judgement {
    match step {
        Step::AddressAllowlist => address_allowlist::judge(case),
        Step::ValueCap => value_cap::judge(case),
        Step::DailyLimit => daily_limit::judge(case),
        Step::ChainRestriction => chain_restriction::judge(case),
        Step::Simulation => simulation::judge(case),
        Step::Sign => sign::judge(case),
    }
}

/// What every step looks at.
struct Case<'a, S: ?Sized> {
    intent: &'a Intent,
    rules: &'a Guardrails,
    spend: &'a S,
    reservations: &'a [budget::Taken],
}

impl<S: ?Sized> Case<'_, S> {
    fn chain_id(&self) -> u64 {
        self.intent.chain().chain_id
    }

    /// The chain on which an effect would happen, as far as limits per chain go.
    fn effect_chain(&self, effect: &crate::Effect) -> u64 {
        effect.chain_id.unwrap_or_else(|| self.chain_id())
    }
}

/// What was compared, or why the intent is refused.
type Judgement = Result<String, Refusal>;

/// A refusal before it knows its step.
struct Refusal {
    reason: Box<Reason>,
    limit: Option<String>,
    asked: Option<String>,
    left: Option<String>,
    frees_at: Option<u64>,
    may_be_approved: bool,
}

impl Refusal {
    fn new(reason: Reason) -> Self {
        Self {
            reason: Box::new(reason),
            limit: None,
            asked: None,
            left: None,
            frees_at: None,
            may_be_approved: false,
        }
    }

    /// More was asked than the limit, in the unit that `format` writes.
    fn above(reason: Reason, limit: U256, asked: U256, format: fn(U256) -> String) -> Self {
        let limit = Some(format(limit));
        Self { left: limit.clone(), limit, asked: Some(format(asked)), ..Self::new(reason) }
    }

    fn into_denied(self, step: Step, steps: Vec<StepOutcome>) -> Denied {
        Denied::new(Denial {
            step,
            reason: *self.reason,
            limit: self.limit,
            asked: self.asked,
            left: self.left,
            frees_at: self.frees_at,
            may_be_approved: self.may_be_approved,
            steps,
        })
    }
}

/// Native amounts are written in whole units, all others in smallest ones.
fn in_ether(amount: U256) -> String {
    format_ether(amount)
}

fn in_units(amount: U256) -> String {
    amount.to_string()
}
