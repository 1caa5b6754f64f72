//! `shroud-dev`: all of Shroud on one machine, for development.
//!
//! One thread: processes are tied to the thread that forks them (see `shroud_devkit::child`).

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;
use shroud_devkit::command::{Arguments, Command};
use shroud_devkit::{DevError, child, demo, running, up};

fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(io::stderr).without_time().init();
    match Arguments::parse().into_command() {
        Command::Up(options) => {
            let json = options.json;
            finish(on_this_thread(up::up(&options)), json)
        }
        Command::Ps(options) => finish(ps(&options.dir, options.json), options.json),
        Command::Demo(options) => finish(on_this_thread(demo::run(&options)), false),
        Command::Child(options) => match options.command.split_first() {
            Some((program, arguments)) => {
                let error = child::become_program(options.parent, program, arguments);
                finish(
                    Err(DevError::Io { what: format!("starting {}", program.display()), source: error }),
                    false,
                )
            }
            None => ExitCode::FAILURE,
        },
    }
}

fn on_this_thread<T>(work: impl Future<Output = Result<T, DevError>>) -> Result<T, DevError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime =
        runtime.map_err(|source| DevError::Io { what: "starting the runtime".to_owned(), source })?;
    runtime.block_on(work)
}

fn ps(folder: &std::path::Path, json: bool) -> Result<(), DevError> {
    let pids = running::present(folder)?;
    let text = if json { format!("{pids}\n") } else { running::table(&pids) };
    let written = io::stdout().write_all(text.as_bytes());
    written.map_err(|source| DevError::Io { what: "writing to stdout".to_owned(), source })
}

/// Says an error where its reader looks: as the JSON line on stdout, or as a sentence on stderr.
fn finish(outcome: Result<(), DevError>, json: bool) -> ExitCode {
    let Err(error) = outcome else { return ExitCode::SUCCESS };
    // If stdout or stderr is closed, the exit code still says it.
    let _ = if json {
        writeln!(io::stdout(), "{}", error.to_json())
    } else {
        writeln!(io::stderr(), "shroud-dev: {error}")
    };
    ExitCode::FAILURE
}
