//! Policies that only their key can make: whoever can build a lax policy can mint approvals.
//!
//! ```text
//! canonical("shroud/v1/policy", body) ‖ HMAC-SHA256(key, canonical("shroud/v1/policy", body))
//! ```
//!
//! The body is the guardrails' canonical JSON. The digest that approvals and the journal carry is SHA-256 of the
//! canonical bytes.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use shroud_wire::canonical::{Canonical, Malformed, Reader};
use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::guardrails::Guardrails;

const LABEL: &str = "shroud/v1/policy";
const TAG: usize = 32;

/// The key under which policies are signed. It never prints and cannot be copied.
#[derive(ZeroizeOnDrop)]
pub struct PolicyKey([u8; 32]);

/// Guardrails that were signed under the policy key.
#[derive(Debug)]
pub struct SignedPolicy {
    guardrails: Guardrails,
    digest: [u8; 32],
}

/// Why bytes are not a policy signed under this key.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PolicyError {
    /// There is no room for a tag.
    #[error("a signed policy ends with a tag of 32 bytes")]
    Truncated,
    /// The tag is not this key's.
    #[error("the policy was not signed under this key")]
    Tag,
    /// The bytes are not canonical.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The body is not guardrails as this version writes them.
    #[error("the policy's body is not guardrails: {0}")]
    Body(String),
}

impl PolicyKey {
    /// The key of these bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The key of one subject's policies, such as an agent's id, so that one agent's policy opens for no other.
    #[must_use]
    pub fn for_subject(&self, subject: &str) -> Self {
        Self(
            self.tag(&Canonical::new("shroud/v1/policy-key").field(subject).into_bytes())
                .finalize()
                .into_bytes()
                .into(),
        )
    }

    /// Signs guardrails; [`SignedPolicy::open`] reads the bytes back.
    #[must_use]
    pub fn sign(&self, guardrails: &Guardrails) -> Vec<u8> {
        let mut bytes = Canonical::new(LABEL).field(guardrails.canonical()).into_bytes();
        let tag = self.tag(&bytes).finalize().into_bytes();
        bytes.extend_from_slice(&tag);
        bytes
    }

    fn tag(&self, bytes: &[u8]) -> Hmac<Sha256> {
        // HMAC pads a key shorter than its block with zeros; doing so here needs no fallible constructor.
        let mut block = Zeroizing::new([0; 64]);
        block.iter_mut().zip(self.0).for_each(|(to, from)| *to = from);
        Hmac::<Sha256>::new((&*block).into()).chain_update(bytes)
    }
}

impl SignedPolicy {
    /// Opens bytes that [`PolicyKey::sign`] made under the same key.
    ///
    /// # Errors
    /// [`PolicyError`] for any other bytes.
    pub fn open(bytes: &[u8], key: &PolicyKey) -> Result<Self, PolicyError> {
        let at = bytes.len().checked_sub(TAG).ok_or(PolicyError::Truncated)?;
        let (signed, tag) = bytes.split_at_checked(at).ok_or(PolicyError::Truncated)?;
        key.tag(signed).verify_slice(tag).map_err(|_| PolicyError::Tag)?;
        let mut reader = Reader::new(LABEL, signed)?;
        let body = reader.field()?;
        reader.end()?;
        let guardrails = Guardrails::from_canonical(body).map_err(|e| PolicyError::Body(e.to_string()))?;
        Ok(Self { guardrails, digest: Sha256::digest(signed).into() })
    }

    /// The guardrails.
    #[must_use]
    pub fn guardrails(&self) -> &Guardrails {
        &self.guardrails
    }

    /// SHA-256 of the canonical bytes: what approvals and journal entries carry.
    #[must_use]
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> PolicyKey {
        PolicyKey::new([7; 32])
    }

    #[test]
    fn a_signed_policy_opens_under_its_key() {
        let bytes = key().sign(&Guardrails::default());
        let policy = SignedPolicy::open(&bytes, &key()).unwrap();
        assert_eq!(policy.guardrails(), &Guardrails::default());
        assert_eq!(policy.digest(), &<[u8; 32]>::from(Sha256::digest(&bytes[..bytes.len() - 32])));
    }

    #[test]
    fn tag_of_another_key_is_refused() {
        let bytes = key().sign(&Guardrails::default());
        let opened = SignedPolicy::open(&bytes, &PolicyKey::new([8; 32]));
        assert_eq!(opened.unwrap_err(), PolicyError::Tag);
    }

    #[test]
    fn tag_of_another_subject_is_refused() {
        let bytes = key().for_subject("a").sign(&Guardrails::default());
        assert!(SignedPolicy::open(&bytes, &key().for_subject("a")).is_ok());
        for other in [key().for_subject("b"), key()] {
            assert_eq!(SignedPolicy::open(&bytes, &other).unwrap_err(), PolicyError::Tag);
        }
    }

    #[test]
    fn every_flipped_bit_is_refused() {
        let bytes = key().sign(&Guardrails::default());
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert_eq!(SignedPolicy::open(&changed, &key()).unwrap_err(), PolicyError::Tag, "byte {at}");
        }
    }

    #[test]
    fn truncated_is_refused() {
        assert_eq!(SignedPolicy::open(&[0; 31], &key()).unwrap_err(), PolicyError::Truncated);
    }

    #[test]
    fn malformed_bytes_are_refused_even_when_signed() {
        let mut bytes = Canonical::new("shroud/v1/other").field("{}").into_bytes();
        bytes.extend(key().tag(&bytes).finalize().into_bytes());
        assert!(matches!(SignedPolicy::open(&bytes, &key()), Err(PolicyError::Malformed(_))));
    }

    #[test]
    fn body_with_an_unknown_member_is_refused() {
        let mut bytes = Canonical::new(LABEL).field(r#"{"tx_max_valu":"1"}"#).into_bytes();
        bytes.extend(key().tag(&bytes).finalize().into_bytes());
        assert!(matches!(SignedPolicy::open(&bytes, &key()), Err(PolicyError::Body(_))));
    }
}
