//! A certificate, taken apart and not verified.

use core::fmt;

use der::asn1::ObjectIdentifier;
use der::{Reader as _, SliceReader, Tag};

use super::element::{bits, context, oid, only, open, small, take, take_if, time, whole};
use super::{NotSigned, PublicKey, Signed, X509Error};

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");

/// A distinguished name as encoded; two names are equal where their bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name<'a>(&'a [u8]);

/// One extension of a certificate or revocation list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extension<'a> {
    /// Which one.
    pub oid: ObjectIdentifier,
    /// Whether whoever does not know it must refuse.
    pub critical: bool,
    /// The content of `extnValue`.
    pub value: &'a [u8],
}

/// A certificate, version 3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate<'a> {
    /// The whole certificate in DER.
    pub raw: &'a [u8],
    /// The content of the serial number, big-endian.
    pub serial: &'a [u8],
    /// Who signed.
    pub issuer: Name<'a>,
    /// Whose key it is.
    pub subject: Name<'a>,
    /// First second of validity, since 1970.
    pub not_before: u64,
    /// Last second of validity, since 1970.
    pub not_after: u64,
    /// `SubjectPublicKeyInfo` in DER.
    pub spki: &'a [u8],
    /// The extensions, in order.
    pub extensions: Vec<Extension<'a>>,
    signed: Signed<'a>,
}

impl<'a> Certificate<'a> {
    /// Takes one certificate in DER apart; nothing may follow it.
    ///
    /// # Errors
    /// [`X509Error`] where the bytes are no v3 certificate in strict DER.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, X509Error> {
        let signed = Signed::parse(bytes)?;
        let mut tbs = open(only(signed.message, Tag::Sequence)?)?;
        if take_if(&mut tbs, context(0))? != Some(&[2, 1, 2]) {
            return Err(X509Error::Version);
        }
        let serial = take(&mut tbs, Tag::Integer)?;
        if whole(&mut tbs, Tag::Sequence)? != signed.algorithm {
            return Err(X509Error::AlgorithmsDiffer);
        }
        let issuer = Name(whole(&mut tbs, Tag::Sequence)?);
        let mut validity = open(take(&mut tbs, Tag::Sequence)?)?;
        let (not_before, not_after) = (time(&mut validity)?, time(&mut validity)?);
        validity.finish()?;
        let subject = Name(whole(&mut tbs, Tag::Sequence)?);
        let spki = whole(&mut tbs, Tag::Sequence)?;
        let extensions = match take_if(&mut tbs, context(3))? {
            Some(bytes) => extensions(bytes)?,
            None => Vec::new(),
        };
        tbs.finish()?;
        Ok(Self { raw: bytes, serial, issuer, subject, not_before, not_after, spki, extensions, signed })
    }

    /// The content of one extension.
    #[must_use]
    pub fn extension(&self, oid: &ObjectIdentifier) -> Option<&'a [u8]> {
        self.extensions.iter().find(|extension| extension.oid == *oid).map(|extension| extension.value)
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> PublicKey<'a> {
        PublicKey::parse(self.spki)
    }

    /// Whether issuer and subject are one.
    #[must_use]
    pub fn is_self_issued(&self) -> bool {
        self.issuer == self.subject
    }

    /// Verifies that `issuer`'s key signed this certificate. Names and dates are the caller's to compare.
    pub(crate) fn signed_by(&self, issuer: &Certificate<'_>) -> Result<(), NotSigned> {
        self.signed.verify(&issuer.key())
    }

    /// The raw signed part and its signature, for comparing backends.
    #[cfg(test)]
    pub(crate) fn signed_parts(&self) -> (&'a [u8], &'a [u8]) {
        (self.signed.message, self.signed.signature)
    }

    /// Why this certificate may not issue others, if it may not.
    pub(crate) fn not_an_authority(&self) -> Option<&'static str> {
        match self.extension(&BASIC_CONSTRAINTS).map(is_authority) {
            Some(Ok(true)) => {}
            Some(_) => return Some("basic constraints do not say CA"),
            None => return Some("no basic constraints"),
        }
        match self.extension(&KEY_USAGE).map(may_sign_certificates) {
            Some(Ok(true)) | None => {}
            Some(_) => return Some("key usage does not allow signing certificates"),
        }
        self.unknown_critical().map(|_| "a critical extension is not known")
    }

    /// The first critical extension that no check here understands.
    pub(crate) fn unknown_critical(&self) -> Option<ObjectIdentifier> {
        let known = |oid: &ObjectIdentifier| [BASIC_CONSTRAINTS, KEY_USAGE].contains(oid);
        self.extensions.iter().find(|e| e.critical && !known(&e.oid)).map(|e| e.oid)
    }
}

