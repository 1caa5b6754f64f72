//! ID block and ID authentication information (AMD 56860, `SNP_LAUNCH_FINISH`): the guest's owner says beforehand which
//! digest and policy may run, and the firmware refuses every other. The ID key signs the block, the author key the ID
//! key; the report then carries the digests of both.
//!
//! ```text
//! ID block, 96 bytes:  digest 48 ‖ family 16 ‖ image 16 ‖ u32 1 ‖ u32 SVN ‖ u64 policy
//! ID auth, 4096 bytes: u32 1 ‖ u32 1 ‖ …40h: signature of the block ‖ …240h: ID key
//!                      ‖ …680h: signature of the ID key ‖ …880h: author key ‖ zeros
//! ```
//!
//! Who can launch cannot make one: both keys stay with whoever publishes releases.

mod key;

pub use key::{IdKey, KeyError};
use key::{PUBLIC_KEY, SIGNATURE};

use crate::LaunchDigest;

/// Bytes of an ID block.
pub const ID_BLOCK: usize = 96;
/// Bytes of an ID auth.
pub const ID_AUTH: usize = 4096;

const VERSION: u32 = 1;
/// ECDSA over P-384 with SHA-384.
const ALGORITHM: u32 = 1;

const BLOCK_SIGNATURE: usize = 0x40;
const ID_PUBLIC_KEY: usize = 0x240;
const ID_KEY_SIGNATURE: usize = 0x680;
const AUTHOR_PUBLIC_KEY: usize = 0x880;

/// What may run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdBlock {
    /// The launch digest.
    pub measurement: LaunchDigest,
    /// Free for the owner; in the report's `FAMILY_ID`.
    pub family_id: [u8; 16],
    /// Free for the owner; in the report's `IMAGE_ID`.
    pub image_id: [u8; 16],
    /// The guest's security version; in the report's `GUEST_SVN`.
    pub guest_svn: u32,
    /// The guest policy with which it must be launched.
    pub policy: u64,
}

/// A block whose two signatures were made or verified.
#[derive(Debug, PartialEq, Eq)]
pub struct SignedIdBlock {
    block: IdBlock,
    auth: Box<[u8; ID_AUTH]>,
}

/// Why bytes are no signed ID block.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum IdBlockError {
    /// A block that has not 96 bytes.
    #[error("an ID block of {0} bytes; expected {ID_BLOCK}")]
    BlockLength(usize),
    /// An ID auth that has not 4096 bytes.
    #[error("an ID auth of {0} bytes; expected {ID_AUTH}")]
    AuthLength(usize),
    /// A block of another version.
    #[error("an ID block of version {0}; expected {VERSION}")]
    Version(u32),
    /// A key of another algorithm than ECDSA over P-384 with SHA-384.
    #[error("a key of algorithm {0}; expected {ALGORITHM}")]
    Algorithm(u32),
    /// Bytes that must be zero are not.
    #[error("reserved bytes of the ID auth are not zero")]
    Reserved,
    /// The ID key did not sign the block.
    #[error("the ID key did not sign this block")]
    BlockSignature,
    /// The author key did not sign the ID key.
    #[error("the author key did not sign this ID key")]
    IdKeySignature,
    /// The key cannot sign.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl IdBlock {
    /// The block's bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; ID_BLOCK] {
        let mut bytes = [0; ID_BLOCK];
        bytes[..48].copy_from_slice(&self.measurement.0);
        bytes[48..64].copy_from_slice(&self.family_id);
        bytes[64..80].copy_from_slice(&self.image_id);
        bytes[80..84].copy_from_slice(&VERSION.to_le_bytes());
        bytes[84..88].copy_from_slice(&self.guest_svn.to_le_bytes());
        bytes[88..].copy_from_slice(&self.policy.to_le_bytes());
        bytes
    }

    /// Reads a block; nothing about it is signed.
    ///
    /// # Errors
    /// [`IdBlockError::BlockLength`] and [`IdBlockError::Version`].
    pub fn parse(bytes: &[u8]) -> Result<Self, IdBlockError> {
        let bytes: &[u8; ID_BLOCK] = bytes.try_into().map_err(|_| IdBlockError::BlockLength(bytes.len()))?;
        let version = u32::from_le_bytes(field(bytes, 80));
        if version != VERSION {
            return Err(IdBlockError::Version(version));
        }
        Ok(Self {
            measurement: crate::Hex(field(bytes, 0)),
            family_id: field(bytes, 48),
            image_id: field(bytes, 64),
            guest_svn: u32::from_le_bytes(field(bytes, 84)),
            policy: u64::from_le_bytes(field(bytes, 88)),
        })
    }

    /// Signs the block with the ID key, and the ID key with the author key.
    ///
    /// # Errors
    /// [`IdBlockError::Key`] where signing fails.
    pub fn sign(self, id_key: &IdKey, author_key: &IdKey) -> Result<SignedIdBlock, IdBlockError> {
        let mut auth = Box::new([0; ID_AUTH]);
        put(&mut auth, 0, &ALGORITHM.to_le_bytes());
        put(&mut auth, 4, &ALGORITHM.to_le_bytes());
        put(&mut auth, BLOCK_SIGNATURE, &id_key.sign(&self.to_bytes())?);
        put(&mut auth, ID_PUBLIC_KEY, id_key.public());
        put(&mut auth, ID_KEY_SIGNATURE, &author_key.sign(id_key.public())?);
        put(&mut auth, AUTHOR_PUBLIC_KEY, author_key.public());
        Ok(SignedIdBlock { block: self, auth })
    }
}

