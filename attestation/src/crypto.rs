//! The three signature algorithms that evidence and reference values use, behind one trait with two backends.
//!
//! `native` is aws-lc, audited and fast; `portable` is pure Rust for browsers. Both agree on every shared vector.
//! A backend verifies and does nothing else; ranges, encodings and who may sign are judged before it is asked.

#[cfg(feature = "native")]
mod native;
#[cfg(all(feature = "portable", any(test, not(feature = "native"))))]
mod portable;

#[cfg(feature = "native")]
pub(crate) use native::Native as Selected;
#[cfg(all(feature = "portable", not(feature = "native")))]
pub(crate) use portable::Portable as Selected;

#[cfg(not(any(feature = "native", feature = "portable")))]
compile_error!("choose the feature `native` or `portable`");

/// A signature does not verify, or the key is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unverified;

/// Signature verification.
pub(crate) trait Backend {
    /// ECDSA on P-384 with SHA-384: an uncompressed point, r ‖ s big-endian.
    fn p384_sha384(point: &[u8; 97], message: &[u8], signature: &[u8; 96]) -> Result<(), Unverified>;

    /// RSA-PSS with SHA-384, MGF1 with SHA-384 and a 48-byte salt: `RSAPublicKey` in DER.
    fn rsa_pss_sha384(key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), Unverified>;

    /// Ed25519.
    fn ed25519(key: &[u8; 32], message: &[u8], signature: &[u8]) -> Result<(), Unverified>;
}

// The crate's tests are built with both.
#[cfg(test)]
mod agreement;
