//! X.509 certificates and revocation lists, borrowed from the bytes as received (RFC 5280).
//!
//! Signatures are verified over the very bytes that arrived: nothing is decoded and encoded again. Names are compared
//! byte by byte. Strict DER; whatever is not understood is refused.

mod certificate;
mod crl;
mod element;
mod key;
mod pss;
mod vek;

pub use certificate::{Certificate, Extension, Name};
pub use crl::Crl;
pub use key::PublicKey;
pub(crate) use pss::{NotSigned, Signed};
pub use vek::{VekExtensions, VekKind};

/// Why bytes are no certificate or revocation list that Shroud reads.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum X509Error {
    /// Not DER, or not in the order that X.509 gives.
    #[error("not X.509 in DER: {0}")]
    Der(#[from] der::Error),
    /// Another version than v3 for certificates, v2 for revocation lists.
    #[error("an X.509 version that is not supported")]
    Version,
    /// The signature algorithm inside the signed part differs from the one outside.
    #[error("the signature algorithm is stated twice, differently")]
    AlgorithmsDiffer,
    /// One extension stands twice.
    #[error("extension {0} stands twice")]
    DuplicateExtension(der::asn1::ObjectIdentifier),
    /// An extension that AMD defines has another form.
    #[error("extension {0} is malformed")]
    MalformedExtension(der::asn1::ObjectIdentifier),
    /// A critical extension that is not known.
    #[error("critical extension {0} is not known")]
    UnknownCritical(der::asn1::ObjectIdentifier),
}
