//! Collateral: the certificates and revocation lists that travel with a report, in any of the forms that hosts use.
//!
//! A certificate table of the GHCB (AMD 56421), a PEM bundle, or DER one after another; in any order. Real hosts put
//! PEM into the table where the specification says DER, so both are read. Nothing here is verified, and no entry is
//! believed to be what its GUID claims: certificates are told apart by what they say and by who signed them.

mod pem;
pub mod table;

use table::TableError;

/// The longest collateral that is read, in bytes.
pub const LIMIT: usize = 256 * 1024;
/// The most certificates and lists in one collateral.
pub const ITEMS: usize = 32;

/// Certificates and revocation lists, each in DER.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Collateral {
    /// Certificates, in the order received, without repetitions.
    pub certificates: Vec<Vec<u8>>,
    /// Revocation lists.
    pub crls: Vec<Vec<u8>>,
}

/// Why collateral could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CollateralError {
    /// Longer than [`LIMIT`].
    #[error("{0} bytes of certificates are too many")]
    TooLong(usize),
    /// More than [`ITEMS`].
    #[error("more than {ITEMS} certificates")]
    TooMany,
    /// A PEM block does not end, or is not base64.
    #[error("malformed PEM")]
    Pem,
    /// DER that ends early.
    #[error("DER that ends early at offset {0}")]
    Der(usize),
    /// A malformed certificate table.
    #[error(transparent)]
    Table(#[from] TableError),
}

impl Collateral {
    /// Reads collateral in whichever form it has.
    ///
    /// # Errors
    /// Every [`CollateralError`]; what is neither PEM nor DER is read as a certificate table.
    pub fn parse(bytes: &[u8]) -> Result<Self, CollateralError> {
        if bytes.len() > LIMIT {
            return Err(CollateralError::TooLong(bytes.len()));
        }
        let mut collateral = Self::default();
        collateral.add(bytes)?;
        if collateral.certificates.len() + collateral.crls.len() > ITEMS {
            return Err(CollateralError::TooMany);
        }
        Ok(collateral)
    }

    fn add(&mut self, bytes: &[u8]) -> Result<(), CollateralError> {
        match Form::of(bytes) {
            Form::Empty => Ok(()),
            Form::Pem(text) => self.add_pem(text),
            Form::Der => self.add_der(bytes),
            Form::Table => self.add_table(bytes),
        }
    }

    fn add_table(&mut self, bytes: &[u8]) -> Result<(), CollateralError> {
        for entry in table::parse(bytes)? {
            match Form::of(entry.content) {
                _ if !entry.is_known() => {}
                Form::Empty => {}
                Form::Pem(text) => self.add_pem(text)?,
                Form::Der | Form::Table => self.add_der(entry.content)?,
            }
        }
        Ok(())
    }

    fn add_pem(&mut self, text: &str) -> Result<(), CollateralError> {
        for block in pem::blocks(text) {
            let block = block.map_err(|pem::Malformed| CollateralError::Pem)?;
            match block.label {
                "CERTIFICATE" => self.add_certificate(block.content),
                "X509 CRL" => self.crls.push(block.content),
                _ => {}
            }
        }
        Ok(())
    }

    fn add_der(&mut self, bytes: &[u8]) -> Result<(), CollateralError> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let offset = bytes.len() - rest.len();
            let length = der_length(rest).ok_or(CollateralError::Der(offset))?;
            let (item, after) = rest.split_at_checked(length).ok_or(CollateralError::Der(offset))?;
            if crate::x509::Crl::parse(item).is_ok() {
                self.crls.push(item.to_vec());
            } else {
                self.add_certificate(item.to_vec());
            }
            rest = after;
        }
        Ok(())
    }

    fn add_certificate(&mut self, der: Vec<u8>) {
        if !self.certificates.contains(&der) {
            self.certificates.push(der);
        }
    }
}

/// The forms of collateral.
enum Form<'a> {
    Empty,
    Pem(&'a str),
    Der,
    Table,
}

impl<'a> Form<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        if bytes.is_empty() {
            return Self::Empty;
        }
        match core::str::from_utf8(bytes) {
            Ok(text) if text.contains(pem::BEGIN) => Self::Pem(text),
            _ if bytes.first() == Some(&0x30) && der_length(bytes).is_some() => Self::Der,
            _ => Self::Table,
        }
    }
}

/// The length of the SEQUENCE that `bytes` begin with, header included, where its length takes at most three bytes.
fn der_length(bytes: &[u8]) -> Option<usize> {
    let (header, content): (usize, usize) = match *bytes {
        [0x30, short @ 0..=0x7f, ..] => (2, short.into()),
        [0x30, 0x81, length, ..] => (3, length.into()),
        [0x30, 0x82, high, low, ..] => (4, u16::from_be_bytes([high, low]).into()),
        _ => return None,
    };
    Some(header + content)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn hostile_collateral_never_panics(bytes: Vec<u8>) {
            let _ = Collateral::parse(&bytes);
        }

        #[test]
        fn hostile_text_never_panics(body in ".{0,200}") {
            let _ = Collateral::parse(format!("-----BEGIN CERTIFICATE-----\n{body}").as_bytes());
        }
    }

    #[test]
    fn reject_too_long_collateral() {
        assert_eq!(Collateral::parse(&vec![0; LIMIT + 1]), Err(CollateralError::TooLong(LIMIT + 1)));
    }

    #[test]
    fn reject_too_many_certificates() {
        let many: Vec<u8> = (0..=ITEMS).flat_map(|i| [0x30, 1, u8::try_from(i).unwrap()]).collect();
        assert_eq!(Collateral::parse(&many), Err(CollateralError::TooMany));
    }

    #[test]
    fn reject_der_that_ends_early() {
        assert_eq!(Collateral::parse(&[0x30, 1, 0, 0x30, 5, 0]), Err(CollateralError::Der(3)));
    }

    #[test]
    fn reject_malformed_pem() {
        for text in
            ["-----BEGIN CERTIFICATE-----\nAAAA", "-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----"]
        {
            assert_eq!(Collateral::parse(text.as_bytes()), Err(CollateralError::Pem), "{text}");
        }
    }
}
