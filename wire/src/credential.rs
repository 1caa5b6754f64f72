//! A gateway's credential: its offline identity key vouches for its short-lived TLS, HPKE and witness keys.
//!
//! The enclave pins the identity key alone. The credential rides in the gateway's TLS certificate as an extension, so
//! that the handshake itself can be judged before a byte is sent.

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, UnparsedPublicKey};

use crate::canonical::{Canonical, Malformed, Reader};

/// The label of a credential.
pub const LABEL: &str = "shroud/v1/gateway-credential";
/// The certificate extension that carries it. No registered arc exists for it, so it stands under `2.25` (ITU-T X.667)
/// with a random number that fits the 32 bits which common decoders allow; only enclaves and gateways read it.
pub const EXTENSION: &str = "2.25.1604729438";
/// The same OID, arc by arc, for builders that want numbers.
pub const EXTENSION_ARCS: [u64; 3] = [2, 25, 1_604_729_438];
/// How long a credential may live at most, in seconds.
pub const LIFETIME: u64 = 8 * 24 * 3600;

/// What the identity key vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The gateway's name: `gcp`, `aws` or `azure`.
    pub gateway: String,
    /// SubjectPublicKeyInfo (DER) of the TLS key.
    pub tls_spki: Vec<u8>,
    /// The HPKE public key that plaintext is sealed to, 32 bytes.
    pub hpke_key: [u8; 32],
    /// The witness's Ed25519 public key, 32 bytes; its note name is `gateway`.
    pub witness_key: [u8; 32],
    /// Unix seconds.
    pub not_before: u64,
    /// Unix seconds.
    pub not_after: u64,
}

/// A credential that was verified under a pinned identity.
#[derive(Debug)]
pub struct Credential {
    statement: Statement,
}

/// Why a credential was refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CredentialError {
    /// The bytes are no credential.
    #[error("malformed credential: {0}")]
    Malformed(#[from] Malformed),
    /// Another key signed it, or nobody did.
    #[error("the pinned identity of gateway {0:?} did not sign this credential")]
    Identity(String),
    /// It is another gateway's.
    #[error("the credential is for gateway {found:?}, expected {expected:?}")]
    Gateway {
        /// The name that the configuration pins.
        expected: String,
        /// The credential's name.
        found: String,
    },
    /// The certificate's key is not the one that it names.
    #[error("the TLS key is not the one that the credential names")]
    TlsKey,
    /// It is not yet or no longer valid, or would be for too long.
    #[error("the credential is valid from {not_before} to {not_after}, judged at {now}")]
    Validity {
        /// Unix seconds.
        not_before: u64,
        /// Unix seconds.
        not_after: u64,
        /// Unix seconds.
        now: u64,
    },
}

impl Statement {
    fn canonical(&self) -> Vec<u8> {
        Canonical::new(LABEL)
            .field(&self.gateway)
            .field(&self.tls_spki)
            .field(self.hpke_key)
            .field(self.witness_key)
            .number(self.not_before)
            .number(self.not_after)
            .into_bytes()
    }

    /// Signs the statement: `canonical bytes ‖ 64-byte signature`.
    #[must_use]
    pub fn sign(&self, identity: &Ed25519KeyPair) -> Vec<u8> {
        let mut bytes = self.canonical();
        let signature = identity.sign(&bytes);
        bytes.extend_from_slice(signature.as_ref());
        bytes
    }

    fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(LABEL, bytes)?;
        let statement = Self {
            gateway: reader.text()?.to_owned(),
            tls_spki: reader.field()?.to_vec(),
            hpke_key: reader.array()?,
            witness_key: reader.array()?,
            not_before: reader.number()?,
            not_after: reader.number()?,
        };
        reader.end()?;
        Ok(statement)
    }
}

impl Credential {
    /// Verifies a credential: signed by the pinned `identity` of `gateway`, for the TLS key in use, valid at `now`.
    ///
    /// # Errors
    /// Every [`CredentialError`].
    pub fn verify(
        bytes: &[u8],
        gateway: &str,
        identity: &[u8; 32],
        tls_spki: &[u8],
        now: u64,
    ) -> Result<Self, CredentialError> {
        let stranger = || CredentialError::Identity(gateway.to_owned());
        let (body, signature) = bytes.split_last_chunk::<64>().ok_or_else(stranger)?;
        UnparsedPublicKey::new(&ED25519, identity).verify(body, signature).map_err(|_| stranger())?;
        let statement = Statement::read(body)?;
        if statement.gateway != gateway {
            return Err(CredentialError::Gateway { expected: gateway.to_owned(), found: statement.gateway });
        }
        if statement.tls_spki != tls_spki {
            return Err(CredentialError::TlsKey);
        }
        let (not_before, not_after) = (statement.not_before, statement.not_after);
        let lifetime = not_after.checked_sub(not_before);
        if now < not_before || now > not_after || lifetime.is_none_or(|seconds| seconds > LIFETIME) {
            return Err(CredentialError::Validity { not_before, not_after, now });
        }
        Ok(Self { statement })
    }

    /// What the identity vouches for.
    #[must_use]
    pub fn statement(&self) -> &Statement {
        &self.statement
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::KeyPair as _;

    use super::*;

    fn fixture() -> (Ed25519KeyPair, [u8; 32], Statement) {
        let identity = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let public = identity.public_key().as_ref().try_into().unwrap();
        let statement = Statement {
            gateway: "aws".into(),
            tls_spki: vec![1, 2, 3],
            hpke_key: [2; 32],
            witness_key: [3; 32],
            not_before: 1000,
            not_after: 2000,
        };
        (identity, public, statement)
    }

    #[test]
    fn a_genuine_credential_is_accepted() {
        let (identity, public, statement) = fixture();
        let signed = statement.sign(&identity);
        let credential = Credential::verify(&signed, "aws", &public, &[1, 2, 3], 1500).unwrap();
        assert_eq!(credential.statement(), &statement);
    }

    #[test]
    fn every_other_one_is_refused_by_name() {
        let (identity, public, statement) = fixture();
        let signed = statement.sign(&identity);
        let verify = |bytes: &[u8], name, key: &[u8; 32], spki: &[u8], now| {
            Credential::verify(bytes, name, key, spki, now).map(|_| ()).unwrap_err()
        };
        let stranger = CredentialError::Identity("aws".into());
        assert_eq!(verify(&signed, "aws", &[9; 32], &[1, 2, 3], 1500), stranger);
        let mut bent = signed.clone();
        bent[40] ^= 1;
        assert_eq!(verify(&bent, "aws", &public, &[1, 2, 3], 1500), stranger);
        assert!(matches!(verify(&signed, "gcp", &public, &[1, 2, 3], 1500), CredentialError::Gateway { .. }));
        assert_eq!(verify(&signed, "aws", &public, &[1, 2], 1500), CredentialError::TlsKey);
        for now in [999, 2001] {
            assert!(matches!(
                verify(&signed, "aws", &public, &[1, 2, 3], now),
                CredentialError::Validity { .. }
            ));
        }
        let endless = Statement { not_after: u64::MAX, ..statement }.sign(&identity);
        assert!(matches!(
            verify(&endless, "aws", &public, &[1, 2, 3], 1500),
            CredentialError::Validity { .. }
        ));
    }
}
