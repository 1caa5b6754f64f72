//! A certificate revocation list, taken apart and not verified (RFC 5280, section 5).

use der::asn1::ObjectIdentifier;
use der::{Reader as _, SliceReader, Tag};

use super::certificate::extensions;
use super::element::{context, only, open, take, take_if, time, whole};
use super::{Certificate, Name, NotSigned, Signed, X509Error};

/// A revocation list, version 2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crl<'a> {
    /// Who signed.
    pub issuer: Name<'a>,
    /// When it was made, in seconds since 1970.
    pub this_update: u64,
    /// When the next one is due; AMD always says.
    pub next_update: u64,
    /// The contents of the revoked serial numbers, big-endian.
    pub revoked: Vec<&'a [u8]>,
    signed: Signed<'a>,
}

impl<'a> Crl<'a> {
    /// Takes one revocation list in DER apart; nothing may follow it.
    ///
    /// # Errors
    /// [`X509Error`] where the bytes are no v2 list in strict DER, lack `nextUpdate`, or carry a critical extension:
    /// those change which certificates a list speaks of.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, X509Error> {
        let signed = Signed::parse(bytes)?;
        let mut tbs = open(only(signed.message, Tag::Sequence)?)?;
        if take(&mut tbs, Tag::Integer)? != [1] {
            return Err(X509Error::Version);
        }
        if whole(&mut tbs, Tag::Sequence)? != signed.algorithm {
            return Err(X509Error::AlgorithmsDiffer);
        }
        let issuer = Name::new(whole(&mut tbs, Tag::Sequence)?);
        let (this_update, next_update) = (time(&mut tbs)?, time(&mut tbs)?);
        let revoked = match take_if(&mut tbs, Tag::Sequence)? {
            Some(entries) => revoked(open(entries)?)?,
            None => Vec::new(),
        };
        if let Some(list) = take_if(&mut tbs, context(0))? {
            no_critical(list)?;
        }
        tbs.finish()?;
        Ok(Self { issuer, this_update, next_update, revoked, signed })
    }

    /// Verifies that `issuer`'s key signed this list. Names and dates are the caller's to compare.
    pub(crate) fn signed_by(&self, issuer: &Certificate<'_>) -> Result<(), NotSigned> {
        self.signed.verify(&issuer.key())
    }
}

fn revoked(mut entries: SliceReader<'_>) -> Result<Vec<&[u8]>, X509Error> {
    let mut serials = Vec::new();
    while !entries.is_finished() {
        let mut entry = open(take(&mut entries, Tag::Sequence)?)?;
        serials.push(take(&mut entry, Tag::Integer)?);
        time(&mut entry)?;
        if !entry.is_finished() {
            no_critical(whole(&mut entry, Tag::Sequence)?)?;
        }
        entry.finish()?;
    }
    Ok(serials)
}

fn no_critical(list: &[u8]) -> Result<(), X509Error> {
    let critical: Option<ObjectIdentifier> = extensions(list)?.iter().find(|e| e.critical).map(|e| e.oid);
    critical.map_or(Ok(()), |oid| Err(X509Error::UnknownCritical(oid)))
}
