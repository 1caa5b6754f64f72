//! The development operator: the keys and ids that a real deployment's operator would hold, in one private file.
//!
//! They grant everything in this set-up, so the file is readable by its owner alone and exists in development only.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::directory::{Layout, read_json, write_json};
use crate::error::DevError;

/// The name under which the operator signs reference values.
pub const OPERATOR: &str = "operator-1";

/// What the operator holds. No Debug: it is nothing but secrets and ids.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Operator {
    admin_api_key: String,
    auth_confirm: String,
    org_id: Uuid,
    user_id: Uuid,
    deployment: Uuid,
    operator_key: String,
}

impl Operator {
    /// Reads the operator of a state folder, or makes one.
    ///
    /// # Errors
    /// [`DevError::File`] if the file was damaged, [`DevError::Io`].
    pub fn open(layout: &Layout) -> Result<Self, DevError> {
        let path = layout.operator();
        if let Some(operator) = read_json::<Self>(&path)? {
            operator.signing_key().map_err(|detail| DevError::File { path, detail })?;
            return Ok(operator);
        }
        let operator = Self::generate()?;
        write_json(&path, &operator)?;
        Ok(operator)
    }

    fn generate() -> Result<Self, DevError> {
        Ok(Self {
            admin_api_key: format!("1ck_{}", BASE64_URL_SAFE_NO_PAD.encode(random()?)),
            auth_confirm: BASE64_URL_SAFE_NO_PAD.encode(random()?),
            org_id: Uuid::new_v4(),
            user_id: Uuid::new_v4(),
            deployment: Uuid::new_v4(),
            operator_key: hex::encode(random()?),
        })
    }

    /// The admin's API key: `1ck_` and 43 characters.
    #[must_use]
    pub fn admin_api_key(&self) -> &str {
        &self.admin_api_key
    }

    /// What a person sends as `X-Auth-Confirm`.
    #[must_use]
    pub fn auth_confirm(&self) -> &str {
        &self.auth_confirm
    }

    /// The one organisation.
    #[must_use]
    pub fn org_id(&self) -> Uuid {
        self.org_id
    }

    /// The one person.
    #[must_use]
    pub fn user_id(&self) -> Uuid {
        self.user_id
    }

    /// The log origin of this deployment.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("shroud.invalid/{}", self.deployment)
    }

    /// The operator's public key.
    ///
    /// # Errors
    /// A sentence if the stored seed is none.
    pub fn public_key(&self) -> Result<[u8; 32], String> {
        let pair = self.signing_key()?;
        pair.public_key().as_ref().try_into().map_err(|_| "an Ed25519 public key has 32 bytes".to_owned())
    }

    /// Signs with the operator's key.
    ///
    /// # Errors
    /// A sentence if the stored seed is none.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, String> {
        Ok(self.signing_key()?.sign(message).as_ref().to_vec())
    }

    fn signing_key(&self) -> Result<Ed25519KeyPair, String> {
        let mut seed = [0; 32];
        hex::decode_to_slice(&self.operator_key, &mut seed)
            .map_err(|_| "operator_key: expected 64 hex digits".to_owned())?;
        Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|error| format!("operator_key: {error}"))
    }
}

fn random() -> Result<[u8; 32], DevError> {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|error| DevError::Io {
        what: "drawing random bytes".to_owned(),
        source: std::io::Error::other(error),
    })?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::Directory;
    use crate::directory::testing::Scratch;

    #[test]
    fn an_operator_is_made_once_and_kept() {
        let scratch = Scratch::new();
        let directory = Directory::open(scratch.path()).unwrap();
        let first = Operator::open(directory.layout()).unwrap();
        let again = Operator::open(directory.layout()).unwrap();
        assert_eq!(first.admin_api_key().len(), 4 + 43);
        assert!(first.admin_api_key().starts_with("1ck_"));
        assert_eq!(first.admin_api_key(), again.admin_api_key());
        assert_eq!(first.origin(), again.origin());
        assert_eq!(first.public_key(), again.public_key());
    }

    #[test]
    fn a_damaged_operator_file_is_refused() {
        let scratch = Scratch::new();
        let directory = Directory::open(scratch.path()).unwrap();
        let mut operator = Operator::generate().unwrap();
        operator.operator_key.truncate(10);
        write_json(&directory.layout().operator(), &operator).unwrap();
        let refused = Operator::open(directory.layout()).err().unwrap();
        assert!(refused.to_string().contains("operator_key"), "{refused}");
    }
}
