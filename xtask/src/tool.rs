//! What stages need beyond a Rust toolchain, and how it is installed: into cargo's, rustup's or our target folder. Only
//! system packages need root; without it, the one line that installs them is said.

use std::collections::BTreeSet;
use std::env;
use std::path::Path;
use std::process::Command;

use crate::workspace::{Failure, Workspace, execute};

/// What may have to be installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tool {
    /// A C compiler, for aws-lc and SQLite.
    Compiler,
    /// Python with virtual environments.
    Python,
    /// The runner of the tests.
    Nextest,
    /// The checker of dependencies.
    Deny,
    /// The maker of mutants.
    Mutants,
    /// The standard library for browsers.
    Wasm,
    /// Independent implementations from PyPI.
    PythonPackages,
}

/// The packages from PyPI, by requirement.
const PYTHON_PACKAGES: &[&str] = &["eth-account>=0.13,<0.15"];

impl Tool {
    /// What a person reads before it is installed.
    pub(crate) fn describe(self) -> &'static str {
        match self {
            Self::Compiler => "a C compiler (Debian package gcc)",
            Self::Python => "Python with venv (Debian packages python3, python3-venv)",
            Self::Nextest => "cargo-nextest (cargo install; some minutes once)",
            Self::Deny => "cargo-deny (cargo install; some minutes once)",
            Self::Mutants => "cargo-mutants (cargo install; some minutes once)",
            Self::Wasm => "the standard library for wasm32-unknown-unknown (rustup)",
            Self::PythonPackages => "PyPI eth-account, into target/venv",
        }
    }

    /// Whether it is there.
    pub(crate) fn is_present(self, workspace: &Workspace) -> bool {
        match self {
            Self::Compiler => workspace.succeeds("cc", &["--version"]),
            Self::Python => workspace.succeeds("python3", &["-c", "import ensurepip, venv"]),
            Self::Nextest => workspace.succeeds("cargo", &["nextest", "--version"]),
            Self::Deny => workspace.succeeds("cargo", &["deny", "--version"]),
            Self::Mutants => workspace.succeeds("cargo", &["mutants", "--version"]),
            Self::Wasm => {
                let installed = workspace.said("rustup", &["target", "list", "--installed"]);
                installed.is_some_and(|found| found.lines().any(|line| line == "wasm32-unknown-unknown"))
            }
            Self::PythonPackages => python(workspace)
                .to_str()
                .is_some_and(|python| workspace.succeeds(python, &["-c", "import eth_account"])),
        }
    }

    fn packages(self) -> &'static [&'static str] {
        match self {
            Self::Compiler => &["gcc", "libc6-dev"],
            Self::Python => &["python3", "python3-venv"],
            _ => &[],
        }
    }

    fn install(self, workspace: &Workspace) -> Result<(), Failure> {
        match self {
            Self::Compiler | Self::Python => Ok(()),
            Self::Nextest => cargo_install("cargo-nextest"),
            Self::Deny => cargo_install("cargo-deny"),
            Self::Mutants => cargo_install("cargo-mutants"),
            Self::Wasm => workspace.run("rustup", &["target", "add", "wasm32-unknown-unknown"]),
            Self::PythonPackages => {
                workspace.run(
                    "python3",
                    &["-m".as_ref(), "venv".as_ref(), workspace.target("venv").as_os_str()],
                )?;
                let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
                workspace.run(python(workspace), &[&pip, PYTHON_PACKAGES].concat())
            }
        }
    }
}

/// The interpreter that has the packages from PyPI.
pub(crate) fn python(workspace: &Workspace) -> std::path::PathBuf {
    workspace.target("venv/bin/python")
}

/// Installs everything that is missing, system packages first.
pub(crate) fn install(workspace: &Workspace, missing: &BTreeSet<Tool>) -> Result<(), Failure> {
    let packages: Vec<&str> = missing.iter().flat_map(|tool| tool.packages()).copied().collect();
    if !packages.is_empty() {
        install_packages(workspace, &packages)?;
    }
    missing.iter().try_for_each(|tool| tool.install(workspace))
}

fn install_packages(workspace: &Workspace, packages: &[&str]) -> Result<(), Failure> {
    let debian = Path::new("/etc/debian_version").exists();
    let root = workspace.said("id", &["-u"]).is_some_and(|id| id.trim() == "0");
    if !(debian && root) {
        return Err(Failure::Packages(format!("apt-get install --yes {}", packages.join(" "))));
    }
    workspace.run("apt-get", &["update", "--quiet"])?;
    workspace.run("apt-get", &[&["install", "--yes", "--no-install-recommends"], packages].concat())
}

/// Builds a tool from crates.io. It is used for minutes, so it is compiled fast rather than made fast.
fn cargo_install(name: &str) -> Result<(), Failure> {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["install", "--locked", "--quiet", name]).current_dir(env::temp_dir());
    for (setting, value) in [("OPT_LEVEL", "1"), ("LTO", "off"), ("CODEGEN_UNITS", "16"), ("DEBUG", "0")] {
        command.env(format!("CARGO_PROFILE_RELEASE_{setting}"), value);
    }
    execute(command)
}
