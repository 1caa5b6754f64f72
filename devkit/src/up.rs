//! `shroud-dev up`: from an empty folder to a set-up that signs, and then on guard until a signal.
//!
//! Order: files, processor, reference values, gateways, host, enclave, sidecar; ready is what `GET base_url/v1/health`
//! says. A refusal of the enclave before that ends it, in the enclave's own words.

use std::io::{self, Write as _};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use crate::command::Up;
use crate::demo::{self, Story};
use crate::directory::Directory;
use crate::error::{DevError, Tried as _};
use crate::gateways::Gateway;
use crate::programs::Programs;
use crate::role::Role;
use crate::running::Running;
use crate::signals::Signals;
use crate::supervisor::{Event, Supervisor};

mod bring_up;
mod watch;

use bring_up::BringUp;

/// How often the age of the gateways' credentials is looked at.
const RENEWAL_CHECK: Duration = Duration::from_hours(1);

/// Comes up, serves, and stops everything before it returns.
///
/// # Errors
/// Every [`DevError`]: what kept it from coming up, or the step of the story that did not hold.
pub async fn up(options: &Up) -> Result<(), DevError> {
    let mut signals = Signals::listen()?;
    let programs = unless_signalled(&mut signals, Programs::locate()).await?;
    let directory = Directory::open(&options.dir)?;
    let (mut supervisor, events) = Supervisor::new(directory.layout().pids());
    let served = serve(options, &programs, &directory, &mut supervisor, events, &mut signals).await;
    supervisor.stop().await;
    served
}

async fn serve(
    options: &Up,
    programs: &Programs,
    directory: &Directory,
    supervisor: &mut Supervisor,
    mut events: mpsc::Receiver<(Role, Event)>,
    signals: &mut Signals,
) -> Result<(), DevError> {
    let layout = directory.layout();
    let bring_up = BringUp::new(options, programs, layout, supervisor, &mut events);
    let running = unless_signalled(signals, bring_up.run()).await?;
    announce(options, &running)?;
    let gateways = Gateway::all(layout, &programs.of(Role::Gateway(0)));
    let story = async {
        match (options.demo, options.once) {
            (false, true) => Ok(()),
            (false, false) => std::future::pending().await,
            (true, once) => {
                tell(options, &running).await?;
                if once { Ok(()) } else { std::future::pending().await }
            }
        }
    };
    tokio::select! {
        told = story => told,
        () = guard(&mut events, &gateways) => Ok(()),
        () = signals.received() => if options.once { Err(DevError::Stopped) } else { Ok(()) },
    }
}

async fn unless_signalled<T>(
    signals: &mut Signals,
    work: impl Future<Output = Result<T, DevError>>,
) -> Result<T, DevError> {
    tokio::select! {
        done = work => done,
        () = signals.received() => Err(DevError::Stopped),
    }
}

/// The contract's line, or the same for a person.
fn announce(options: &Up, running: &Running) -> Result<(), DevError> {
    let text = if options.json {
        let line = serde_json::to_string(running).tried(|| "encoding the ready line".to_owned())?;
        format!("{line}\n")
    } else {
        format!(
            "Shroud is ready.\n  API          {}\n  attested TLS {}\n  admin key    in {}\n\n",
            running.base_url,
            running.enclave_url,
            options.dir.join("operator.json").display()
        )
    };
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).tried(|| "writing to stdout".to_owned())
}

/// The story goes to stdout, or to stderr where stdout belongs to the JSON line.
async fn tell(options: &Up, running: &Running) -> Result<(), DevError> {
    let mut out: Box<dyn io::Write> =
        if options.json { Box::new(io::stderr()) } else { Box::new(io::stdout()) };
    demo::tell(running, &running.reference, &Story::default(), &mut out).await?;
    if !options.once {
        let served = writeln!(out, "\nServing at {} until Ctrl-C.", running.base_url);
        served.tried(|| "writing to stdout".to_owned())?;
    }
    Ok(())
}

/// Says what ends and starts again, and keeps the gateways' credentials fresh.
async fn guard(events: &mut mpsc::Receiver<(Role, Event)>, gateways: &[Gateway; 3]) {
    let mut renewal = tokio::time::interval(RENEWAL_CHECK);
    renewal.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            event = events.recv() => match event {
                Some((role, event)) => watch::narrate(role, &event),
                None => return,
            },
            _ = renewal.tick() => for gateway in gateways {
                if let Err(error) = gateway.renew_credential().await {
                    tracing::error!(%error, gateway = gateway.name(), "a credential was not renewed");
                }
            },
        }
    }
}
