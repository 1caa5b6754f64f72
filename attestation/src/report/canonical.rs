//! The canonical form: exact length, a version that is known, reserved bits as AMD demands, r and s as encoded by AMD.
//!
//! Bytes outside the signed region would otherwise be free for a host to change, and fields of an unknown version
//! would be read as something that they are not.

use super::{KeyInfo, LENGTH, Report, SIGNED};

/// One way in which bytes differ from a canonical report.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: expected {expected}, found {found}")]
pub struct NonCanonical {
    /// The field, by AMD's name or its offset.
    pub field: &'static str,
    /// What a canonical report has there.
    pub expected: &'static str,
    /// What is there.
    pub found: String,
}

/// Every difference from a canonical report. Fields are judged as far as the bytes reach.
pub(crate) fn problems(bytes: &[u8]) -> Vec<NonCanonical> {
    let mut problems = Vec::new();
    if bytes.len() != LENGTH {
        problems.push(NonCanonical {
            field: "length",
            expected: "1184 bytes",
            found: format!("{} bytes", bytes.len()),
        });
    }
    if let Some(report) = Report::read(bytes) {
        fields(&report, &mut problems);
        reserved(report.version, bytes, &mut problems);
    }
    problems
}

fn fields(report: &Report, problems: &mut Vec<NonCanonical>) {
    let mut demand = |holds: bool, field, expected, found: String| {
        if !holds {
            problems.push(NonCanonical { field, expected, found });
        }
    };
    let policy = report.policy;
    demand((2..=5).contains(&report.version), "VERSION", "2, 3, 4 or 5", report.version.to_string());
    demand(policy.reserved_one(), "POLICY bit 17", "one", "zero".into());
    let beyond = policy.0 & super::GuestPolicy::RESERVED;
    demand(beyond == 0, "POLICY bits 26 to 63", "zero", format!("{beyond:#x}"));
    let algorithm = report.signature_algorithm;
    demand(algorithm == 1, "SIGNATURE_ALGO", "1 (ECDSA P-384 with SHA-384)", algorithm.to_string());
    let beyond = report.key_info.0 & KeyInfo::RESERVED;
    demand(beyond == 0, "48h bits 5 to 31", "zero", format!("{beyond:#x}"));
}

/// A range of bytes that must be zero in the versions that the predicate names.
type Reserved = (&'static str, core::ops::Range<usize>, fn(u32) -> bool);

const RESERVED: [Reserved; 11] = [
    ("4Ch to 4Fh", 0x4c..0x50, |_| true),
    ("188h to 18Ah", 0x188..0x18b, |version| version < 3),
    ("18Bh to 19Fh", 0x18b..0x1a0, |_| true),
    ("1EBh", 0x1eb..0x1ec, |_| true),
    ("1EFh", 0x1ef..0x1f0, |_| true),
    ("LAUNCH_MIT_VECTOR", 0x1f8..0x200, |version| version < 5),
    ("CURRENT_MIT_VECTOR", 0x200..0x208, |version| version < 5),
    ("208h to 29Fh", 0x208..SIGNED, |_| true),
    ("SIGNATURE.R beyond 48 bytes", 0x2d0..0x2e8, |_| true),
    ("SIGNATURE.S beyond 48 bytes", 0x318..0x330, |_| true),
    ("after SIGNATURE.S", 0x330..LENGTH, |_| true),
];

fn reserved(version: u32, bytes: &[u8], problems: &mut Vec<NonCanonical>) {
    for (field, range, applies) in RESERVED {
        let end = range.end.min(bytes.len());
        let Some(present) = bytes.get(range.start..end) else { continue };
        if applies(version) && present.iter().any(|byte| *byte != 0) {
            problems.push(NonCanonical { field, expected: "zero", found: hex::encode(present) });
        }
    }
}
