//! The custody crate through its public interface: honest use, hostile stores, coalitions, oracles, frozen forms.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod branch_free;
mod client_share;
mod coalitions;
mod drill;
mod envelopes;
mod frozen;
mod hostile_share;
mod hostile_state_key_share;
mod long_lived;
mod oracles;
mod reshare;
mod scene;
mod secret_never_prints;
