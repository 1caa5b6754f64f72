//! The host as its peers see it: over TCP and over links, in process and as a program that is killed.

mod bytes;
mod client;
mod durability;
mod load;
mod running;
mod store;
