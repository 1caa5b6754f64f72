//! Time, as the witnesses attest it (DESIGN §7).
//!
//! The guest's own clock is the host's to turn, so it counts for nothing once witnesses have spoken: windows free by the
//! lowest timestamp of a quorum, credentials expire by the highest. Before the first word of a quorum only gateways'
//! TLS credentials are judged, by the machine's clock, which can at worst delay the boot or accept a credential whose
//! key its gateway has retired.

use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use shroud_journal::{ClockError, QuorumTime};

/// The newest witnessed time.
#[derive(Debug, Default)]
pub(crate) struct Clock(RwLock<Option<(QuorumTime, Instant)>>);

impl Clock {
    /// Takes over what a quorum said. Neither end ever falls.
    ///
    /// # Errors
    /// [`ClockError`] if it ran backwards or leapt; the time then stays as it was, and nothing becomes durable by it.
    pub(crate) fn witness(&self, next: QuorumTime) -> Result<(), ClockError> {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let time = match *known {
            Some((time, at)) => time.advance(next, Some(at.elapsed()))?,
            None => next,
        };
        *known = Some((time, Instant::now()));
        Ok(())
    }

    /// How long ago a quorum last spoke, by this guest's monotonic clock; for ever if none has.
    #[must_use]
    pub(crate) fn age(&self) -> Duration {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.map_or(Duration::MAX, |(_, at)| at.elapsed())
    }

    fn known(&self) -> Option<QuorumTime> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).map(|(time, _)| time)
    }

    /// What spend windows go by, unix seconds; 0 before the first quorum.
    #[must_use]
    pub(crate) fn windows(&self) -> u64 {
        self.known().map_or(0, |time| time.lowest())
    }

    /// What credentials expire by and entries carry, unix seconds.
    #[must_use]
    pub(crate) fn credentials(&self) -> u64 {
        match self.known() {
            Some(time) => time.highest(),
            None => SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
        }
    }
}
