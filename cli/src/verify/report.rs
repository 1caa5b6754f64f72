//! `shroud verify report`: examine, judge against reference values where there are any, print.

use std::process::ExitCode;

use serde::Serialize;
use shroud_attestation::verify::{Examination, Input as Question, examine};
use shroud_attestation::{Check, Checked, Rejection, Report};

use super::input::Input;
use super::{ReportArguments, table};

/// What can be judged without reference values.
const GENUINE: [Check; 7] = [
    Check::Format,
    Check::Signature,
    Check::Chain,
    Check::Tcb,
    Check::ChipId,
    Check::KeyKind,
    Check::Product,
];

/// What was found, as JSON has it.
#[derive(Serialize)]
pub(super) struct Outcome<'a> {
    pub(super) verified: bool,
    /// `sev_snp` under AMD's roots, `dev` under a root that the caller named, null where no chain holds.
    pub(super) level: Option<&'static str>,
    pub(super) processor: Option<String>,
    pub(super) report_version: Option<u32>,
    pub(super) vek: Option<&'static str>,
    pub(super) validity: &'static str,
    pub(super) revocation: &'static str,
    pub(super) rejections: Vec<Rejection>,
    pub(super) checks: &'a [Checked],
    /// Named, and not refused, where no reference values say what they must be.
    pub(super) facts: Vec<Checked>,
    pub(super) report: Option<&'a Report>,
}

pub(super) fn run(arguments: &ReportArguments) -> ExitCode {
    let input = match Input::read(arguments) {
        Ok(input) => input,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(2);
        }
    };
    let mut examination = examine(&Question {
        report: &input.report,
        vek: input.vek.as_deref(),
        collateral: &input.collateral,
        roots: &input.roots,
        at: arguments.at,
    });
    if let Some(values) = &input.reference {
        examination.against(values, arguments.report_data.as_ref());
    }
    let outcome = outcome(&examination, &input, arguments);
    print(&outcome, arguments.json);
    if outcome.verified { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn outcome<'a>(examination: &'a Examination, input: &Input, arguments: &ReportArguments) -> Outcome<'a> {
    let mut rejections = examination.rejections().to_vec();
    rejections.extend(input.unreadable.iter().map(|unreadable| Rejection {
        check: if unreadable.field == "crl" { Check::Revocation } else { Check::Chain },
        field: unreadable.field,
        expected: "certificates or revocation lists in PEM, in DER, or in a certificate table".into(),
        found: unreadable.found.clone(),
        remedy: "Obtain them again: the bytes are damaged or of another format.",
    }));
    let report = examination.report();
    Outcome {
        verified: rejections.is_empty() && examination.passed(&GENUINE),
        level: examination.level().map(|level| level.name()),
        processor: examination.product().map(|product| product.name().to_lowercase()),
        report_version: report.map(|report| report.version),
        vek: examination.vek().map(|kind| kind.name()),
        validity: judged(arguments.at.is_some()),
        revocation: judged(!input.collateral.crls.is_empty()),
        rejections,
        checks: examination.checks(),
        facts: if input.reference.is_some() { Vec::new() } else { facts(report) },
        report,
    }
}

const fn judged(given: bool) -> &'static str {
    if given { "checked" } else { "not checked" }
}

/// What a policy would judge.
fn facts(report: Option<&Report>) -> Vec<Checked> {
    let Some(report) = report else { return Vec::new() };
    let debug = if report.policy.debug_allowed() { "the host may debug the guest" } else { "forbidden" };
    let fact = |check, found: String| Checked { check, found };
    vec![
        fact(Check::Debug, debug.into()),
        fact(Check::Vmpl, report.vmpl.to_string()),
        fact(Check::Policy, format!("{:#x}, platform {:#x}", report.policy.0, report.platform_info.0)),
        fact(Check::Measurement, hex::encode(report.measurement)),
        fact(Check::HostData, hex::encode(report.host_data)),
        fact(Check::IdKey, hex::encode(report.id_key_digest)),
        fact(Check::AuthorKey, hex::encode(report.author_key_digest)),
        fact(Check::ReportData, hex::encode(report.report_data)),
    ]
}

fn print(outcome: &Outcome<'_>, json: bool) {
    if json {
        match serde_json::to_string_pretty(outcome) {
            Ok(text) => println!("{text}"),
            Err(error) => eprintln!("error: {error}"),
        }
    } else {
        print!("{}", table::render(outcome));
    }
}
