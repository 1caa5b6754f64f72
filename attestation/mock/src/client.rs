//! What a guest calls: report requests over the processor's socket.
//!
//! The guest trusts the answer no more than any other bytes: whoever verifies the evidence decides.

use std::path::Path;
use std::time::Duration;

use shroud_attestation::Evidence;
use shroud_wire::frame::{self, FrameError};
use shroud_wire::limits;
use shroud_wire::link::{Address, Link};
use tokio::sync::Mutex;

use crate::protocol::{Answer, Request};

/// How long one report may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The socket cannot be reached.
    #[error("the security processor at {address} cannot be reached: {source}")]
    Connect {
        /// Which socket.
        address: Address,
        /// What the system says.
        source: std::io::Error,
    },
    /// The socket failed, twice in a row.
    #[error("the security processor's socket failed: {0}")]
    Link(#[from] FrameError),
    /// No answer came in time.
    #[error("the security processor did not answer within {} s", PATIENCE.as_secs())]
    Slow,
    /// The processor refused.
    #[error("the security processor refused: {0}")]
    Refused(String),
    /// The answer is larger than evidence can be.
    #[error("the security processor answered {0} bytes, at most {limit} are accepted", limit = limits::EVIDENCE)]
    TooLong(usize),
}

/// A connection to the security processor, which reconnects where the processor was restarted.
#[derive(Debug)]
pub struct Client {
    address: Address,
    link: Mutex<Option<Link>>,
}

impl Client {
    /// Connects to the socket at `path`.
    ///
    /// # Errors
    /// [`ClientError::Connect`].
    pub async fn connect(path: &Path) -> Result<Self, ClientError> {
        let address = Address::Unix(path.to_owned());
        let link = dial(&address).await?;
        Ok(Self { address, link: Mutex::new(Some(link)) })
    }

    /// Asks for a report that carries `report_data`. Callers wait for each other. A request is tried on one new
    /// connection where the old one fails: asking twice has no effect beyond a second report.
    ///
    /// # Errors
    /// Every [`ClientError`].
    pub async fn report(&self, report_data: &[u8; 64]) -> Result<Evidence, ClientError> {
        let mut held = self.link.lock().await;
        let asked = async {
            if let Some(link) = held.as_mut()
                && let Ok(answer) = ask(link, report_data).await
            {
                return Ok(answer);
            }
            *held = None;
            let mut link = dial(&self.address).await?;
            let answer = ask(&mut link, report_data).await?;
            *held = Some(link);
            Ok::<_, ClientError>(answer)
        };
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(answer) => evidence(answer?),
            Err(_) => {
                // A late answer must not be taken for the next request's.
                *held = None;
                Err(ClientError::Slow)
            }
        }
    }
}

async fn dial(address: &Address) -> Result<Link, ClientError> {
    let connected = Link::connect(address).await;
    connected.map_err(|source| ClientError::Connect { address: address.clone(), source })
}

async fn ask(link: &mut Link, report_data: &[u8; 64]) -> Result<Answer, FrameError> {
    frame::write(link, &Request { report_data: report_data.to_vec() }).await?;
    frame::read(link).await
}

fn evidence(answer: Answer) -> Result<Evidence, ClientError> {
    if let Some(why) = answer.refused {
        return Err(ClientError::Refused(why));
    }
    let found = answer.report.len().max(answer.certificates.len());
    if found > limits::EVIDENCE {
        return Err(ClientError::TooLong(found));
    }
    Ok(Evidence { report: answer.report, certificates: answer.certificates })
}
