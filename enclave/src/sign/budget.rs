//! An agent's spend windows, as the policy asks for them, and the check that is repeated when a record joins.

use std::sync::Arc;

use ruint::aliases::U256;
use serde_json::json;
use shroud_journal::State;
use shroud_policy::{Reservation, Spend};

use crate::enclave::{Enclave, Unsealed};
use crate::ledger::{Log, Refusal, Room};
use crate::records::Agent;

/// What an agent has spent at one moment, by the witnesses' lowest time.
pub(super) struct Budget<'a> {
    log: &'a Arc<Log>,
    agent: String,
    now: u64,
}

impl<'a> Budget<'a> {
    /// Of an agent, now.
    pub(super) fn of(enclave: &'a Enclave<Unsealed>, agent: &Agent) -> Self {
        Self { log: enclave.ledger.log(), agent: agent.id.to_string(), now: enclave.clock.windows() }
    }

    /// The moment.
    pub(super) fn now(&self) -> u64 {
        self.now
    }

    /// The same limits once more, with everything that stands before this record in the journal.
    pub(super) fn still_holds(&self, reservations: &[Reservation]) -> Room {
        let (agent, reservations) = (self.agent.clone(), reservations.to_vec());
        Box::new(move |state, now| {
            reservations.iter().try_for_each(|reservation| room(state, &agent, reservation, now))
        })
    }
}

impl Spend for Budget<'_> {
    fn spent(&self, counter: &str) -> U256 {
        // A window that cannot be known is full.
        self.log
            .with(|state| state.preview(&self.agent, counter, self.now))
            .map_or(U256::MAX, |spent| spent.amount)
    }

    fn frees_at(&self, counter: &str, ceiling: U256) -> Option<u64> {
        let over = self.spent(counter).checked_sub(ceiling)?;
        self.log.with(|state| state.frees_at(&self.agent, counter, self.now, over))
    }
}

/// What a counter without a limit may take at once: an approval without end must not fill it for a day.
const UNLIMITED: u32 = 192;

/// The amount that the journal keeps: exact wherever there is a limit, clamped where there is none.
pub(super) fn recorded(reservation: &Reservation) -> U256 {
    match reservation.limit {
        Some(_) => reservation.amount,
        None => reservation.amount.min(U256::from(1) << UNLIMITED),
    }
}

fn room(state: &State, agent: &str, reservation: &Reservation, now: u64) -> Result<(), Refusal> {
    // What has no limit of its own is recorded clamped, so that its counter cannot overflow.
    let Some(limit) = reservation.limit else { return Ok(()) };
    let spent = state.preview(agent, &reservation.counter, now).map_or(U256::MAX, |spent| spent.amount);
    if spent.checked_add(reservation.amount).is_some_and(|sum| sum <= limit) {
        return Ok(());
    }
    let left = limit.saturating_sub(spent);
    let counter = &reservation.counter;
    let reason = format!(
        "daily_limit: {counter}: limit {limit}, asked {}, left {left} once the requests before this one are counted",
        reservation.amount
    );
    let denial = json!({
        "step": "daily_limit", "reason": reason, "limit": limit.to_string(), "asked": reservation.amount.to_string(),
        "left": left.to_string(),
        "frees_at": state.frees_at(agent, counter, now, spent.saturating_add(reservation.amount).saturating_sub(limit)),
    });
    Err(Refusal::NoRoom { step: "daily_limit", reason, denial })
}
