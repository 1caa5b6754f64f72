//! `shroud tcb plan OLD NEW`: whom a change of the platform policy would refuse, before it refuses anybody.
//!
//! Exit status: 0 nobody who was admitted would be refused, 1 somebody would, 2 usage.

mod policy;

pub(crate) use policy::read as platform_policy;

use std::path::PathBuf;
use std::process::ExitCode;
use std::{fmt, fs};

use clap::{Args, Subcommand};
use shroud_attestation::plan::{Change, Known, plan};
use shroud_attestation::report::NonCanonical;
use shroud_attestation::{Product, Report};

/// What to do with TCB bounds.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show whom a change of the platform policy would refuse.
    Plan(PlanArguments),
}

/// Show whom a change of the platform policy would refuse.
#[derive(Debug, Args)]
pub struct PlanArguments {
    /// The policy in force: a reference-values file, or a platform policy in TOML or JSON.
    pub old: PathBuf,
    /// The policy that is planned, in any of these forms.
    pub new: PathBuf,
    /// A report of a machine that is known; once for each.
    #[arg(long = "report", value_name = "FILE", required = true)]
    pub reports: Vec<PathBuf>,
    /// The processor of reports of version 2, which do not name it.
    #[arg(long, value_name = "NAME", value_parser = product)]
    pub product: Option<Product>,
}

/// Why a plan cannot be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlanError {
    #[error("{0}: {1}")]
    File(String, std::io::Error),
    #[error("{0} is no platform policy: {1}")]
    Policy(String, String),
    #[error("{0} is no canonical report: {1}")]
    Report(String, Problems),
}

#[derive(Debug)]
pub(crate) struct Problems(Vec<NonCanonical>);

impl Command {
    /// Runs, prints to standard output, and says how it went.
    #[must_use]
    pub fn run(self) -> ExitCode {
        let Self::Plan(arguments) = self;
        match run(&arguments) {
            Ok(nobody) => ExitCode::from(u8::from(!nobody)),
            Err(error) => {
                eprintln!("error: {error}");
                ExitCode::from(2)
            }
        }
    }
}

fn run(arguments: &PlanArguments) -> Result<bool, PlanError> {
    let (old, new) = (policy::read(&arguments.old)?, policy::read(&arguments.new)?);
    let known = arguments.reports.iter().map(|path| known(path, arguments.product));
    let known: Vec<Known> = known.collect::<Result<_, _>>()?;
    let changes = plan(&old, &new, &known);
    for (machine, change) in &changes {
        print(machine, change);
    }
    let refused = changes.iter().filter(|(_, change)| matches!(change, Change::Refused(_))).count();
    println!("\n{refused} of {} would be refused that are admitted now", changes.len());
    Ok(refused == 0)
}

fn known(path: &PathBuf, product: Option<Product>) -> Result<Known, PlanError> {
    let name = path.display().to_string();
    let bytes = fs::read(path).map_err(|error| PlanError::File(name.clone(), error))?;
    let report =
        Report::parse(&bytes).map_err(|problems| PlanError::Report(name.clone(), Problems(problems)))?;
    Ok(Known { name, product: report.product().or(product), report })
}

fn print(machine: &Known, change: &Change) {
    let (words, why) = match change {
        Change::Admitted => ("admitted", &[][..]),
        Change::NewlyAdmitted => ("newly admitted", &[][..]),
        Change::Refused(why) => ("WOULD BE REFUSED", why.as_slice()),
        Change::StillRefused(why) => ("still refused", why.as_slice()),
    };
    let product = machine.product.map_or("unknown processor", Product::name);
    println!("{words:17} {} ({product})", machine.name);
    for rejection in why {
        println!("{:17} {rejection}", "");
    }
}

fn product(name: &str) -> Result<Product, String> {
    [Product::Milan, Product::Genoa, Product::Turin]
        .into_iter()
        .find(|product| product.name().eq_ignore_ascii_case(name))
        .ok_or_else(|| "expected milan, genoa or turin".into())
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
    }
}
