//! AMD's extensions of VCEK and VLEK certificates (AMD 57230): product, patch levels, chip id, provider.

use der::Tag;
use der::asn1::ObjectIdentifier;

use super::certificate::only_small;
use super::element::only;
use super::{Certificate, X509Error};
use crate::Product;
use crate::report::Tcb;

const fn amd(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

const STRUCT_VERSION: ObjectIdentifier = amd("1.3.6.1.4.1.3704.1.1");
const PRODUCT_NAME: ObjectIdentifier = amd("1.3.6.1.4.1.3704.1.2");
const BOOTLOADER: ObjectIdentifier = amd("1.3.6.1.4.1.3704.1.3.1");
const TEE: ObjectIdentifier = amd("1.3.6.1.4.1.3704.1.3.2");
const SNP: ObjectIdentifier = amd("1.3.6.1.4.1.3704.1.3.3");
const UNUSED: [ObjectIdentifier; 4] = [
    amd("1.3.6.1.4.1.3704.1.3.4"),
    amd("1.3.6.1.4.1.3704.1.3.5"),
    amd("1.3.6.1.4.1.3704.1.3.6"),
    amd("1.3.6.1.4.1.3704.1.3.7"),
];
const MICROCODE: ObjectIdentifier = amd("1.3.6.1.4.1.3704.1.3.8");
const FMC: ObjectIdentifier = amd("1.3.6.1.4.1.3704.1.3.9");
const HWID: ObjectIdentifier = amd("1.3.6.1.4.1.3704.1.4");
const CSP_ID: ObjectIdentifier = amd("1.3.6.1.4.1.3704.1.5");

/// The kind of key that signs reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VekKind {
    /// Versioned chip endorsement key: derived in the chip.
    Vcek,
    /// Versioned loaded endorsement key: given to a cloud provider.
    Vlek,
}

impl VekKind {
    /// The name, as in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Vcek => "vcek",
            Self::Vlek => "vlek",
        }
    }

    /// The common name of such a key's certificate.
    #[must_use]
    pub const fn common_name(self) -> &'static str {
        match self {
            Self::Vcek => "SEV-VCEK",
            Self::Vlek => "SEV-VLEK",
        }
    }
}

/// What AMD's extensions say. `None` is an extension that the certificate does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VekExtensions<'a> {
    /// `structVersion`: 0 before Turin, 1 from then on.
    pub struct_version: Option<u8>,
    /// `productName`, such as `Milan-B0`.
    pub product_name: Option<&'a str>,
    /// `blSPL`.
    pub bootloader: Option<u8>,
    /// `teeSPL`.
    pub tee: Option<u8>,
    /// `snpSPL`.
    pub snp: Option<u8>,
    /// `ucodeSPL`.
    pub microcode: Option<u8>,
    /// `fmcSPL`, Turin only.
    pub fmc: Option<u8>,
    /// `spl_4` to `spl_7`, where AMD reserves them; 0 so far.
    pub unused: [Option<u8>; 4],
    /// `hwID`, VCEK only: 64 bytes, or 8 from Turin on.
    pub hwid: Option<&'a [u8]>,
    /// `cspID`, VLEK only.
    pub csp_id: Option<&'a str>,
}

impl<'a> VekExtensions<'a> {
    /// Reads AMD's extensions from a certificate.
    ///
    /// # Errors
    /// [`X509Error::MalformedExtension`] where one has another form than AMD gives it.
    pub fn parse(certificate: &Certificate<'a>) -> Result<Self, X509Error> {
        let level = |oid| optional(certificate, oid, |value| only_small(value).ok());
        let string = |oid| optional(certificate, oid, text);
        let [a, b, c, d] = UNUSED;
        Ok(Self {
            struct_version: level(STRUCT_VERSION)?,
            product_name: string(PRODUCT_NAME)?,
            bootloader: level(BOOTLOADER)?,
            tee: level(TEE)?,
            snp: level(SNP)?,
            microcode: level(MICROCODE)?,
            fmc: level(FMC)?,
            unused: [level(a)?, level(b)?, level(c)?, level(d)?],
            hwid: optional(certificate, HWID, chip)?,
            csp_id: string(CSP_ID)?,
        })
    }

    /// VCEK where there is a chip id, VLEK where there is a provider, neither where both or none are there.
    #[must_use]
    pub const fn kind(&self) -> Option<VekKind> {
        match (self.hwid, self.csp_id) {
            (Some(_), None) => Some(VekKind::Vcek),
            (None, Some(_)) => Some(VekKind::Vlek),
            _ => None,
        }
    }

    /// The product that the certificate names.
    #[must_use]
    pub fn product(&self) -> Option<Product> {
        self.product_name.and_then(Product::from_name)
    }

    /// The TCB that the key was derived for, where every component of `product` is stated and the rest is zero.
    #[must_use]
    pub fn tcb(&self, product: Product) -> Option<Tcb> {
        let turin = product == Product::Turin;
        let fmc = if turin { Some(self.fmc?) } else { None };
        let stray = self.unused.iter().flatten().any(|level| *level != 0);
        let known = matches!(self.struct_version, Some(0 | 1));
        if stray || !known || (!turin && self.fmc.is_some_and(|level| level != 0)) {
            return None;
        }
        let (bootloader, tee) = (self.bootloader?, self.tee?);
        Some(Tcb { fmc, bootloader, tee, snp: self.snp?, microcode: self.microcode? })
    }
}

fn optional<'a, T>(
    certificate: &Certificate<'a>,
    oid: ObjectIdentifier,
    read: impl Fn(&'a [u8]) -> Option<T>,
) -> Result<Option<T>, X509Error> {
    let Some(value) = certificate.extension(&oid) else { return Ok(None) };
    read(value).map(Some).ok_or(X509Error::MalformedExtension(oid))
}

fn text(value: &[u8]) -> Option<&str> {
    let content = only(value, Tag::Ia5String).or_else(|_| only(value, Tag::Utf8String)).ok()?;
    core::str::from_utf8(content).ok()
}

/// A chip id stands bare in genuine certificates; inside an OCTET STRING it is accepted too.
fn chip(value: &[u8]) -> Option<&[u8]> {
    match value.len() {
        8 | 64 => Some(value),
        _ => only(value, Tag::OctetString).ok().filter(|inner| matches!(inner.len(), 8 | 64)),
    }
}
