//! What a verification found: one line per check, one [`Rejection`] per failure, each with what to do about it.

use core::fmt;

use serde::Serialize;

/// The checks, by the names that reports, tests and documentation use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// The report is canonical: length, version 2 to 5, reserved bits, signature encoding. Certificates can be read.
    Format,
    /// ECDSA P-384 with SHA-384 over the first 672 bytes, by the key of the VEK certificate.
    Signature,
    /// VEK ← ASK or ASVK ← ARK, each link RSA-PSS with SHA-384, up to a trusted root.
    Chain,
    /// Every certificate of the chain is valid at the given time.
    Validity,
    /// No certificate of the chain is revoked, and revocation lists are genuine and current.
    Revocation,
    /// The reported TCB is the one that the VEK was derived for, and reaches the policy's bounds.
    Tcb,
    /// The report's chip is the certificate's, and one that the reference values name.
    ChipId,
    /// The report, the certificate and its issuer agree on VCEK or VLEK.
    KeyKind,
    /// CPUID, certificate and root agree on the processor, and policy allows it.
    Product,
    /// The guest's memory cannot be read by a debugger.
    Debug,
    /// The privilege level that asked for the report.
    Vmpl,
    /// The guest's policy and the platform's state are as the platform policy demands.
    Policy,
    /// The launch measurement is one that the reference values name.
    Measurement,
    /// HOST_DATA, the digest of the configuration, belongs to that measurement.
    HostData,
    /// The digest of the ID key is allowed.
    IdKey,
    /// The digest of the author key is allowed.
    AuthorKey,
    /// REPORT_DATA is what the verifier's purpose demands.
    ReportData,
}

impl Check {
    /// Every check, in the order of this page.
    pub const ALL: [Self; 17] = [
        Self::Format,
        Self::Signature,
        Self::Chain,
        Self::Validity,
        Self::Revocation,
        Self::Tcb,
        Self::ChipId,
        Self::KeyKind,
        Self::Product,
        Self::Debug,
        Self::Vmpl,
        Self::Policy,
        Self::Measurement,
        Self::HostData,
        Self::IdKey,
        Self::AuthorKey,
        Self::ReportData,
    ];

    /// The name, as in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Format => "format",
            Self::Signature => "signature",
            Self::Chain => "chain",
            Self::Validity => "validity",
            Self::Revocation => "revocation",
            Self::Tcb => "tcb",
            Self::ChipId => "chip_id",
            Self::KeyKind => "key_kind",
            Self::Product => "product",
            Self::Debug => "debug",
            Self::Vmpl => "vmpl",
            Self::Policy => "policy",
            Self::Measurement => "measurement",
            Self::HostData => "host_data",
            Self::IdKey => "id_key",
            Self::AuthorKey => "author_key",
            Self::ReportData => "report_data",
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A check that was made and passed, or a fact that it could only report, with what was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// Which check.
    pub check: Check,
    /// What was found, for a person.
    pub found: String,
}

/// One failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rejection {
    /// Which check failed.
    pub check: Check,
    /// The field of the report, certificate or list, by its name in AMD's documents where it has one.
    pub field: &'static str,
    /// What would have passed.
    pub expected: String,
    /// What was there.
    pub found: String,
    /// What the person who reads this can do.
    pub remedy: &'static str,
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): expected {}, found {}", self.check, self.field, self.expected, self.found)
    }
}

/// Evidence was refused: every failure that could be judged, and what passed beside them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("evidence refused: {}", .rejections.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct Rejected {
    /// The failures; never empty.
    pub rejections: Vec<Rejection>,
    /// The checks that passed.
    pub checks: Vec<Checked>,
}

impl Rejected {
    /// Whether `check` is among the failures.
    #[must_use]
    pub fn names(&self, check: Check) -> bool {
        self.rejections.iter().any(|rejection| rejection.check == check)
    }
}

/// Collects findings while checks run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Findings {
    pub(crate) checks: Vec<Checked>,
    pub(crate) rejections: Vec<Rejection>,
}

impl Findings {
    pub(crate) fn pass(&mut self, check: Check, found: impl Into<String>) {
        self.checks.push(Checked { check, found: found.into() });
    }

    pub(crate) fn reject(
        &mut self,
        check: Check,
        field: &'static str,
        expected: impl Into<String>,
        found: impl Into<String>,
        remedy: &'static str,
    ) {
        let (expected, found) = (expected.into(), found.into());
        self.rejections.push(Rejection { check, field, expected, found, remedy });
    }

    /// Whether `check` has failed so far.
    pub(crate) fn failed(&self, check: Check) -> bool {
        self.rejections.iter().any(|rejection| rejection.check == check)
    }
}
