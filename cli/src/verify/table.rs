//! The outcome as a table: one line per check, what was found, and for a failure what to do.

use std::fmt::Write as _;

use shroud_attestation::Check;

use super::report::Outcome;

/// Renders the whole outcome.
pub(super) fn render(outcome: &Outcome<'_>) -> String {
    let mut text = String::new();
    heading(outcome, &mut text);
    for check in Check::ALL {
        lines(check, outcome, &mut text);
    }
    verdict(outcome, &mut text);
    text
}

fn heading(outcome: &Outcome<'_>, text: &mut String) {
    let unknown = || "unknown".to_owned();
    let processor = outcome.processor.clone().unwrap_or_else(unknown);
    let version = outcome.report_version.map_or_else(unknown, |version| version.to_string());
    let vek = outcome.vek.unwrap_or("unknown");
    line(text, &format!("SEV-SNP report, version {version}; processor {processor}; key {vek}\n"));
}

fn lines(check: Check, outcome: &Outcome<'_>, text: &mut String) {
    for checked in outcome.checks.iter().filter(|checked| checked.check == check) {
        row(text, check, "ok", &checked.found);
    }
    for fact in outcome.facts.iter().filter(|fact| fact.check == check) {
        row(text, check, "fact", &fact.found);
    }
    let not_given = match check {
        Check::Validity if outcome.validity == "not checked" => Some("no time was given: pass --at"),
        Check::Revocation if outcome.revocation == "not checked" => {
            Some("no revocation list was given: pass --crl")
        }
        _ => None,
    };
    if let Some(why) = not_given {
        row(text, check, "not checked", why);
    }
    for rejection in outcome.rejections.iter().filter(|rejection| rejection.check == check) {
        row(text, check, "REFUSED", rejection.field);
        for (label, value) in [
            ("expected", rejection.expected.as_str()),
            ("found", &rejection.found),
            ("remedy", rejection.remedy),
        ] {
            line(text, &format!("{:27}{label}: {value}", ""));
        }
    }
}

fn verdict(outcome: &Outcome<'_>, text: &mut String) {
    let words = match (outcome.verified, outcome.level) {
        (true, Some("sev_snp")) => "\nVERIFIED: genuine, under AMD's root.",
        (true, _) => "\nVERIFIED under a root that you named. This is not AMD's word.",
        (false, _) => "\nREFUSED.",
    };
    line(text, words);
}

fn row(text: &mut String, check: Check, result: &str, found: &str) {
    line(text, &format!("{:13} {result:12} {found}", check.name()));
}

fn line(text: &mut String, words: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{words}");
}
