//! The check `signature`: the VEK signed the report, over the raw bytes.

use crate::Check;
use crate::crypto::{Backend as _, Selected};
use crate::finding::Findings;
use crate::report::{SIGNED, Signature};
use crate::x509::{Certificate, PublicKey};

pub(super) fn judge(report: &[u8], vek: &Certificate<'_>, findings: &mut Findings) {
    match verified(report, vek) {
        Ok(()) => findings.pass(Check::Signature, "ECDSA P-384 with SHA-384 by the key of the certificate"),
        Err((field, expected, found)) => {
            let remedy = "The report was changed, or the certificate is another chip's or another TCB's: obtain the \
                          certificate for this report's chip id and reported TCB.";
            findings.reject(Check::Signature, field, expected, found, remedy);
        }
    }
}

type Failure = (&'static str, &'static str, String);

fn verified(report: &[u8], vek: &Certificate<'_>) -> Result<(), Failure> {
    let signature = Signature::read(report)
        .map_err(|why| ("SIGNATURE", "r and s in 1 … n − 1", format!("{why:?} missing or out of range")))?;
    let key = vek.key();
    let PublicKey::P384(point) = key else { return Err(("VEK key", "a P-384 key", key.kind())) };
    let signed = report.get(..SIGNED).ok_or_else(|| ("length", "1184 bytes", "fewer".to_owned()))?;
    Selected::p384_sha384(point, signed, &signature.0)
        .map_err(|_| ("SIGNATURE", "a signature by the VEK", "one that does not verify".to_owned()))
}
