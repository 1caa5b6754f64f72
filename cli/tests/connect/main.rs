//! The verifying sidecar against enclaves that are genuine, and against ones that are not.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod agent;
mod checkpoints;
mod enclave;
mod evidence;
mod forwarding;
mod guest;
mod program;
mod references;
mod relay;
mod session;
