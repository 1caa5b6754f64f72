//! The untrusted host: it carries bytes to and from the enclave and keeps its rows (DESIGN §2, §3).
//!
//! ```text
//! client ──TCP──► ingress ──link──► enclave ──link──► egress ──TCP──► gateway
//!                                      └────link──► store ──► SQLite
//! ```
//!
//! Nothing here is trusted and nothing here holds a key: ingress and egress parse no TLS, and the store knows tables,
//! row versions and an order of entries, but no meaning. Towards its peers the host is careful all the same: every
//! queue, size and wait has a bound (see [`limits`]), a full host makes its peers wait, and no byte of a peer ends
//! the process.

pub mod config;
pub mod egress;
mod frames;
pub mod ingress;
pub mod limits;
mod relay;
pub mod server;
mod shares;
pub mod store;
