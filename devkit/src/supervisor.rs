//! Keeps processes running: one unit per role, which starts it, listens to what it says, and starts it again when it
//! ends. A process that hangs is left alone: to judge that from outside would be to guess.
//!
//! ```text
//! start(Launch) ─► unit: spawn ─► lines of stdout ─► Event::Said
//!                          └────► exit ──────────► Event::Ended ─► backoff ─► spawn …
//! stop()        ─► front (connect, enclave), then the rest: SIGTERM to the group, SIGKILL where that is not enough
//! ```
//!
//! Everything runs on one thread, the one that forks: the parent-death signal of [`crate::child`] depends on it.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitStatus;

use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::role::Role;

mod backoff;
mod pids;
mod process;

pub use backoff::Backoff;
pub use pids::Pids;

use process::Process;

/// How many events may wait to be read before units pause.
const EVENTS: usize = 1024;

/// How to start a role.
#[derive(Clone, Debug)]
pub struct Launch {
    /// Which one.
    pub role: Role,
    /// The path of `shroud-dev`, which ties the process to this one.
    pub own: PathBuf,
    /// The program.
    pub program: PathBuf,
    /// Its arguments. Never a secret: anyone on the machine can read them.
    pub arguments: Vec<OsString>,
    /// Where its stderr goes.
    pub log: PathBuf,
}

/// What happened to a process.
#[derive(Debug)]
pub enum Event {
    /// It was started, with this pid.
    Started(u32),
    /// It said a line of JSON on stdout.
    Said(Value),
    /// It ended; `None` if it could not even be started.
    Ended(Option<ExitStatus>),
}

/// Supervises processes until it is stopped. If it is dropped instead, the kernel kills them when this thread ends.
#[derive(Debug)]
pub struct Supervisor {
    pids: Pids,
    sender: mpsc::Sender<(Role, Event)>,
    units: HashMap<Role, Unit>,
}

#[derive(Debug)]
struct Unit {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Supervisor {
    /// An empty supervisor that keeps the present pids in the file `pids`, and the events of what it will start.
    #[must_use]
    pub fn new(pids: PathBuf) -> (Self, mpsc::Receiver<(Role, Event)>) {
        let (sender, events) = mpsc::channel(EVENTS);
        (Self { pids: Pids::new(pids), sender, units: HashMap::new() }, events)
    }

    /// Starts a role and keeps it running. A role that is started already is left alone.
    pub fn start(&mut self, launch: Launch) {
        let role = launch.role;
        let (sender, pids) = (self.sender.clone(), self.pids.clone());
        self.units.entry(role).or_insert_with(|| {
            let (stop, stopped) = watch::channel(false);
            Unit { stop, task: tokio::spawn(keep(launch, pids, sender, stopped)) }
        });
    }

    /// The present pids.
    #[must_use]
    pub fn pids(&self) -> &Pids {
        &self.pids
    }

    /// Stops everything, front first, within eight seconds.
    pub async fn stop(mut self) {
        for roles in [&[Role::Connect, Role::Enclave][..], &Role::ALL] {
            let units: Vec<Unit> = roles.iter().filter_map(|role| self.units.remove(role)).collect();
            for unit in &units {
                // A unit that has ended already needs no word.
                let _ = unit.stop.send(true);
            }
            for unit in units {
                if unit.task.await.is_err() {
                    tracing::error!("a unit of the supervisor failed");
                }
            }
        }
    }
}

/// Runs one role until it is told to stop.
async fn keep(
    launch: Launch,
    pids: Pids,
    sender: mpsc::Sender<(Role, Event)>,
    mut stopped: watch::Receiver<bool>,
) {
    let mut backoff = Backoff::default();
    loop {
        let ended = match Process::spawn(&launch) {
            Ok(process) => {
                process.became_program(&launch.own).await;
                pids.set(launch.role, Some(process.pid()));
                report(&sender, launch.role, Event::Started(process.pid())).await;
                let Some(ended) = attend(process, &launch, &sender, &mut stopped, &mut backoff).await else {
                    return;
                };
                Some(ended)
            }
            Err(error) => {
                tracing::error!(role = %launch.role, %error, "cannot start");
                None
            }
        };
        pids.set(launch.role, None);
        report(&sender, launch.role, Event::Ended(ended)).await;
        tokio::select! {
            () = tokio::time::sleep(backoff.pause()) => {}
            _ = stopped.wait_for(|stop| *stop) => return,
        }
    }
}

/// Passes on what a process says, until it ends or is told to stop; then `None`.
async fn attend(
    mut process: Process,
    launch: &Launch,
    sender: &mpsc::Sender<(Role, Event)>,
    stopped: &mut watch::Receiver<bool>,
    backoff: &mut Backoff,
) -> Option<ExitStatus> {
    let listening = async {
        while let Some(said) = process.line().await {
            if said["event"] == "ready" {
                backoff.held();
            }
            report(sender, launch.role, Event::Said(said)).await;
        }
        process.ended().await
    };
    tokio::select! {
        status = listening => return Some(status),
        _ = stopped.wait_for(|stop| *stop) => {}
    }
    process.terminate().await;
    None
}

async fn report(sender: &mpsc::Sender<(Role, Event)>, role: Role, event: Event) {
    // Nobody listens any more only when everything is about to stop.
    let _ = sender.send((role, event)).await;
}
