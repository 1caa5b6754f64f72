//! The processor's socket. Like the device, it answers one request at a time, whoever asks.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use shroud_attestation::Evidence;
use shroud_wire::frame::{self, FrameError};
use shroud_wire::link::{Link, Listener};
use tokio::sync::Semaphore;

use crate::launch::Launch;
use crate::platform::{Platform, PlatformError};
use crate::protocol::{Answer, Request};

/// Guests that may be connected at once.
const CONNECTIONS: usize = 64;

/// A platform that runs one launched guest.
#[derive(Debug)]
pub struct Processor {
    platform: Mutex<Platform>,
    launch: Launch,
}

impl Processor {
    /// A processor whose guest was launched with these measurements.
    #[must_use]
    pub fn new(platform: Platform, launch: Launch) -> Self {
        Self { platform: Mutex::new(platform), launch }
    }

    /// Answers one request.
    #[must_use]
    pub fn answer(&self, request: &Request) -> Answer {
        let Ok(report_data) = <[u8; 64]>::try_from(request.report_data.as_slice()) else {
            let found = request.report_data.len();
            return refused(format!("REPORT_DATA has {found} bytes, expected 64"));
        };
        match self.report(&report_data) {
            Ok(evidence) => {
                Answer { report: evidence.report, certificates: evidence.certificates, refused: None }
            }
            Err(error) => refused(error.to_string()),
        }
    }

    fn report(&self, report_data: &[u8; 64]) -> Result<Evidence, PlatformError> {
        let platform = self.platform.lock().unwrap_or_else(PoisonError::into_inner);
        platform.report(&platform.genuine(&self.launch, report_data))
    }
}

fn refused(why: String) -> Answer {
    Answer { refused: Some(why), ..Answer::default() }
}

/// Serves until the caller drops the future.
pub async fn serve(listener: Listener, processor: Arc<Processor>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok(link) => {
                let processor = Arc::clone(&processor);
                tokio::spawn(async move {
                    if let Err(error) = converse(link, &processor).await {
                        tracing::debug!(%error, "a guest's connection ended");
                    }
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "could not accept");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn converse(mut link: Link, processor: &Processor) -> Result<(), FrameError> {
    loop {
        let request: Request = frame::read(&mut link).await?;
        frame::write(&mut link, &processor.answer(&request)).await?;
    }
}
