//! Names of the counters that limits compare with: one per asset, never a sum of different ones.
//!
//! A counter is a string under which the journal keeps what an agent spent in the last 24 hours. A counter of a UTC day
//! carries the day in its name, so that the same rolling window serves it: everything under it happened that day.

use crate::Address;

/// Seconds of one day, and of the rolling window.
pub const DAY: u64 = 86_400;

/// Native value, all EVM chains together, as the contract's daily limit counts it. Wei.
#[must_use]
pub fn native() -> String {
    "evm/native".to_owned()
}

/// Native value on one chain. Wei.
#[must_use]
pub fn native_on(chain_id: u64) -> String {
    format!("evm/{chain_id}/native")
}

/// Native value to one recipient, all chains together. Wei.
#[must_use]
pub fn native_to(recipient: Address) -> String {
    format!("evm/native/to/{recipient}")
}

/// Amounts of one token on one chain. Smallest units; of a collection, items.
#[must_use]
pub fn token(chain_id: u64, token: Address) -> String {
    format!("evm/{chain_id}/token/{token}")
}

/// Worst-case fees, all chains together. Wei.
#[must_use]
pub fn fee() -> String {
    "evm/fee".to_owned()
}

/// Worst-case fees on one chain. Wei.
#[must_use]
pub fn fee_on(chain_id: u64) -> String {
    format!("evm/{chain_id}/fee")
}

/// Worst-case fees of the UTC day that holds `now`. Wei.
#[must_use]
pub fn fee_of_day(now: u64) -> String {
    format!("evm/fee/day/{}", now / DAY)
}

/// Worst-case fees on one chain, of the UTC day that holds `now`. Wei.
#[must_use]
pub fn fee_on_day(chain_id: u64, now: u64) -> String {
    format!("evm/{chain_id}/fee/day/{}", now / DAY)
}

/// Transactions of the UTC day that holds `now`.
#[must_use]
pub fn count(now: u64) -> String {
    format!("evm/count/day/{}", now / DAY)
}

/// Transactions on one chain, of the UTC day that holds `now`.
#[must_use]
pub fn count_on(chain_id: u64, now: u64) -> String {
    format!("evm/{chain_id}/count/day/{}", now / DAY)
}

/// Transactions to one recipient, of the UTC day that holds `now`.
#[must_use]
pub fn count_to(recipient: Address, now: u64) -> String {
    format!("evm/count/to/{recipient}/day/{}", now / DAY)
}

/// The first second of the next UTC day.
#[must_use]
pub fn next_day(now: u64) -> u64 {
    (now / DAY + 1).saturating_mul(DAY)
}
