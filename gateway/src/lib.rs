//! The gateway: attested key release and witness, one per cloud, run by or for that cloud's account.
//!
//! ```text
//! challenge ─► Attested ─ admission ─► Admitted ─ release ─► backend ─► sealed to the TEE key ─► log ─► answer
//!                nonce, report           by value               KMS                            fsync
//!
//! checkpoint ─ witness ─► extends the newest? ─► state durable ─► cosignature
//! ```
//!
//! A gateway trusts its own disk and clock, AMD's roots, the operators' quorum that signs reference values, and the key
//! management service behind it. It trusts neither the host that carries the bytes nor the guest until its report is
//! verified, and a guest gets only what its own origin wrapped (DESIGN §5 to §7).
//!
//! - `server`, `slots`, `http`: from a connection, which costs a silent peer its place, to one function per
//!   path.
//! - `admission`, [`challenge`], [`rate`]: who may ask, once, how often. `release`: wrap and unwrap.
//! - [`origins`]: genesis registrations and which guest configuration belongs to which origin.
//! - [`witness`]: C2SP `tlog-witness`, state before signature. [`clock`]: never backwards.
//! - [`log`]: every release and refusal. [`references`]: reference values, never older.
//! - [`keys`], `certificate`, [`command`]: the gateway's keys and the credential that vouches for them.

mod admission;
pub mod backend;
mod certificate;
pub mod challenge;
pub mod clock;
pub mod command;
pub mod configuration;
mod files;
mod gateway;
mod http;
pub mod keys;
pub mod log;
pub mod origins;
pub mod rate;
pub mod references;
pub mod refusal;
mod release;
mod server;
mod slots;
pub mod witness;

pub use certificate::PresentError;
pub use command::{CommandError, Issue, credential_issue, identity_new, keys_new, keys_renew};
pub use configuration::{Configuration, ConfigurationError};
pub use files::FileError;
pub use gateway::StartError;
pub use keys::PublicKeys;
pub use server::Server;
