//! From evidence to [`VerifiedReport`]: is it genuine, is it what was agreed, and if not, why not.
//!
//! ```text
//! examine     format, signature, chain, validity, revocation, key kind, product, TCB, chip: no reference needed
//! reference   measurement, HOST_DATA, chip, REPORT_DATA against the reference values and the purpose
//! platform    debug, VMPL, guest policy, TCB bounds, ID and author keys against the platform policy
//! ```
//!
//! Every check that can still be judged is judged, so that a refusal names all that is wrong. A [`VerifiedReport`]
//! exists only where nothing was refused and every check of [`Check::ALL`] was made and passed.

mod certificates;
mod chain;
mod examine;
mod format;
mod platform;
mod reference;
mod revocation;
mod signature;
mod validity;
mod vek;

pub use examine::{Examination, Input, examine};
pub use platform::appraise as appraise_platform;

use crate::collateral::Collateral;
use crate::finding::Findings;
use crate::{Check, Checked, Evidence, Product, ReferenceValues, Rejected, Rejection, Report, ReportData};

/// Whose word a report rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// AMD's: the report comes from a security processor.
    SevSnp,
    /// A root that the reference values name: a software processor, for development.
    Dev,
}

impl Level {
    /// The name, as in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SevSnp => "sev_snp",
            Self::Dev => "dev",
        }
    }
}

/// A report that passed every check, with what it was checked against. Only [`verify`] makes one.
#[derive(Debug)]
pub struct VerifiedReport {
    report: Report,
    product: Product,
    level: Level,
    checks: Vec<Checked>,
}

impl VerifiedReport {
    /// The launch measurement, which the reference values name.
    #[must_use]
    pub fn measurement(&self) -> &[u8; 48] {
        &self.report.measurement
    }

    /// The digest of the configuration, which the reference values name together with the measurement.
    #[must_use]
    pub fn host_data(&self) -> &[u8; 32] {
        &self.report.host_data
    }

    /// The chip, which the reference values admit for this measurement and configuration.
    #[must_use]
    pub fn chip_id(&self) -> &[u8; 64] {
        &self.report.chip_id
    }

    /// The bytes that bind the report to its purpose.
    #[must_use]
    pub fn report_data(&self) -> &[u8; 64] {
        &self.report.report_data
    }

    /// The processor.
    #[must_use]
    pub fn product(&self) -> Product {
        self.product
    }

    /// Whose word it rests on.
    #[must_use]
    pub fn level(&self) -> Level {
        self.level
    }

    /// What was checked, and what was found.
    #[must_use]
    pub fn checks(&self) -> &[Checked] {
        &self.checks
    }

    /// Every field of the report.
    #[must_use]
    pub fn report(&self) -> &Report {
        &self.report
    }
}

/// Verifies evidence for one purpose at one time, in seconds since 1970.
///
/// # Errors
/// [`Rejected`], with every failure that could be judged.
///
/// What a verified report permits happens once: it moves, and cannot be copied.
///
/// ```
/// fn once(report: shroud_attestation::VerifiedReport) -> [shroud_attestation::VerifiedReport; 1] {
///     [report]
/// }
/// ```
///
/// ```compile_fail
/// fn twice(report: shroud_attestation::VerifiedReport) -> [shroud_attestation::VerifiedReport; 2] {
///     [report.clone(), report]
/// }
/// ```
pub fn verify(
    evidence: &Evidence,
    expected: &ReportData,
    values: &ReferenceValues,
    now: u64,
) -> Result<VerifiedReport, Rejected> {
    let collateral = Collateral::parse(&evidence.certificates).map_err(unreadable)?;
    let input = Input {
        report: &evidence.report,
        vek: None,
        collateral: &collateral,
        roots: values.roots(),
        at: Some(now),
    };
    let mut examination = examine(&input);
    examination.against(values, Some(expected.as_bytes()));
    conclude(examination)
}

/// The last act: proof or refusal.
fn conclude(examination: Examination) -> Result<VerifiedReport, Rejected> {
    let Examination { report, product, level, findings, .. } = examination;
    match (report, product, level) {
        (Some(report), Some(product), Some(level)) if findings.all_passed() => {
            Ok(VerifiedReport { report, product, level, checks: findings.checks })
        }
        _ => Err(findings.into_rejected()),
    }
}

fn unreadable(error: crate::collateral::CollateralError) -> Rejected {
    let mut findings = Findings::default();
    findings.reject(
        Check::Format,
        "certificates",
        "a certificate table, PEM, or DER",
        error.to_string(),
        "Ask the host for its certificates again.",
    );
    findings.into_rejected()
}

impl Findings {
    /// Whether every check was made and none failed.
    fn all_passed(&self) -> bool {
        self.rejections.is_empty() && Check::ALL.into_iter().all(|check| self.passed(check))
    }

    /// Whether `check` was made and not failed.
    pub(crate) fn passed(&self, check: Check) -> bool {
        self.checks.iter().any(|checked| checked.check == check) && !self.failed(check)
    }

    /// A refusal, which names at least one failure even where a check could not be made at all.
    pub(crate) fn into_rejected(self) -> Rejected {
        let Self { checks, mut rejections } = self;
        if rejections.is_empty() {
            let passed = |check| checks.iter().any(|checked: &Checked| checked.check == check);
            let missing = Check::ALL.into_iter().filter(|check| !passed(*check));
            rejections.extend(missing.map(|check| Rejection {
                check,
                field: "evidence",
                expected: "evidence that allows this check".into(),
                found: "none".into(),
                remedy: "Supply the report with its certificates.",
            }));
        }
        Rejected { rejections, checks }
    }
}
