//! The verifying sidecar against enclaves that are genuine, and against ones that are not.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod agent;
mod enclave;
mod evidence;
mod forwarding;
mod program;
mod references;
