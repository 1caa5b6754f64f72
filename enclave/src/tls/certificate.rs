//! One self-signed X.509 certificate (RFC 5280): P-256, ECDSA with SHA-256, and the evidence as an extension.

use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{EcdsaKeyPair, KeyPair as _};
use der::asn1::{
    AnyRef, BitStringRef, ContextSpecific, GeneralizedTime, ObjectIdentifier, OctetString, UintRef,
};
use der::{Decode as _, Encode, Sequence, TagMode, TagNumber};
use shroud_attestation::certificate::EXTENSION_OID;
use x509_cert::ext::Extension;
use x509_cert::name::Name;
use x509_cert::time::{Time, Validity};

const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const ECDSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
/// Seconds that a certificate is valid.
pub(super) const LIFETIME: u64 = 30 * 24 * 3600;
/// Seconds before now that it begins, for verifiers whose clock is behind.
const LEEWAY: u64 = 3600;

#[derive(Sequence)]
struct Algorithm {
    oid: ObjectIdentifier,
    parameters: Option<ObjectIdentifier>,
}

#[derive(Sequence)]
struct PublicKey<'a> {
    algorithm: Algorithm,
    key: BitStringRef<'a>,
}

#[derive(Sequence)]
struct Tbs<'a> {
    version: ContextSpecific<u8>,
    serial: UintRef<'a>,
    signature: Algorithm,
    issuer: Name,
    validity: Validity,
    subject: Name,
    key: AnyRef<'a>,
    extensions: ContextSpecific<Vec<Extension>>,
}

#[derive(Sequence)]
struct Signed<'a> {
    tbs: AnyRef<'a>,
    algorithm: Algorithm,
    signature: BitStringRef<'a>,
}

/// The key's SubjectPublicKeyInfo.
pub(super) fn spki(pair: &EcdsaKeyPair) -> der::Result<Vec<u8>> {
    let algorithm = Algorithm { oid: EC_PUBLIC_KEY, parameters: Some(P256) };
    PublicKey { algorithm, key: BitStringRef::from_bytes(pair.public_key().as_ref())? }.to_der()
}

/// The certificate over `spki`, signed by its own key, carrying `evidence` as the content of its extension.
pub(super) fn self_signed(
    pair: &EcdsaKeyPair,
    spki: &[u8],
    evidence: &[u8],
    now: u64,
) -> der::Result<Vec<u8>> {
    let name: Name = "CN=shroud-enclave".parse()?;
    let extension = Extension {
        extn_id: EXTENSION_OID,
        critical: false,
        extn_value: OctetString::new(evidence.to_vec())?,
    };
    let tbs = Tbs {
        version: explicit(0, 2),
        serial: UintRef::new(&[1])?,
        signature: Algorithm { oid: ECDSA_SHA256, parameters: None },
        issuer: name.clone(),
        validity: Validity::new(time(now.saturating_sub(LEEWAY))?, time(now.saturating_add(LIFETIME))?),
        subject: name,
        key: AnyRef::from_der(spki)?,
        extensions: explicit(3, vec![extension]),
    }
    .to_der()?;
    let signature = pair.sign(&SystemRandom::new(), &tbs).map_err(|_| der::ErrorKind::Failed)?;
    Signed {
        tbs: AnyRef::from_der(&tbs)?,
        algorithm: Algorithm { oid: ECDSA_SHA256, parameters: None },
        signature: BitStringRef::from_bytes(signature.as_ref())?,
    }
    .to_der()
}

fn explicit<T>(number: u32, value: T) -> ContextSpecific<T> {
    ContextSpecific { tag_number: TagNumber(number), tag_mode: TagMode::Explicit, value }
}

fn time(unix: u64) -> der::Result<Time> {
    Ok(Time::GeneralTime(GeneralizedTime::from_unix_duration(Duration::from_secs(unix))?))
}
