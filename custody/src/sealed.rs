//! Sealing under keys that live long: the state key and the KEKs.
//!
//! ```text
//! 1 (version) ‖ salt (32 random bytes) ‖ AES-256-GCM ciphertext ‖ tag (16)
//!     subkey = HKDF-SHA256(key, salt, info = the kind of the key),  nonce = 0,  associated data = the context
//! ```
//!
//! Every blob has a subkey of its own, which seals that one message, so the nonce is constant and a long-lived key never
//! meets a random 96-bit nonce. The context comes from the caller who knows what belongs here, never from the blob.

use shroud_wire::limits;
use zeroize::Zeroizing;

use crate::aead;
use crate::derivation::derive;
use crate::random::Random;
use crate::secret::Secret;

/// The version that is written.
pub const VERSION: u8 = 1;
/// The length of a salt, in bytes.
const SALT: usize = 32;
/// What sealing adds to a plaintext, in bytes.
pub const OVERHEAD: usize = 1 + SALT + aead::TAG;
/// The longest sealed thing, in bytes: it has to fit one row.
pub const LONGEST: usize = limits::ROW_BODY;

/// A subkey seals one message, so one nonce is enough.
const NONCE: [u8; aead::NONCE] = [0; aead::NONCE];

/// A plaintext is too long to be sealed into one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a plaintext of {length} bytes, at most {limit} fit")]
pub struct Oversized {
    /// Its length.
    pub length: usize,
    /// The longest that is sealed.
    pub limit: usize,
}

/// Why a sealed thing does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnsealError {
    /// It has no bytes, thus no version.
    #[error("nothing is there")]
    Empty,
    /// It is of a version that this program does not know.
    #[error("sealed form {0} is unknown")]
    UnknownVersion(u8),
    /// It ends before its tag.
    #[error("{length} bytes are too few for a sealed thing")]
    Truncated {
        /// Its length.
        length: usize,
    },
    /// It is longer than anything that was ever sealed.
    #[error("{length} bytes are too many for a sealed thing")]
    Oversized {
        /// Its length.
        length: usize,
    },
    /// It was not sealed under this key and this context, or was changed since.
    #[error("it does not authenticate under this key and this context")]
    NotAuthentic,
}

impl From<aead::NotAuthentic> for UnsealError {
    fn from(_: aead::NotAuthentic) -> Self {
        Self::NotAuthentic
    }
}

/// Seals `plaintext`, bound to `context`, under a subkey of `key`. `kind` keeps the keys' kinds apart.
pub(crate) fn seal(
    key: &Secret<32>,
    kind: &'static str,
    context: &[u8],
    plaintext: &[u8],
    random: &mut dyn Random,
) -> Result<Vec<u8>, Oversized> {
    let mut header = [VERSION; 1 + SALT];
    let [_, salt @ ..] = &mut header;
    random.fill(salt);
    let subkey = derive(salt, key.expose(), kind.as_bytes());
    seal_once(&subkey, &NONCE, context, &header, plaintext)
}

/// Opens what [`seal`] made.
pub(crate) fn open(
    key: &Secret<32>,
    kind: &'static str,
    context: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, UnsealError> {
    let (salt, body) = parse::<SALT>(sealed)?;
    let subkey = derive(salt, key.expose(), kind.as_bytes());
    Ok(aead::open(subkey.expose(), &NONCE, context, body)?)
}

/// Encrypts under a key that has not met this nonce, after the check of the length.
pub(crate) fn seal_once(
    key: &Secret<32>,
    nonce: &[u8; aead::NONCE],
    context: &[u8],
    header: &[u8],
    plaintext: &[u8],
) -> Result<Vec<u8>, Oversized> {
    let limit = LONGEST.saturating_sub(header.len() + aead::TAG);
    let oversized = Oversized { length: plaintext.len(), limit };
    if plaintext.len() > limit {
        return Err(oversized);
    }
    aead::seal(key.expose(), nonce, context, header, plaintext).map_err(|_| oversized)
}

/// Takes a sealed thing apart: what stands between version and ciphertext, and the ciphertext with its tag.
pub(crate) fn parse<const PREFIX: usize>(sealed: &[u8]) -> Result<(&[u8; PREFIX], &[u8]), UnsealError> {
    if sealed.len() > LONGEST {
        return Err(UnsealError::Oversized { length: sealed.len() });
    }
    let (&version, rest) = sealed.split_first().ok_or(UnsealError::Empty)?;
    if version != VERSION {
        return Err(UnsealError::UnknownVersion(version));
    }
    let truncated = UnsealError::Truncated { length: sealed.len() };
    let (prefix, body) = rest.split_first_chunk::<PREFIX>().ok_or(truncated)?;
    if body.len() < aead::TAG { Err(truncated) } else { Ok((prefix, body)) }
}
