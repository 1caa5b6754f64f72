//! Evidence: a report and the certificates that travel with it, as bytes. Nothing about it is verified.

/// A report and its certificates, as received.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// The attestation report, 1184 bytes where it is one (AMD 56860, `ATTESTATION_REPORT`).
    pub report: Vec<u8>,
    /// A certificate table of the GHCB, a PEM bundle, or certificates in DER one after another; CRLs may stand among
    /// them. May be empty, which is refused unless the key's certificate comes from elsewhere.
    pub certificates: Vec<u8>,
}
