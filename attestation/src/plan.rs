//! A dry run: whom would a change of the platform policy refuse, of the machines that are known?
//!
//! Only the platform policy is judged; whether a known report is genuine is a question for [`crate::verify()`].

use crate::verify::appraise_platform;
use crate::{PlatformPolicy, Product, Rejection, Report};

/// A machine that is known by a report that it gave.
#[derive(Clone, Debug)]
pub struct Known {
    /// What to call it.
    pub name: String,
    /// Its report.
    pub report: Report,
    /// Its processor; bounds by product are not judged where it is not known.
    pub product: Option<Product>,
}

/// What a change means for one machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Admitted before and after.
    Admitted,
    /// Refused before, admitted after.
    NewlyAdmitted,
    /// Admitted before, refused after.
    Refused(Vec<Rejection>),
    /// Refused before and after; what refuses it after.
    StillRefused(Vec<Rejection>),
}

/// Judges every known machine by both policies.
#[must_use]
pub fn plan<'a>(old: &PlatformPolicy, new: &PlatformPolicy, known: &'a [Known]) -> Vec<(&'a Known, Change)> {
    known.iter().map(|machine| (machine, change(old, new, machine))).collect()
}

fn change(old: &PlatformPolicy, new: &PlatformPolicy, machine: &Known) -> Change {
    let judge = |policy| appraise_platform(&machine.report, machine.product, policy);
    match (judge(old).is_empty(), judge(new)) {
        (true, after) if after.is_empty() => Change::Admitted,
        (false, after) if after.is_empty() => Change::NewlyAdmitted,
        (true, after) => Change::Refused(after),
        (false, after) => Change::StillRefused(after),
    }
}
