//! RSA-PSS with SHA-384, MGF1 with SHA-384 and a 48-byte salt: the one algorithm of AMD's certificates (AMD 57230).

use der::asn1::ObjectIdentifier;
use der::{Reader as _, SliceReader, Tag};

use super::PublicKey;
use super::element::{context, oid, only, open, small, take, take_if};
use crate::crypto::{Backend as _, Selected};

const RSASSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
const MGF1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.8");
const SHA_384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");

/// A signed part, its algorithm and its signature, raw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Signed<'a> {
    /// The signed part, header included.
    pub(super) message: &'a [u8],
    /// `AlgorithmIdentifier`, header included.
    pub(super) algorithm: &'a [u8],
    /// The signature.
    pub(super) signature: &'a [u8],
}

/// Why a signature was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotSigned {
    #[error("a signature algorithm other than RSA-PSS with SHA-384 and a 48-byte salt")]
    Algorithm,
    #[error("a key that is not RSA with 4096 bits")]
    Key,
    #[error("a signature that does not verify")]
    Signature,
}

impl Signed<'_> {
    /// Verifies the signature over the raw signed part.
    pub(crate) fn verify(&self, key: &PublicKey<'_>) -> Result<(), NotSigned> {
        parameters(self.algorithm).map_err(|_| NotSigned::Algorithm)?;
        let PublicKey::Rsa { key, bits: 4096 } = key else { return Err(NotSigned::Key) };
        Selected::rsa_pss_sha384(key, self.message, self.signature).map_err(|_| NotSigned::Signature)
    }
}

/// Demands the one set of parameters; the trailer field may be spelled out although it is the default.
fn parameters(algorithm: &[u8]) -> der::Result<()> {
    let mut outer = open(only(algorithm, Tag::Sequence)?)?;
    demand(oid(&mut outer)?, RSASSA_PSS)?;
    let mut fields = open(take(&mut outer, Tag::Sequence)?)?;
    outer.finish()?;
    sha_384(only(take(&mut fields, context(0))?, Tag::Sequence)?)?;
    let mut mask = open(only(take(&mut fields, context(1))?, Tag::Sequence)?)?;
    demand(oid(&mut mask)?, MGF1)?;
    sha_384(take(&mut mask, Tag::Sequence)?)?;
    mask.finish()?;
    number(take(&mut fields, context(2))?, 48)?;
    if let Some(trailer) = take_if(&mut fields, context(3))? {
        number(trailer, 1)?;
    }
    fields.finish()
}

/// The content of `AlgorithmIdentifier { SHA-384, NULL OPTIONAL }`.
fn sha_384(content: &[u8]) -> der::Result<()> {
    let mut fields: SliceReader<'_> = open(content)?;
    demand(oid(&mut fields)?, SHA_384)?;
    take_if(&mut fields, Tag::Null)?;
    fields.finish()
}

fn demand(found: ObjectIdentifier, expected: ObjectIdentifier) -> der::Result<()> {
    if found == expected { Ok(()) } else { Err(der::ErrorKind::OidUnknown { oid: found }.into()) }
}

fn number(content: &[u8], expected: u8) -> der::Result<()> {
    let mut reader = open(content)?;
    let found = small(&mut reader)?;
    reader.finish()?;
    if found == expected { Ok(()) } else { Err(Tag::Integer.value_error().into()) }
}
