//! Public keys: the two kinds that AMD's certificates hold, and everything else.

use der::asn1::ObjectIdentifier;
use der::{Reader as _, Tag};

use super::element::{bits, oid, only, open, take, take_if};

const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const SECP384R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");

/// A key from `SubjectPublicKeyInfo`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublicKey<'a> {
    /// RSA, as `RSAPublicKey` in DER.
    Rsa {
        /// The key.
        key: &'a [u8],
        /// The length of its modulus in bits.
        bits: usize,
    },
    /// P-384, as an uncompressed point of 97 bytes.
    P384(&'a [u8; 97]),
    /// Anything else.
    Other,
}

impl<'a> PublicKey<'a> {
    /// Reads `SubjectPublicKeyInfo` in DER.
    #[must_use]
    pub fn parse(spki: &'a [u8]) -> Self {
        Self::read(spki).unwrap_or(Self::Other)
    }

    fn read(spki: &'a [u8]) -> der::Result<Self> {
        let mut fields = open(only(spki, Tag::Sequence)?)?;
        let mut algorithm = open(take(&mut fields, Tag::Sequence)?)?;
        let key = bits(&mut fields)?;
        fields.finish()?;
        let kind = oid(&mut algorithm)?;
        if kind == RSA_ENCRYPTION {
            take_if(&mut algorithm, Tag::Null)?;
            algorithm.finish()?;
            return Ok(Self::Rsa { key, bits: modulus_bits(key)? });
        }
        if kind == EC_PUBLIC_KEY && oid(&mut algorithm)? == SECP384R1 {
            algorithm.finish()?;
            return Ok(<&[u8; 97]>::try_from(key).map_or(Self::Other, Self::P384));
        }
        Ok(Self::Other)
    }

    /// What kind of key it is, for a person.
    #[must_use]
    pub fn kind(&self) -> String {
        match self {
            Self::Rsa { bits, .. } => format!("an RSA key with {bits} bits"),
            Self::P384(_) => "a P-384 key".into(),
            Self::Other => "a key of another kind".into(),
        }
    }
}

fn modulus_bits(key: &[u8]) -> der::Result<usize> {
    let mut fields = open(only(key, Tag::Sequence)?)?;
    let modulus = take(&mut fields, Tag::Integer)?;
    take(&mut fields, Tag::Integer)?;
    fields.finish()?;
    let significant = modulus.iter().position(|byte| *byte != 0).and_then(|start| modulus.get(start..));
    let Some([first, rest @ ..]) = significant else { return Ok(0) };
    Ok(rest.len() * 8 + usize::try_from(u8::BITS - first.leading_zeros()).unwrap_or(0))
}
