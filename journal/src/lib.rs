//! The journal: Shroud's only source of truth about what happened.
//!
//! ```text
//! Entry ─ canonical bytes ─► leaf hash ─► chain hash (State::head)
//!                               └───────► Tree ─ root ─► Checkpoint ─ signed note ─► Witness ─ cosignature/v1
//!                                                                                        │
//!            CosignedCheckpoint (a quorum holds) ◄─ Cosigning ◄──────────────────────────┘
//! ```
//!
//! - [`entry`]: what one record holds, its bytes and hashes; [`row`]: the hash of a stored row.
//! - [`tree`]: RFC 6962 hashes and proofs. [`checkpoint`], [`cosignature`], [`cosigned`]: C2SP notes.
//! - [`witness`]: the state machine of a witness (C2SP `tlog-witness`).
//! - [`state`]: entries applied in order: newest rows, tombstones, spend windows, term, head; [`replay`] builds it.
//! - [`quorum`]: how many witnesses must answer, and what time their cosignatures tell; [`boot`]: may this guest serve.
//!
//! Nothing here opens a socket, reads a clock or draws randomness: bytes, `now` and blinding are arguments. Time is in
//! whole Unix seconds, as cosignatures carry it. Trusted: SHA-256, Ed25519, and the keys that callers pass in.

pub mod boot;
pub mod checkpoint;
pub mod cosignature;
pub mod cosigned;
pub mod entry;
mod hash;
pub mod kind;
pub mod quorum;
pub mod replay;
pub mod row;
pub mod state;
pub mod time;
pub mod tree;
pub mod witness;

pub use boot::{Agreed, BootRefused, Ground, Registered, Testimony};
pub use checkpoint::{Checkpoint, CheckpointError, Origin, SignedCheckpoint};
pub use cosignature::{Cosignature, CosignatureError, WitnessKey};
pub use cosigned::{CosignedCheckpoint, Cosigning, Witnesses};
pub use entry::{Entry, EntryError, RowChange, Spend};
pub use hash::Hash;
pub use kind::Kind;
pub use quorum::{Quorum, QuorumError};
pub use replay::{Replay, ReplayError};
pub use row::row_hash;
pub use state::{Applied, ApplyError, FreshRow, Position, RowError, RowVersion, SpendError, Spent, State};
pub use time::{ClockError, QuorumTime};
pub use tree::{Consistent, Included, ProofError, Tree, verify_consistency, verify_inclusion};
pub use witness::{AddCheckpoint, Answer, Memory, Pending, Refused, Witness};
