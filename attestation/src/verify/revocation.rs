//! The check `revocation`: nothing of the chain is revoked, by the lists that came along or by what AMD published.
//!
//! A list counts only if an authority of this chain signed it. A revocation counts even from a list that is out of
//! date; being absent from a list counts only while that list is current.

use super::chain::{Anchor, Chain};
use super::validity::date;
use crate::finding::Findings;
use crate::x509::{Certificate, Crl};
use crate::{Check, PlatformPolicy};

const REMEDY: &str = "Obtain the current revocation list of this processor's root from AMD's key service.";

/// Judges every list, and what is shipped. Says whether a current list of the root was among them.
pub(super) fn judge(
    vek: &Certificate<'_>,
    chain: &Chain<'_>,
    lists: &[Vec<u8>],
    at: Option<u64>,
    findings: &mut Findings,
) -> bool {
    shipped(chain, findings);
    let mut applied = 0;
    for der in lists {
        match Crl::parse(der) {
            Ok(list) => applied += usize::from(self::list(vek, chain, &list, at, findings)),
            Err(why) => {
                findings.reject(Check::Revocation, "CRL", "a v2 list in DER", why.to_string(), REMEDY);
            }
        }
    }
    if !lists.is_empty() && applied == 0 {
        let expected = format!("a current list by {}", chain.ark.subject);
        findings.reject(Check::Revocation, "CRL", expected, "none among those given", REMEDY);
    }
    if !findings.failed(Check::Revocation) {
        let found = match applied {
            0 => "none known to have been revoked; no list was given",
            _ => "none on the given list",
        };
        findings.pass(Check::Revocation, found);
    }
    applied > 0
}

/// Demands a list where the policy does.
pub(super) fn judge_presence(applied: bool, policy: &PlatformPolicy, findings: &mut Findings) {
    if policy.require_crl && !applied {
        findings.reject(Check::Revocation, "CRL", "a current list, as policy demands", "none", REMEDY);
    }
}

/// What AMD is known to have revoked.
fn shipped(chain: &Chain<'_>, findings: &mut Findings) {
    if let Anchor::Amd(pinned) = chain.anchor
        && pinned.has_revoked(chain.ask.serial)
    {
        revoked("ASK", chain.ask, findings);
    }
}

/// One list. Whether it is the root's, genuine and current.
fn list(
    vek: &Certificate<'_>,
    chain: &Chain<'_>,
    list: &Crl<'_>,
    at: Option<u64>,
    findings: &mut Findings,
) -> bool {
    let issued: [(&Certificate<'_>, &[(&'static str, &Certificate<'_>)]); 2] =
        [(chain.ark, &[("ASK", chain.ask), ("ARK", chain.ark)]), (chain.ask, &[("VEK", vek)])];
    let Some((authority, subjects)) = issued.iter().find(|(authority, _)| authority.subject == list.issuer)
    else {
        return false;
    };
    if let Err(why) = list.signed_by(authority) {
        let expected = format!("a signature by {}", authority.subject);
        findings.reject(Check::Revocation, "CRL signature", expected, why.to_string(), REMEDY);
        return false;
    }
    for (field, certificate) in *subjects {
        if list.revoked.contains(&certificate.serial) {
            revoked(field, certificate, findings);
        }
    }
    let current = at.is_none_or(|at| (list.this_update..=list.next_update).contains(&at));
    if !current {
        let expected = format!("a time from {} to {}", date(list.this_update), date(list.next_update));
        let found = at.map_or_else(String::new, date);
        findings.reject(Check::Revocation, "CRL nextUpdate", expected, found, REMEDY);
    }
    current && authority.raw == chain.ark.raw
}

fn revoked(field: &'static str, certificate: &Certificate<'_>, findings: &mut Findings) {
    let found = format!("serial number {} is revoked", hex::encode(certificate.serial));
    let remedy = "Use the certificate that replaced it; a chip whose key is revoked cannot be trusted.";
    findings.reject(Check::Revocation, field, "a certificate that is not revoked", found, remedy);
}
