//! `cargo xtask`: the project's own commands. CI calls `test` and nothing else.
//!
//! | command | what it does |
//! |---|---|
//! | `test` | everything that must hold before a change is taken |
//! | `test --quick` | what needs Rust alone and a quarter of an hour; says what it leaves out |
//! | `lint` | form, lints and dependencies |
//! | `soak` | what is too long for CI |

mod plan;
mod stages;
mod times;
mod tool;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::plan::Plan;
use crate::workspace::{Failure, Workspace};

#[derive(Parser)]
#[command(name = "xtask", about = "The project's own commands")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check everything; first say what will be installed and how long each stage took last time.
    Test {
        /// Only what needs Rust alone and at most fifteen minutes.
        #[arg(long)]
        quick: bool,
    },
    /// Form, lints and dependencies.
    Lint,
    /// What is too long for CI: tests marked as ignored, and mutants.
    Soak,
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), Failure> {
    let plan = match command {
        Command::Test { quick: false } => Plan::new(stages::FULL, &[]),
        Command::Test { quick: true } => Plan::new(stages::QUICK, stages::LEFT_OUT),
        Command::Lint => Plan::new(stages::LINT, &[]),
        Command::Soak => Plan::new(stages::SOAK, &[]),
    };
    plan.run(&Workspace::find()?)
}
