//! Custody: secrets, shares, split and combine, envelopes. Follows the design's section on keys.
//!
//! ```text
//! value ── AES-256-GCM ── value key ── HKDF ── DEK ── split by the mode ── shares ── sealed under one KEK per cloud
//! row   ── AES-256-GCM ── subkey    ── HKDF ── state key ── Shamir 2 of 3 ── wrapped by one KMS per cloud
//! ```
//!
//! The crate opens no socket and reads no clock; randomness comes in through [`Random`]. It trusts its caller for the
//! context of every operation and nobody for the bytes of a stored or presented thing: each is hostile until it
//! authenticates under the context that the caller expects.
//!
//! Start at [`seal_secret`] and [`open_secret`]; [`StateKey`] seals everything else.
//!
//! ```
//! use shroud_custody::{
//!     CustodyMode, Kek, KekSet, Provider, SecretContext, StoredSecret, SystemRandom, open_secret, seal_secret,
//! };
//!
//! let [gcp, aws, azure] = [0; 3].map(|_| Kek::generate(&mut SystemRandom));
//! let all = KekSet::new().with(Provider::Gcp, &gcp).with(Provider::Aws, &aws).with(Provider::Azure, &azure);
//! let place = SecretContext { origin: "shroud.invalid/1", org: "org", vault: "vault", path: "keys/stripe", version: 1 };
//! let sealed = seal_secret(CustodyMode::MultiHsm2of3, &place, &all, b"sk_live", &mut SystemRandom)?;
//!
//! let stored = StoredSecret { value: &sealed.value, commitment: &sealed.commitment, shares: &sealed.shares };
//! let two = KekSet::new().with(Provider::Aws, &aws).with(Provider::Azure, &azure);
//! let opened = open_secret(CustodyMode::MultiHsm2of3, &place, &stored, &two, None)?;
//! assert_eq!(opened.value.as_slice(), b"sk_live");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod aead;
pub mod client_share;
pub mod cmek;
pub mod commitment;
pub mod context;
mod derivation;
pub mod envelope;
mod gf256;
pub mod key;
pub mod mode;
mod pairs;
pub mod random;
pub mod sealed;
pub mod secret;
pub mod shamir;
pub mod state_key;

pub use client_share::{ClientShare, ClientShareError};
pub use commitment::{Commitment, Commitments};
pub use context::{KekContext, SecretContext, StateKeyContext};
pub use envelope::{
    Coalition, Disclosure, KekSet, OpenError, Opened, Refusal, ReshareError, Reshared, RewrapError,
    SealSecretError, SealedSecret, ShareFault, ShareFaultReason, Standing, StoredSecret, drill_secret,
    open_secret, reshare_secret, rewrap_share, seal_secret,
};
pub use key::{Dek, Kek, RebuiltDek};
pub use mode::{CustodyMode, Holder, Provider};
pub use random::{Random, SystemRandom};
pub use sealed::{Oversized, UnsealError};
pub use secret::{Secret, WrongLength};
pub use shamir::{Index, Rebuilt, Share};
pub use state_key::{RebuildError, StateKey};
