//! SIGTERM and SIGINT ask for an orderly end.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::{DevError, Tried as _};

/// The signals that end `shroud-dev`.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// From here on the signals no longer kill the process.
    ///
    /// # Errors
    /// [`DevError::Io`].
    pub fn listen() -> Result<Self, DevError> {
        let open = |kind| signal(kind).tried(|| "listening for signals".to_owned());
        Ok(Self { terminate: open(SignalKind::terminate())?, interrupt: open(SignalKind::interrupt())? })
    }

    /// Waits for either.
    pub async fn received(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
