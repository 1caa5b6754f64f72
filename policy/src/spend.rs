//! What an agent has spent already, as the journal knows it.
//!
//! The policy asks; the journal answers with rolling windows that are exact to the second. Reservations in flight count
//! as spent.

use std::collections::BTreeMap;

use ruint::aliases::U256;

use crate::counter::DAY;

/// Totals of one agent in the 24 hours before the moment of judgement, by counter (see [`crate::counter`]).
pub trait Spend {
    /// What was spent or is reserved under `counter`.
    fn spent(&self, counter: &str) -> U256;

    /// The earliest Unix second at which the total of `counter` is `ceiling` or less; `None` if that is not known.
    fn frees_at(&self, counter: &str, ceiling: U256) -> Option<u64>;

    /// Whether the agent has paid this counterparty before. Not knowing means no.
    fn has_paid(&self, counterparty: &str) -> bool {
        let _ = counterparty;
        false
    }
}

/// Nothing was ever spent.
#[derive(Clone, Copy, Debug, Default)]
pub struct NothingSpent;

impl Spend for NothingSpent {
    fn spent(&self, _: &str) -> U256 {
        U256::ZERO
    }

    fn frees_at(&self, _: &str, _: U256) -> Option<u64> {
        None
    }
}

/// Windows kept in memory: the plain form of what the journal does, for dry runs and for tests.
#[derive(Clone, Debug, Default)]
pub struct Windows {
    now: u64,
    entries: BTreeMap<String, Vec<(u64, U256)>>,
}

impl Windows {
    /// Adds an amount spent at `time`.
    pub fn add(&mut self, counter: &str, amount: U256, time: u64) {
        self.entries.entry(counter.to_owned()).or_default().push((time, amount));
    }

    /// Sets the moment of judgement.
    pub fn at(&mut self, now: u64) -> &Self {
        self.now = now;
        self
    }

    fn total(&self, counter: &str, now: u64) -> U256 {
        let entries = self.entries.get(counter).map(Vec::as_slice).unwrap_or_default();
        let inside = entries.iter().filter(|(time, _)| now < time.saturating_add(DAY));
        inside.fold(U256::ZERO, |sum, (_, amount)| sum.saturating_add(*amount))
    }
}

impl Spend for Windows {
    fn spent(&self, counter: &str) -> U256 {
        self.total(counter, self.now)
    }

    fn frees_at(&self, counter: &str, ceiling: U256) -> Option<u64> {
        let entries = self.entries.get(counter)?;
        let ends = entries.iter().map(|(time, _)| time.saturating_add(DAY)).filter(|end| *end > self.now);
        ends.filter(|end| self.total(counter, *end) <= ceiling).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_is_exact_to_the_second() {
        let mut windows = Windows::default();
        windows.add("a", U256::from(5), 100);
        windows.add("a", U256::from(7), 200);
        assert_eq!(windows.at(99 + DAY).spent("a"), U256::from(12));
        assert_eq!(windows.at(100 + DAY).spent("a"), U256::from(7));
        assert_eq!(windows.at(200 + DAY).spent("a"), U256::ZERO);
    }

    #[test]
    fn frees_at_is_when_enough_has_left() {
        let mut windows = Windows::default();
        windows.add("a", U256::from(5), 100);
        windows.add("a", U256::from(7), 200);
        assert_eq!(windows.at(300).frees_at("a", U256::from(7)), Some(100 + DAY));
        assert_eq!(windows.at(300).frees_at("a", U256::from(6)), Some(200 + DAY));
        assert_eq!(windows.at(300).frees_at("b", U256::ZERO), None);
    }
}
