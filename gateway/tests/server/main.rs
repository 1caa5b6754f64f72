//! The real server on a loopback port: what it releases, and each thing that it refuses, by name.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod client;
mod connections;
mod deployment;
mod evidence;
mod files;
mod genesis;
mod isolation;
mod program;
mod reference;
mod release;
mod shape;
mod transport;
mod witness;
