//! The host as its peers see it: over TCP and over links, in process and as a program that is killed.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

mod bytes;
mod client;
mod durability;
mod load;
mod places;
mod running;
mod store;