/// `BasicConstraints.cA`.
fn is_authority(value: &[u8]) -> der::Result<bool> {
    let mut fields = open(only(value, Tag::Sequence)?)?;
    Ok(take_if(&mut fields, Tag::Boolean)?.map(boolean).transpose()?.unwrap_or(false))
}

/// The content of a BOOLEAN, of which DER knows two.
fn boolean(content: &[u8]) -> der::Result<bool> {
    match content {
        [0xff] => Ok(true),
        [0x00] => Ok(false),
        _ => Err(Tag::Boolean.value_error().into()),
    }
}

/// `KeyUsage.keyCertSign`, bit 5.
fn may_sign_certificates(value: &[u8]) -> der::Result<bool> {
    let content = only(value, Tag::BitString)?;
    Ok(content.get(1).is_some_and(|first| first & 0x04 != 0))
}

/// `Extensions`, the content of its context tag.
pub(super) fn extensions(bytes: &[u8]) -> Result<Vec<Extension<'_>>, X509Error> {
    let mut list = open(only(bytes, Tag::Sequence)?)?;
    let mut found: Vec<Extension<'_>> = Vec::new();
    while !list.is_finished() {
        let extension = extension(&mut list)?;
        if found.iter().any(|earlier| earlier.oid == extension.oid) {
            return Err(X509Error::DuplicateExtension(extension.oid));
        }
        found.push(extension);
    }
    Ok(found)
}

fn extension<'a>(list: &mut SliceReader<'a>) -> Result<Extension<'a>, X509Error> {
    let mut fields = open(take(list, Tag::Sequence)?)?;
    let oid = oid(&mut fields)?;
    let critical = take_if(&mut fields, Tag::Boolean)?.map(boolean).transpose()?.unwrap_or(false);
    let value = take(&mut fields, Tag::OctetString)?;
    fields.finish()?;
    Ok(Extension { oid, critical, value })
}

impl<'a> Name<'a> {
    pub(super) const fn new(raw: &'a [u8]) -> Self {
        Self(raw)
    }

    /// The common name, where there is exactly one and it is text.
    #[must_use]
    pub fn common_name(&self) -> Option<&'a str> {
        let mut names = open(only(self.0, Tag::Sequence).ok()?).ok()?;
        let mut found = None;
        while !names.is_finished() {
            let mut attributes = open(take(&mut names, Tag::Set).ok()?).ok()?;
            while !attributes.is_finished() {
                let mut attribute = open(take(&mut attributes, Tag::Sequence).ok()?).ok()?;
                let is_name = oid(&mut attribute).ok()? == COMMON_NAME;
                let value = text(&mut attribute);
                if is_name && found.replace(value?).is_some() {
                    return None;
                }
            }
        }
        found
    }
}

fn text<'a>(attribute: &mut SliceReader<'a>) -> Option<&'a str> {
    let tag = Tag::peek(attribute).ok()?;
    let content = take(attribute, tag).ok()?;
    matches!(tag, Tag::Utf8String | Tag::PrintableString | Tag::Ia5String)
        .then(|| core::str::from_utf8(content).ok())
        .flatten()
}

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.common_name().unwrap_or("a name without a common name"))
    }
}

impl<'a> Signed<'a> {
    /// `SEQUENCE { signed part, algorithm, signature }`, as certificates and revocation lists share it.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, X509Error> {
        let mut parts = open(only(bytes, Tag::Sequence)?)?;
        let message = whole(&mut parts, Tag::Sequence)?;
        let algorithm = whole(&mut parts, Tag::Sequence)?;
        let signature = bits(&mut parts)?;
        parts.finish()?;
        Ok(Self { message, algorithm, signature })
    }
}

/// Reads a small number that is the only element of `bytes`.
pub(super) fn only_small(bytes: &[u8]) -> der::Result<u8> {
    let mut reader = open(bytes)?;
    let value = small(&mut reader)?;
    reader.finish()?;
    Ok(value)
}
