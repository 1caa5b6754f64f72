//! The gateway's clock. A gateway is trusted for its own timestamps, so its clock never gives a lower time than before.
//!
//! A small step back is held at the newest time that was given; a larger one is refused by name, because a cosignature
//! that repeats an old time for long would free no window and expire no credential.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// A step back that is held rather than refused, in seconds.
const TOLERANCE: u64 = 2;

/// A clock in unix seconds that never runs backwards.
pub struct Clock {
    newest: AtomicU64,
    source: Box<dyn Fn() -> u64 + Send + Sync>,
}

/// The system's clock stands behind a time that was given already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the gateway's clock stands {behind} seconds behind a time that it gave before")]
pub struct ClockBackwards {
    /// Seconds.
    pub behind: u64,
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Clock").field("newest", &self.newest).finish_non_exhaustive()
    }
}

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self::from_source(|| {
            SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs())
        })
    }

    /// A clock that reads unix seconds from `source`.
    #[must_use]
    pub fn from_source(source: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self { newest: AtomicU64::new(0), source: Box::new(source) }
    }

    /// Raises the clock's floor to a time that was given before a restart.
    pub fn not_below(&self, time: u64) {
        self.newest.fetch_max(time, Ordering::SeqCst);
    }

    /// The time, in unix seconds.
    ///
    /// # Errors
    /// [`ClockBackwards`] if the source stands more than two seconds behind a time that was given.
    pub fn now(&self) -> Result<u64, ClockBackwards> {
        let read = (self.source)();
        let newest = self.newest.fetch_max(read, Ordering::SeqCst).max(read);
        match newest.saturating_sub(read) {
            behind if behind > TOLERANCE => Err(ClockBackwards { behind }),
            _ => Ok(newest),
        }
    }

    /// What the source says, for the log alone.
    #[must_use]
    pub fn unchecked(&self) -> u64 {
        (self.source)()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn clock_backwards() {
        let hand = Arc::new(AtomicU64::new(1000));
        let read = Arc::clone(&hand);
        let clock = Clock::from_source(move || read.load(Ordering::SeqCst));
        assert_eq!(clock.now(), Ok(1000));
        hand.store(998, Ordering::SeqCst);
        assert_eq!(clock.now(), Ok(1000));
        hand.store(997, Ordering::SeqCst);
        assert_eq!(clock.now(), Err(ClockBackwards { behind: 3 }));
        clock.not_below(5000);
        hand.store(1001, Ordering::SeqCst);
        assert_eq!(clock.now(), Err(ClockBackwards { behind: 3999 }));
        hand.store(5001, Ordering::SeqCst);
        assert_eq!(clock.now(), Ok(5001));
    }
}
