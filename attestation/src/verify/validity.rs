//! The check `validity`: every certificate of the chain is valid at the given time.

use super::chain::Chain;
use crate::Check;
use crate::finding::Findings;
use crate::x509::Certificate;

pub(super) fn judge(vek: &Certificate<'_>, chain: Option<&Chain<'_>>, at: u64, findings: &mut Findings) {
    one("VEK", vek, at, findings);
    let Some(chain) = chain else { return };
    for (field, authority) in chain.authorities() {
        one(field, authority, at, findings);
    }
    if !findings.failed(Check::Validity) {
        let until = vek.not_after.min(chain.ask.not_after).min(chain.ark.not_after);
        findings.pass(Check::Validity, format!("all certificates are valid until {}", date(until)));
    }
}

fn one(field: &'static str, certificate: &Certificate<'_>, at: u64, findings: &mut Findings) {
    let (first, last) = (certificate.not_before, certificate.not_after);
    if (first..=last).contains(&at) {
        return;
    }
    let remedy =
        "Obtain a current certificate; for a VLEK, from the cloud provider, every year. Check the clock.";
    let expected = format!("a time from {} to {}", date(first), date(last));
    findings.reject(Check::Validity, field, expected, date(at), remedy);
}

/// Seconds since 1970 as RFC 3339.
pub(super) fn date(seconds: u64) -> String {
    der::DateTime::from_unix_duration(core::time::Duration::from_secs(seconds))
        .map_or_else(|_| format!("{seconds} s after 1970"), |date| date.to_string())
}
