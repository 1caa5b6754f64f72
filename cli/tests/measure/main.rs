//! `shroud measure` and `scripts/launch-snp.sh`, as an operator runs them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod digest;
mod launch;
mod release;
mod workshop;