impl SignedIdBlock {
    /// Reads block and auth, and verifies both signatures as the firmware will.
    ///
    /// # Errors
    /// Every [`IdBlockError`] but `Key`.
    pub fn parse(block: &[u8], auth: &[u8]) -> Result<Self, IdBlockError> {
        let bytes: &[u8; ID_AUTH] = auth.try_into().map_err(|_| IdBlockError::AuthLength(auth.len()))?;
        for at in [0, 4] {
            let algorithm = u32::from_le_bytes(field(bytes, at));
            if algorithm != ALGORITHM {
                return Err(IdBlockError::Algorithm(algorithm));
            }
        }
        if reserved(bytes).any(|byte| byte != 0) {
            return Err(IdBlockError::Reserved);
        }
        let signed = Self { block: IdBlock::parse(block)?, auth: Box::new(*bytes) };
        key::verify(&signed.id_key(), block, &field(bytes, BLOCK_SIGNATURE))
            .ok_or(IdBlockError::BlockSignature)?;
        key::verify(&signed.author_key(), &signed.id_key(), &field(bytes, ID_KEY_SIGNATURE))
            .ok_or(IdBlockError::IdKeySignature)?;
        Ok(signed)
    }

    /// What was signed.
    #[must_use]
    pub const fn block(&self) -> &IdBlock {
        &self.block
    }

    /// The ID auth's bytes.
    #[must_use]
    pub const fn auth(&self) -> &[u8; ID_AUTH] {
        &self.auth
    }

    /// What the report will carry as `ID_KEY_DIGEST`.
    #[must_use]
    pub fn id_key_digest(&self) -> LaunchDigest {
        key::digest(&self.id_key())
    }

    /// What the report will carry as `AUTHOR_KEY_DIGEST`.
    #[must_use]
    pub fn author_key_digest(&self) -> LaunchDigest {
        key::digest(&self.author_key())
    }

    fn id_key(&self) -> [u8; PUBLIC_KEY] {
        field(&self.auth, ID_PUBLIC_KEY)
    }

    fn author_key(&self) -> [u8; PUBLIC_KEY] {
        field(&self.auth, AUTHOR_PUBLIC_KEY)
    }
}

/// The bytes of an ID auth that mean nothing yet.
fn reserved(auth: &[u8; ID_AUTH]) -> impl Iterator<Item = u8> {
    let spans = [
        8..BLOCK_SIGNATURE,
        ID_PUBLIC_KEY + PUBLIC_KEY..ID_KEY_SIGNATURE,
        AUTHOR_PUBLIC_KEY + PUBLIC_KEY..ID_AUTH,
    ];
    spans.into_iter().flatten().filter_map(|at| auth.get(at).copied())
}

/// `N` bytes from a place that is a constant inside `M` bytes.
fn field<const N: usize, const M: usize>(bytes: &[u8; M], at: usize) -> [u8; N] {
    core::array::from_fn(|index| bytes.get(at + index).copied().unwrap_or_default())
}

fn put(auth: &mut [u8; ID_AUTH], at: usize, bytes: &[u8]) {
    auth[at..at + bytes.len()].copy_from_slice(bytes);
}

const _: () = assert!(BLOCK_SIGNATURE + SIGNATURE == ID_PUBLIC_KEY);
const _: () = assert!(ID_KEY_SIGNATURE + SIGNATURE == AUTHOR_PUBLIC_KEY);
