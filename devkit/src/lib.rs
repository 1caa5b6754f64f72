//! Everything on one machine: the development set-up of Shroud, as real processes.
//!
//! `shroud-dev` makes a state folder, starts a process per role (security processor, three gateways, host, enclave,
//! verifying sidecar), keeps them running, and tells the story of one intent as a client of what it started.
//! Nothing here is linked into a production program, and nothing here is trusted by one: gateways and verifiers learn
//! of the development root only from the reference values that this set-up signs with its own operator key.
//!
//! ```text
//! main ─► up ─► directory, operator, ports, gateways, configuration      (files)
//!           └─► supervisor ─► processor ─► reference ─► gateways ─► host ─► enclave ─► connect
//!           └─► demo                                                    (a client of base_url and enclave_url)
//! ```

pub mod child;
pub mod command;
pub mod configuration;
pub mod demo;
pub mod directory;
pub mod error;
pub mod gateways;
pub mod operator;
pub mod ports;
pub mod programs;
pub mod reference;
pub mod role;
pub mod running;
pub mod signals;
pub mod supervisor;
pub mod up;

pub use error::DevError;
pub use role::Role;
