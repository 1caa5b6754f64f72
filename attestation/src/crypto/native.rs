//! The backend on aws-lc.

use aws_lc_rs::signature::{
    ECDSA_P384_SHA384_FIXED, ED25519, RSA_PSS_2048_8192_SHA384, UnparsedPublicKey, VerificationAlgorithm,
};

use super::{Backend, Unverified};

/// aws-lc through aws-lc-rs.
pub(crate) struct Native;

impl Backend for Native {
    fn p384_sha384(point: &[u8; 97], message: &[u8], signature: &[u8; 96]) -> Result<(), Unverified> {
        verify(&ECDSA_P384_SHA384_FIXED, point, message, signature)
    }

    fn rsa_pss_sha384(key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), Unverified> {
        verify(&RSA_PSS_2048_8192_SHA384, key, message, signature)
    }

    fn ed25519(key: &[u8; 32], message: &[u8], signature: &[u8]) -> Result<(), Unverified> {
        verify(&ED25519, key, message, signature)
    }
}

fn verify(
    algorithm: &'static dyn VerificationAlgorithm,
    key: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Result<(), Unverified> {
    UnparsedPublicKey::new(algorithm, key).verify(message, signature).map_err(|_| Unverified)
}
