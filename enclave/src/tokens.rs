//! Tokens: JWTs signed with Ed25519 (RFC 8037) by a key that lives in sealed state.
//!
//! A token says who calls and until when; it grants nothing by itself, since rights are read from sealed state at
//! every call. Expiry goes by the witnesses' highest time. Verified tokens are remembered by the SHA-256 of their text, so that a
//! warm caller pays no signature check.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::configuration::sha256;

/// Verified tokens that are remembered; beyond this the memory starts anew.
const REMEMBERED: usize = 16_384;

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claims {
    /// `agent:<uuid>` or `user:<uuid>`.
    pub(crate) sub: String,
    /// The organisation.
    pub(crate) org: Uuid,
    /// Path ceilings and capability names.
    pub(crate) scopes: Vec<String>,
    /// Vaults that the holder is bound to; empty is all.
    pub(crate) vault_ids: Vec<Uuid>,
    /// Unix seconds.
    pub(crate) iat: u64,
    /// Unix seconds.
    pub(crate) exp: u64,
    /// The token's own id.
    pub(crate) jti: Uuid,
    /// Whether the Intents API was enabled when the token was made.
    pub(crate) intents_api_enabled: bool,
    /// Which API key the token came from; empty for a person's.
    #[serde(default)]
    pub(crate) key: String,
}

impl Claims {
    /// The beginning of a key's SHA-256: enough to tell one key from its successor.
    pub(crate) fn key(sha256: &str) -> String {
        sha256.chars().take(16).collect()
    }
}

/// Why a token does not count.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum TokenError {
    /// Not one of this deployment's, or altered.
    #[error("the token is not one of this deployment")]
    Foreign,
    /// Its time is over.
    #[error("the token expired at {0} (unix seconds)")]
    Expired(u64),
    /// No key.
    #[error("the token key cannot be used")]
    Key,
}

/// Makes and verifies tokens.
pub(crate) struct Tokens {
    signing: EncodingKey,
    verifying: DecodingKey,
    public: [u8; 32],
    validation: Validation,
    verified: Mutex<HashMap<[u8; 32], Arc<Claims>>>,
}

impl Tokens {
    /// From the seed in sealed state.
    pub(crate) fn new(seed: &[u8; 32]) -> Result<Self, TokenError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| TokenError::Key)?;
        let pkcs8: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| TokenError::Key)?;
        let public: [u8; 32] = pair.public_key().as_ref().try_into().map_err(|_| TokenError::Key)?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        Ok(Self {
            signing: EncodingKey::from_ed_der(pkcs8.as_ref()),
            verifying: DecodingKey::from_ed_der(&public),
            public,
            validation,
            verified: Mutex::default(),
        })
    }

    /// The raw public key.
    pub(crate) fn public_key(&self) -> &[u8; 32] {
        &self.public
    }

    /// A token that says `claims`.
    pub(crate) fn issue(&self, claims: &Claims) -> Result<String, TokenError> {
        let header = Header { kid: Some("eddsa-v1".to_owned()), ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, claims, &self.signing).map_err(|_| TokenError::Key)
    }

    /// What a token says, if it is genuine and still counts at `now`.
    pub(crate) fn verify(&self, token: &str, now: u64) -> Result<Arc<Claims>, TokenError> {
        let digest = sha256(token.as_bytes());
        let known = self.verified.lock().unwrap_or_else(PoisonError::into_inner).get(&digest).cloned();
        let claims = match known {
            Some(claims) => claims,
            None => self.decode(token, digest)?,
        };
        if now < claims.exp { Ok(claims) } else { Err(TokenError::Expired(claims.exp)) }
    }

    fn decode(&self, token: &str, digest: [u8; 32]) -> Result<Arc<Claims>, TokenError> {
        let decoded = jsonwebtoken::decode::<Claims>(token, &self.verifying, &self.validation);
        let claims = Arc::new(decoded.map_err(|_| TokenError::Foreign)?.claims);
        let mut verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        if verified.len() >= REMEMBERED {
            verified.clear();
        }
        verified.insert(digest, Arc::clone(&claims));
        Ok(claims)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims() -> Claims {
        Claims {
            sub: "agent:0".into(),
            org: Uuid::nil(),
            scopes: vec![],
            vault_ids: vec![],
            iat: 1,
            exp: 100,
            jti: Uuid::nil(),
            intents_api_enabled: true,
            key: String::new(),
        }
    }

    #[test]
    fn a_token_counts_until_it_expires() {
        let tokens = Tokens::new(&[7; 32]).unwrap();
        let token = tokens.issue(&claims()).unwrap();
        assert_eq!(*tokens.verify(&token, 99).unwrap(), claims());
        assert_eq!(tokens.verify(&token, 100), Err(TokenError::Expired(100)));
    }

    #[test]
    fn a_foreign_or_altered_token_is_refused() {
        let (own, other) = (Tokens::new(&[7; 32]).unwrap(), Tokens::new(&[8; 32]).unwrap());
        let token = other.issue(&claims()).unwrap();
        assert_eq!(own.verify(&token, 1), Err(TokenError::Foreign));
        let unsigned = format!("{}.e30.", token.split('.').next().unwrap());
        assert_eq!(own.verify(&unsigned, 1), Err(TokenError::Foreign));
    }
}
