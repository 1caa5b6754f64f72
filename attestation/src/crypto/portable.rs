//! The backend in pure Rust: `p384`, `ed25519-dalek`, and EMSA-PSS (RFC 8017, section 9.1.2) on `crypto-bigint`.

use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, Odd};
use der::asn1::UintRef;
use der::{Decode as _, Reader as _, SliceReader, Tag};
use p384::ecdsa::signature::Verifier as _;
use p384::ecdsa::{Signature, VerifyingKey};
use sha2::{Digest as _, Sha384};

use super::{Backend, Unverified};

/// The length of SHA-384, and of the salt.
const HASH: usize = 48;

/// Pure Rust.
pub(crate) struct Portable;

impl Backend for Portable {
    fn p384_sha384(point: &[u8; 97], message: &[u8], signature: &[u8; 96]) -> Result<(), Unverified> {
        let key = VerifyingKey::from_sec1_bytes(point).map_err(|_| Unverified)?;
        let signature = Signature::from_slice(signature).map_err(|_| Unverified)?;
        key.verify(message, &signature).map_err(|_| Unverified)
    }

    fn rsa_pss_sha384(key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), Unverified> {
        let (modulus, exponent) = public_key(key).map_err(|_| Unverified)?;
        let encoded = public_operation(modulus, exponent, signature).ok_or(Unverified)?;
        emsa_pss(&encoded, message).ok_or(Unverified)
    }

    fn ed25519(key: &[u8; 32], message: &[u8], signature: &[u8]) -> Result<(), Unverified> {
        let key = ed25519_dalek::VerifyingKey::from_bytes(key).map_err(|_| Unverified)?;
        let signature = ed25519_dalek::Signature::from_slice(signature).map_err(|_| Unverified)?;
        key.verify_strict(message, &signature).map_err(|_| Unverified)
    }
}

/// Modulus and exponent of `RSAPublicKey`, big-endian without leading zeros. The modulus has whole bytes and its top
/// bit set, as every key of AMD has.
fn public_key(key: &[u8]) -> der::Result<(&[u8], &[u8])> {
    let mut outer = SliceReader::new(key)?;
    let numbers = outer.sequence(|fields| {
        let modulus = UintRef::decode(fields)?;
        Ok::<_, der::Error>((modulus.as_bytes(), UintRef::decode(fields)?.as_bytes()))
    })?;
    outer.finish()?;
    let top_bit_set = numbers.0.first().is_some_and(|byte| byte & 0x80 != 0);
    if top_bit_set { Ok(numbers) } else { Err(Tag::Integer.value_error().into()) }
}

/// signature^exponent mod modulus, as long as the modulus.
fn public_operation(modulus: &[u8], exponent: &[u8], signature: &[u8]) -> Option<Vec<u8>> {
    if signature.len() != modulus.len() || exponent.len() > 8 {
        return None;
    }
    let bits = u32::try_from(modulus.len()).ok()?.checked_mul(8)?;
    let n = BoxedUint::from_be_slice(modulus, bits).ok()?;
    let s = BoxedUint::from_be_slice(signature, bits).ok()?;
    if s >= n {
        return None;
    }
    let params = BoxedMontyParams::new_vartime(Odd::new(n).into_option()?);
    let e = BoxedUint::from_be_slice_vartime(exponent);
    let power = BoxedMontyForm::new(s, &params).pow(&e).retrieve();
    Some(power.to_be_bytes().to_vec())
}

/// EMSA-PSS-VERIFY for a modulus whose top bit is set.
fn emsa_pss(encoded: &[u8], message: &[u8]) -> Option<()> {
    let (body, trailer) = encoded.split_last_chunk::<1>()?;
    let (masked, digest) = body.split_last_chunk::<HASH>()?;
    if *trailer != [0xbc] || masked.len() < HASH + 1 || masked.first()? & 0x80 != 0 {
        return None;
    }
    let mut block: Vec<u8> = masked.iter().zip(mask(digest)).map(|(byte, mask)| byte ^ mask).collect();
    *block.first_mut()? &= 0x7f;
    let (padding, salt) = block.split_last_chunk::<HASH>()?;
    let (zeros, one) = padding.split_last_chunk::<1>()?;
    if *one != [1] || zeros.iter().any(|byte| *byte != 0) {
        return None;
    }
    let expected = Sha384::new()
        .chain_update([0; 8])
        .chain_update(Sha384::digest(message))
        .chain_update(salt)
        .finalize();
    (expected[..] == digest[..]).then_some(())
}

/// MGF1 with SHA-384, without end.
fn mask(seed: &[u8; HASH]) -> impl Iterator<Item = u8> + '_ {
    (0_u32..).flat_map(move |counter| {
        let block: [u8; HASH] =
            Sha384::new().chain_update(seed).chain_update(counter.to_be_bytes()).finalize().into();
        block
    })
}
