//! The customer's and operator's tool, as a library: `shroud connect` and `shroud verify`.

pub mod connect;
pub mod tcb;
pub mod verify;
