//! The check `chain`: VEK ← ASK or ASVK ← ARK, up to a root that is pinned or that the caller names.
//!
//! What came along is used, never silently replaced: an intermediate or root that was given and does not fit is a
//! failure. Only where none was given does AMD's pinned one take its place.

use super::Level;
use crate::Check;
use crate::finding::Findings;
use crate::roots::Pinned;
use crate::x509::Certificate;

/// A chain above a VEK. Its links hold unless the check was refused.
pub(super) struct Chain<'a> {
    /// ASK or ASVK.
    pub(super) ask: &'a Certificate<'a>,
    /// The root.
    pub(super) ark: &'a Certificate<'a>,
    /// Who vouches for the root.
    pub(super) anchor: Anchor,
}

/// Who vouches for a root.
#[derive(Clone, Copy)]
pub(super) enum Anchor {
    /// AMD, for one product.
    Amd(&'static Pinned),
    /// The caller.
    Named,
}

impl Chain<'_> {
    /// Whose word the chain is.
    pub(super) fn level(&self) -> Level {
        match self.anchor {
            Anchor::Amd(_) => Level::SevSnp,
            Anchor::Named => Level::Dev,
        }
    }

    /// The authorities, from the VEK up.
    pub(super) fn authorities(&self) -> [(&'static str, &Certificate<'_>); 2] {
        [("ASK", self.ask), ("ARK", self.ark)]
    }
}

const REMEDY: &str = "Pass the ASK (for a VCEK) or ASVK (for a VLEK) and the ARK of this processor, from AMD's key \
                      service, or none at all to use the ones that are shipped.";

/// Finds the chain and judges its links. A chain that is found and broken is returned too, for the checks to come.
pub(super) fn judge<'a>(
    vek: &Certificate<'_>,
    given: &'a [Certificate<'a>],
    named: &'a [Certificate<'a>],
    findings: &mut Findings,
) -> Option<Chain<'a>> {
    let ask = intermediate(vek, given, findings)?;
    let (ark, anchor) = root(ask, given, named, findings)?;
    link(ask, ark, anchor, findings);
    if !findings.failed(Check::Chain) {
        findings.pass(Check::Chain, format!("{} ← {} ← {}", vek.subject, ask.subject, ark.subject));
    }
    Some(Chain { ask, ark, anchor })
}

/// The VEK's issuer.
fn intermediate<'a>(
    vek: &Certificate<'_>,
    given: &'a [Certificate<'a>],
    findings: &mut Findings,
) -> Option<&'a Certificate<'a>> {
    let offered: Vec<&Certificate<'_>> = given.iter().filter(|c| !c.is_self_issued()).collect();
    let pinned = || Pinned::all().iter().flat_map(|pinned| pinned.intermediates);
    let pool: Vec<&Certificate<'_>> = if offered.is_empty() { pinned().collect() } else { offered };
    let named_so: Vec<_> = pool.iter().copied().filter(|c| c.subject == vek.issuer).collect();
    if named_so.is_empty() {
        let expected = format!("the certificate of {}", vek.issuer);
        findings.reject(Check::Chain, "VEK issuer", expected, names(&pool), REMEDY);
        return None;
    }
    if let Some(critical) = vek.unknown_critical() {
        findings.reject(Check::Chain, "VEK extensions", "none critical", critical.to_string(), REMEDY);
    }
    let mut failure = None;
    for candidate in &named_so {
        match vek.signed_by(candidate) {
            Ok(()) => return Some(candidate),
            Err(why) => failure = Some(why),
        }
    }
    let found = failure.map_or_else(String::new, |why| why.to_string());
    findings.reject(Check::Chain, "VEK signature", format!("one by {}", vek.issuer), found, REMEDY);
    named_so.first().copied()
}

/// The intermediate's issuer, which must be trusted.
fn root<'a>(
    ask: &Certificate<'_>,
    given: &'a [Certificate<'a>],
    named: &'a [Certificate<'a>],
    findings: &mut Findings,
) -> Option<(&'a Certificate<'a>, Anchor)> {
    let offered: Vec<&Certificate<'_>> = given.iter().filter(|c| c.is_self_issued()).collect();
    let mut trusted = trusted(named).filter(|(root, _)| root.subject == ask.issuer).collect::<Vec<_>>();
    if !offered.is_empty() {
        trusted.retain(|(root, _)| offered.iter().any(|one| one.raw == root.raw));
    }
    if let Some(found) = trusted.iter().find(|(root, _)| trusted.len() == 1 || ask.signed_by(root).is_ok()) {
        return Some(*found);
    }
    let expected = format!("{}, pinned or named by the caller", ask.issuer);
    let found = match offered.as_slice() {
        [] => "no trusted root of that name".into(),
        roots => format!("{}, which is not trusted under that name", names(roots)),
    };
    findings.reject(Check::Chain, "ARK", expected, found, REMEDY);
    None
}

fn trusted<'a>(named: &'a [Certificate<'a>]) -> impl Iterator<Item = (&'a Certificate<'a>, Anchor)> {
    let amd = Pinned::all().iter().map(|pinned| (pinned.ark as &'a Certificate<'a>, Anchor::Amd(pinned)));
    let is_amd = |root: &Certificate<'_>| Pinned::all().iter().any(|pinned| pinned.ark.raw == root.raw);
    amd.chain(named.iter().filter(move |root| !is_amd(root)).map(|root| (root, Anchor::Named)))
}

/// Intermediate and root. AMD's own pairs were verified when they were pinned.
fn link(ask: &Certificate<'_>, ark: &Certificate<'_>, anchor: Anchor, findings: &mut Findings) {
    let pinned = matches!(anchor, Anchor::Amd(amd) if amd.intermediates.iter().any(|one| one.raw == ask.raw));
    if pinned {
        return;
    }
    let mut reject = |field, expected: &str, found: String| {
        findings.reject(Check::Chain, field, expected, found, REMEDY);
    };
    if let Err(why) = ask.signed_by(ark) {
        reject("ASK signature", "one by the ARK", why.to_string());
    }
    if let Some(why) = ask.not_an_authority() {
        reject("ASK", "a certificate authority", why.into());
    }
    if matches!(anchor, Anchor::Named) {
        if let Err(why) = ark.signed_by(ark) {
            reject("ARK signature", "one by itself", why.to_string());
        }
        if let Some(why) = ark.not_an_authority() {
            reject("ARK", "a certificate authority", why.into());
        }
    }
}

fn names(certificates: &[&Certificate<'_>]) -> String {
    certificates.iter().map(|c| c.subject.to_string()).collect::<Vec<_>>().join(", ")
}
