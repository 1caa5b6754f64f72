//! A list of stages: says first what it will do, then does it, and stops at the first stage that fails.

use std::collections::BTreeSet;
use std::time::Instant;

use crate::times::{Times, shown};
use crate::tool::{self, Tool};
use crate::workspace::{Failure, Workspace};

/// One stage.
#[derive(Clone, Copy)]
pub(crate) struct Stage {
    /// Its name, the same in every command.
    pub(crate) name: &'static str,
    /// What it needs beyond a Rust toolchain.
    pub(crate) needs: &'static [Tool],
    /// What it does.
    pub(crate) work: fn(&Workspace) -> Result<(), Failure>,
}

/// The stages of one command.
pub(crate) struct Plan {
    stages: &'static [Stage],
    left_out: &'static [&'static str],
}

impl Plan {
    pub(crate) fn new(stages: &'static [Stage], left_out: &'static [&'static str]) -> Self {
        Self { stages, left_out }
    }

    /// Announces, installs, runs.
    pub(crate) fn run(&self, workspace: &Workspace) -> Result<(), Failure> {
        let mut times = Times::open(workspace);
        let missing = self.missing(workspace);
        self.announce(&times, &missing);
        tool::install(workspace, &missing)?;
        let began = Instant::now();
        for stage in self.stages {
            println!("\n== {}", stage.name);
            let began = Instant::now();
            (stage.work)(workspace)
                .map_err(|cause| Failure::Stage { stage: stage.name, cause: Box::new(cause) })?;
            times.remember(stage.name, began.elapsed());
            println!("== {} took {}", stage.name, shown(began.elapsed()));
        }
        println!("\nEverything holds, after {}.", shown(began.elapsed()));
        self.say_what_is_left_out();
        Ok(())
    }

    fn missing(&self, workspace: &Workspace) -> BTreeSet<Tool> {
        let needed: BTreeSet<Tool> = self.stages.iter().flat_map(|stage| stage.needs).copied().collect();
        needed.into_iter().filter(|tool| !tool.is_present(workspace)).collect()
    }

    fn announce(&self, times: &Times, missing: &BTreeSet<Tool>) {
        if missing.is_empty() {
            println!("Nothing needs to be installed.");
        } else {
            println!("Will be installed first:");
            missing.iter().for_each(|tool| println!("  {}", tool.describe()));
        }
        println!("Stages, and how long each took last time:");
        for stage in self.stages {
            println!("  {:<22}{:>7}", stage.name, times.of(stage.name).map_or("-".to_owned(), shown));
        }
        self.say_what_is_left_out();
    }

    fn say_what_is_left_out(&self) {
        if !self.left_out.is_empty() {
            println!("Left out: {}.", self.left_out.join("; "));
        }
    }
}
