//! X.509 certificates in AMD's shape, signed with RSASSA-PSS, SHA-384, salt 48 (AMD 57230; RFC 5280, RFC 4055).
//!
//! Written with the DER types of `x509-cert`, because its builder knows no RSASSA-PSS signer on aws-lc.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::RSA_PSS_SHA384;
use der::asn1::{Any, BitString, ObjectIdentifier, OctetString};
use der::{Decode as _, Encode, Sequence, Tag};
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::certificate::Version;
use x509_cert::ext::Extension;
use x509_cert::name::{Name, RdnSequence, RelativeDistinguishedName};
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};
use x509_cert::time::{Time, Validity};

use crate::platform::PlatformError;

const RSASSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
const SHA_384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
const MGF1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.8");

/// What a certificate says.
pub(crate) struct Contents<'a> {
    pub(crate) serial: u64,
    pub(crate) issuer: &'a str,
    pub(crate) subject: &'a str,
    /// SubjectPublicKeyInfo in DER.
    pub(crate) spki: &'a [u8],
    pub(crate) years: u64,
    pub(crate) extensions: Vec<Extension>,
}

#[derive(Sequence)]
struct ToBeSigned {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    version: Version,
    serial: SerialNumber,
    signature: AlgorithmIdentifierOwned,
    issuer: Name,
    validity: Validity,
    subject: Name,
    key: SubjectPublicKeyInfoOwned,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT")]
    extensions: Vec<Extension>,
}

#[derive(Sequence)]
struct Signed {
    body: ToBeSigned,
    algorithm: AlgorithmIdentifierOwned,
    signature: BitString,
}

#[derive(Sequence)]
struct PssParameters {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    hash: AlgorithmIdentifierOwned,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT")]
    mask: AlgorithmIdentifierOwned,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT")]
    salt: u8,
}

/// Signs a certificate: DER.
pub(crate) fn issue(contents: Contents<'_>, issuer: &KeyPair) -> Result<Vec<u8>, PlatformError> {
    let body = to_be_signed(contents)?;
    let algorithm = body.signature.clone();
    let signature = BitString::from_bytes(&sign(issuer, &body.to_der()?)?)?;
    Ok(Signed { body, algorithm, signature }.to_der()?)
}

fn to_be_signed(contents: Contents<'_>) -> Result<ToBeSigned, PlatformError> {
    Ok(ToBeSigned {
        version: Version::V3,
        serial: contents.serial.into(),
        signature: rsassa_pss()?,
        issuer: name(contents.issuer)?,
        validity: validity(contents.years)?,
        subject: name(contents.subject)?,
        key: SubjectPublicKeyInfoOwned::from_der(contents.spki)?,
        extensions: contents.extensions,
    })
}

fn sign(key: &KeyPair, message: &[u8]) -> Result<Vec<u8>, PlatformError> {
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PSS_SHA384, &SystemRandom::new(), message, &mut signature)
        .map_err(|_| PlatformError::Cryptography("sign a certificate"))?;
    Ok(signature)
}

fn rsassa_pss() -> der::Result<AlgorithmIdentifierOwned> {
    let sha_384 = AlgorithmIdentifierOwned { oid: SHA_384, parameters: Some(Any::null()) };
    let mask = AlgorithmIdentifierOwned { oid: MGF1, parameters: Some(Any::encode_from(&sha_384)?) };
    let parameters = PssParameters { hash: sha_384, mask, salt: 48 };
    Ok(AlgorithmIdentifierOwned { oid: RSASSA_PSS, parameters: Some(Any::encode_from(&parameters)?) })
}

/// AMD's names, in AMD's order and string types; only the common name differs.
fn name(common: &str) -> der::Result<Name> {
    let parts = [
        ("2.5.4.11", Tag::Utf8String, "Engineering"),
        ("2.5.4.6", Tag::PrintableString, "US"),
        ("2.5.4.7", Tag::Utf8String, "Santa Clara"),
        ("2.5.4.8", Tag::Utf8String, "CA"),
        ("2.5.4.10", Tag::Utf8String, "Advanced Micro Devices"),
        ("2.5.4.3", Tag::Utf8String, common),
    ];
    let mut names = RdnSequence::default();
    for (oid, tag, text) in parts {
        let value = Any::new(tag, text.as_bytes())?;
        let part = AttributeTypeAndValue { oid: ObjectIdentifier::new(oid)?, value };
        names.push(RelativeDistinguishedName::try_from(vec![part])?);
    }
    Name::from_der(&names.to_der()?)
}

/// From 2025-01-01, so that tests may fix their time, until `years` from now.
fn validity(years: u64) -> Result<Validity, PlatformError> {
    let end = SystemTime::now() + Duration::from_secs(years * 365 * 86_400);
    let whole = end.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let not_before = Time::try_from(UNIX_EPOCH + Duration::from_secs(1_735_689_600))?;
    Ok(Validity::new(not_before, Time::try_from(UNIX_EPOCH + Duration::from_secs(whole))?))
}

/// An extension whose value is a DER encoding.
pub(crate) fn extension(oid: &str, critical: bool, value: &impl Encode) -> der::Result<Extension> {
    raw_extension(oid, critical, value.to_der()?)
}

/// An extension whose value is these bytes as they are.
pub(crate) fn raw_extension(oid: &str, critical: bool, value: Vec<u8>) -> der::Result<Extension> {
    Ok(Extension { extn_id: ObjectIdentifier::new(oid)?, critical, extn_value: OctetString::new(value)? })
}

/// A key identifier: the first 160 bits of the SHA-256 of the key (RFC 7093, method 1).
pub(crate) fn key_identifier(spki: &[u8]) -> der::Result<OctetString> {
    let key = SubjectPublicKeyInfoOwned::from_der(spki)?;
    let hash = digest(&SHA256, key.subject_public_key.raw_bytes());
    OctetString::new(&hash.as_ref()[..20])
}
