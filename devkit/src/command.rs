//! The command line of `shroud-dev`.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::child;
use crate::configuration::KEK_TTL;

/// All of Shroud on one machine, for development.
#[derive(Debug, Parser)]
#[command(name = "shroud-dev", version)]
pub struct Arguments {
    /// Without a subcommand: `up --demo`.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start everything and keep it running until SIGTERM or SIGINT.
    Up(Up),
    /// Print the present pids.
    Ps(Ps),
    /// Tell the story of one intent as a client of a running set-up.
    Demo(Demo),
    /// Become a program that dies with its supervisor.
    #[command(name = child::SUBCOMMAND, hide = true)]
    Child(Child),
}

/// Options of `up`.
#[derive(Debug, Args)]
pub struct Up {
    /// Print one line of JSON when ready, and nothing else on stdout.
    #[arg(long)]
    pub json: bool,
    /// Tell the story of one intent when ready.
    #[arg(long)]
    pub demo: bool,
    /// Stop when ready, or when the story is told.
    #[arg(long)]
    pub once: bool,
    /// Where state is kept.
    #[arg(long, default_value = ".shroud")]
    pub dir: PathBuf,
    /// Where the sidecar listens; port 0 chooses one. Kept for later starts.
    #[arg(long)]
    pub listen: Option<SocketAddr>,
    /// Seconds for which the enclave keeps an unwrapped key-encryption key; 0 asks the clouds each time.
    #[arg(long, value_name = "SECONDS", default_value_t = KEK_TTL)]
    pub kek_ttl: u64,
}

/// Options of `ps`.
#[derive(Debug, Args)]
pub struct Ps {
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Where state is kept.
    #[arg(long, default_value = ".shroud")]
    pub dir: PathBuf,
}

/// Options of `demo`.
#[derive(Debug, Args)]
pub struct Demo {
    /// The line that `up --json` printed.
    #[arg(long, value_name = "FILE")]
    pub up: PathBuf,
    /// Other reference values than those of the line.
    #[arg(long, value_name = "FILE")]
    pub reference: Option<PathBuf>,
    /// The value of the intent, in ether.
    #[arg(long, default_value = crate::demo::VALUE)]
    pub value: String,
    /// Whom the intent pays.
    #[arg(long, default_value = crate::demo::RECIPIENT)]
    pub to: String,
}

/// What `child` becomes.
#[derive(Debug, Args)]
pub struct Child {
    /// The pid of the supervisor.
    #[arg(long)]
    pub parent: u32,
    /// The program and its arguments.
    #[arg(last = true, required = true, num_args = 1..)]
    pub command: Vec<OsString>,
}

impl Arguments {
    /// The command, with the default filled in.
    #[must_use]
    pub fn into_command(self) -> Command {
        self.command.unwrap_or_else(|| {
            Command::Up(Up {
                json: false,
                demo: true,
                once: false,
                dir: ".shroud".into(),
                listen: None,
                kek_ttl: KEK_TTL,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_means_the_demo_that_keeps_serving() {
        let command = Arguments::parse_from(["shroud-dev"]).into_command();
        assert!(matches!(command, Command::Up(Up { demo: true, once: false, json: false, .. })));
    }

    #[test]
    fn the_contract_of_up_parses() {
        let line = "shroud-dev up --json --dir d --listen 127.0.0.1:8200 --kek-ttl 0";
        match Arguments::parse_from(line.split(' ')).into_command() {
            Command::Up(up) => {
                assert_eq!((up.json, up.kek_ttl, up.dir), (true, 0, PathBuf::from("d")));
                assert_eq!(up.listen, Some(([127, 0, 0, 1], 8200).into()));
            }
            other => panic!("{other:?}"),
        }
    }
}
