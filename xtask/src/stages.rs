//! Every stage, and which commands have which.

use crate::plan::Stage;
use crate::tool::{Tool, python};
use crate::workspace::{Failure, Workspace};

const FORMAT: Stage = Stage { name: "format", needs: &[], work: format };
const CLIPPY: Stage = Stage { name: "clippy", needs: &[Tool::Compiler], work: clippy };
const DEPENDENCIES: Stage = Stage { name: "dependencies", needs: &[Tool::Deny], work: dependencies };
const BUILD: Stage = Stage { name: "build", needs: &[Tool::Compiler], work: build };
const UNIT_TESTS: Stage = Stage { name: "tests without processes", needs: &[], work: unit_tests };
const TESTS: Stage = Stage { name: "tests", needs: &[Tool::Nextest], work: tests };
const DOCTESTS: Stage = Stage { name: "doctests", needs: &[], work: doctests };
const BROWSER: Stage = Stage { name: "verifier for browsers", needs: &[Tool::Wasm], work: browser };
const INDEPENDENT: Stage =
    Stage { name: "independent decode", needs: &[Tool::Python, Tool::PythonPackages], work: independent };
const SOAK_TESTS: Stage = Stage { name: "soak tests", needs: &[Tool::Nextest], work: soak_tests };
const MUTANTS: Stage = Stage { name: "mutants", needs: &[Tool::Mutants, Tool::Nextest], work: mutants };

/// `cargo xtask test`.
pub(crate) const FULL: &[Stage] =
    &[FORMAT, CLIPPY, DEPENDENCIES, BUILD, TESTS, DOCTESTS, BROWSER, INDEPENDENT];
/// `cargo xtask test --quick`.
pub(crate) const QUICK: &[Stage] = &[FORMAT, CLIPPY, BUILD, UNIT_TESTS];
/// What [`QUICK`] does not do.
pub(crate) const LEFT_OUT: &[&str] = &[
    "dependencies (cargo-deny)",
    "end-to-end tests over real processes (shroud-tests)",
    "doctests",
    "verifier for browsers (wasm32)",
    "independent decode (Python, eth-account)",
];
/// `cargo xtask lint`.
pub(crate) const LINT: &[Stage] = &[FORMAT, CLIPPY, DEPENDENCIES];
/// `cargo xtask soak`.
pub(crate) const SOAK: &[Stage] = &[BUILD, SOAK_TESTS, MUTANTS];

fn format(workspace: &Workspace) -> Result<(), Failure> {
    workspace.cargo(&["fmt", "--all", "--check"])
}

fn clippy(workspace: &Workspace) -> Result<(), Failure> {
    workspace.cargo(&["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"])
}

/// Advisories are left to people: they need a network that reaches GitHub.
fn dependencies(workspace: &Workspace) -> Result<(), Failure> {
    workspace.cargo(&["deny", "--workspace", "--log-level", "error", "check", "bans", "licenses", "sources"])
}

/// Programs and tests at once, so that both are built with the same features and nothing is built twice.
fn build(workspace: &Workspace) -> Result<(), Failure> {
    workspace.cargo(&["build", "--workspace", "--all-targets"])
}

fn unit_tests(workspace: &Workspace) -> Result<(), Failure> {
    workspace.cargo(&["test", "--workspace", "--lib", "--bins", "--quiet"])
}

fn tests(workspace: &Workspace) -> Result<(), Failure> {
    workspace.cargo(&["nextest", "run", "--workspace"])
}

fn doctests(workspace: &Workspace) -> Result<(), Failure> {
    workspace.cargo(&["test", "--workspace", "--doc", "--quiet"])
}

fn browser(workspace: &Workspace) -> Result<(), Failure> {
    let target = "wasm32-unknown-unknown";
    workspace.cargo(&[
        "build",
        "--package",
        "shroud-attestation",
        "--target",
        target,
        "--no-default-features",
        "--features",
        "portable",
    ])
}

/// Signs over the real processes, and lets another implementation read the result.
fn independent(workspace: &Workspace) -> Result<(), Failure> {
    let script = workspace.path("xtask/python/independent_decode.py");
    let program = workspace.target("debug/shroud-dev");
    workspace.run(python(workspace), &[script, program])
}

/// The tests that are marked as ignored because they run for long, such as a thousand kills.
fn soak_tests(workspace: &Workspace) -> Result<(), Failure> {
    workspace.cargo(&[
        "nextest",
        "run",
        "--package",
        "shroud-tests",
        "--profile",
        "soak",
        "--run-ignored",
        "only",
        "--no-capture",
    ])
}

/// Changes the code of the sans-IO cores and expects their tests to notice.
fn mutants(workspace: &Workspace) -> Result<(), Failure> {
    let output = workspace.target("mutants");
    let output = output.to_string_lossy();
    let mut arguments = vec!["mutants", "--test-tool", "nextest", "--output", &output];
    for package in ["shroud-attestation", "shroud-custody", "shroud-journal", "shroud-policy", "shroud-wire"]
    {
        arguments.extend(["--package", package]);
    }
    workspace.cargo(&arguments)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn quick_names_every_stage_that_it_leaves_out() {
        let name = |stage: &Stage| stage.name;
        let quick: BTreeSet<&str> = QUICK.iter().map(name).collect();
        for missing in FULL.iter().map(name).filter(|name| !quick.contains(name)) {
            let said = LEFT_OUT.iter().any(|text| text.contains(missing));
            assert!(said, "{missing}");
        }
    }

    #[test]
    fn quick_needs_rust_and_a_compiler_alone() {
        assert!(QUICK.iter().flat_map(|stage| stage.needs).all(|tool| *tool == Tool::Compiler));
    }
}
