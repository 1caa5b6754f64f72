//! The harness of the end-to-end tests: the real processes, started as a user starts them and judged from outside.
//!
//! It knows the contract of `shroud-dev up --json`, the HTTP API, the folder layout of a development set-up and the
//! names of the host's tables, and nothing else: no crate of Shroud is linked. A failure of the harness itself is a
//! panic that says what was expected, because nothing but tests uses it.
//!
//! Build the programs first: `cargo build --workspace --bins`.

#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a test that cannot go on ends here")]

pub mod api;
pub mod database;
pub mod http;
pub mod process;
pub mod programs;
pub mod role;
pub mod search;
pub mod transaction;
pub mod up;
pub mod wait;
