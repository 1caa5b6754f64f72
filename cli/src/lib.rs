//! The customer's and operator's tool, as a library: one module for each command.

pub mod connect;
pub mod measure;
pub mod tcb;
pub mod verify;
