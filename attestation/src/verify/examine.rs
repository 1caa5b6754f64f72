//! Whether evidence is genuine: everything that needs no reference values.

use crate::collateral::Collateral;
use crate::finding::Findings;
use crate::report::SigningKey;
use crate::verify::{
    Level, certificates, chain, format, platform, reference, revocation, signature, validity, vek,
};
use crate::x509::VekKind;
use crate::{Check, Checked, Product, ReferenceValues, Rejection, Report};

/// What is examined, and against which roots and time.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The report as received.
    pub report: &'a [u8],
    /// The VEK's certificate in DER; looked for in the collateral where absent.
    pub vek: Option<&'a [u8]>,
    /// Everything else that came along.
    pub collateral: &'a Collateral,
    /// Roots beside AMD's, in DER.
    pub roots: &'a [Vec<u8>],
    /// When, in seconds since 1970; dates are not judged where absent.
    pub at: Option<u64>,
}

/// What was found. An examination is no proof: only [`crate::verify()`] gives one.
#[derive(Clone, Debug)]
pub struct Examination {
    pub(super) report: Option<Report>,
    pub(super) product: Option<Product>,
    pub(super) level: Option<Level>,
    crl_applied: bool,
    pub(super) findings: Findings,
    vek: Option<VekKind>,
}

impl Examination {
    /// The report's fields, where there are enough bytes to hold them.
    #[must_use]
    pub fn report(&self) -> Option<&Report> {
        self.report.as_ref()
    }

    /// The processor that report or certificate names.
    #[must_use]
    pub fn product(&self) -> Option<Product> {
        self.product
    }

    /// What the certificate is.
    #[must_use]
    pub fn vek(&self) -> Option<VekKind> {
        self.vek
    }

    /// Whose root the chain ends in, where it does.
    #[must_use]
    pub fn level(&self) -> Option<Level> {
        self.level
    }

    /// The checks that passed.
    #[must_use]
    pub fn checks(&self) -> &[Checked] {
        &self.findings.checks
    }

    /// Whether nothing was refused and every one of `checks` was made.
    #[must_use]
    pub fn passed(&self, checks: &[Check]) -> bool {
        self.findings.rejections.is_empty() && checks.iter().all(|check| self.findings.passed(*check))
    }

    /// Adds what the reference values say, and the purpose where it is known.
    pub fn against(&mut self, values: &ReferenceValues, report_data: Option<&[u8; 64]>) {
        let (policy, findings) = (values.platform(), &mut self.findings);
        revocation::judge_presence(self.crl_applied, policy, findings);
        let Some(report) = &self.report else { return };
        reference::judge(report, values.tuples(), findings);
        if let Some(expected) = report_data {
            reference::judge_report_data(report, expected, findings);
        }
        platform::judge(report, self.product, policy, findings);
    }

    /// The failures.
    #[must_use]
    pub fn rejections(&self) -> &[Rejection] {
        &self.findings.rejections
    }
}

/// Examines a report and its certificates.
#[must_use]
pub fn examine(input: &Input<'_>) -> Examination {
    let mut findings = Findings::default();
    let report = format::judge(input.report, &mut findings);
    let sorted = certificates::sort(input, report.as_ref(), &mut findings);
    let mut examination =
        Examination { report, product: None, level: None, crl_applied: false, findings, vek: None };
    match &sorted.vek {
        Some(vek) => examination.with_vek(input, vek, &sorted),
        None => examination.product = examination.report.as_ref().and_then(Report::product),
    }
    examination
}

impl Examination {
    fn with_vek(&mut self, input: &Input<'_>, vek: &vek::Vek<'_>, sorted: &certificates::Sorted<'_>) {
        let findings = &mut self.findings;
        signature::judge(input.report, &vek.certificate, findings);
        let chain = chain::judge(&vek.certificate, &sorted.others, &sorted.roots, findings);
        if let Some(at) = input.at {
            validity::judge(&vek.certificate, chain.as_ref(), at, findings);
        }
        if let Some(chain) = &chain {
            let lists = &input.collateral.crls;
            self.crl_applied = revocation::judge(&vek.certificate, chain, lists, input.at, findings);
        }
        self.level = chain.as_ref().filter(|_| !findings.failed(Check::Chain)).map(chain::Chain::level);
        self.vek = vek.extensions.kind();
        self.product = vek::judge(vek, self.report.as_ref(), chain.as_ref(), findings);
    }
}

/// The kind of key that a report names, where it names one.
pub(super) fn named_kind(report: &Report) -> Option<VekKind> {
    match report.key_info.signing_key() {
        SigningKey::Vcek => Some(VekKind::Vcek),
        SigningKey::Vlek => Some(VekKind::Vlek),
        SigningKey::None | SigningKey::Reserved => None,
    }
}
