//! Time as a quorum of witnesses tells it, which is the only time that Shroud knows.
//!
//! A quorum's cosignatures give a lowest and a highest time. Windows free by the lowest, credentials expire by the highest,
//! so no minority can stretch a budget or a credential. As long as one member of the quorum is honest, the lowest is not
//! ahead of its clock and the highest not behind it.

use std::time::Duration;

/// What a quorum's cosignatures say the time is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuorumTime {
    lowest: u64,
    highest: u64,
}

/// Why a quorum's times cannot be used: nothing may be signed by them.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum ClockError {
    /// Fewer times than the quorum needs.
    #[error("{have} times where a quorum of {need} is needed")]
    Few {
        /// How many there are.
        have: usize,
        /// How many are needed.
        need: usize,
    },
    /// The witnesses' clocks are too far apart.
    #[error("clock_apart: the witnesses' clocks are {lowest} and {highest}, more than {bound} s apart")]
    Apart {
        /// The lowest of them.
        lowest: u64,
        /// The highest of them.
        highest: u64,
        /// The bound, in seconds.
        bound: u64,
    },
    /// Time ran backwards.
    #[error("clock_backwards: the quorum says {found}, {known} was already witnessed")]
    Backwards {
        /// The highest time that the quorum gives now.
        found: u64,
        /// The lowest time that a quorum gave before.
        known: u64,
    },
    /// The witnesses' time and the guest's own count of seconds differ by too much.
    #[error("clock_leap: the witnesses went {witnessed} s ahead while {elapsed} s passed here")]
    Leap {
        /// Seconds between the two quorums.
        witnessed: u64,
        /// Seconds that passed by the caller's monotonic clock.
        elapsed: u64,
    },
}

impl ClockError {
    /// The name to act on and to show: `clock_backwards`, `clock_apart`, `clock_leap`, `clock_quorum`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Few { .. } => "clock_quorum",
            Self::Apart { .. } => "clock_apart",
            Self::Backwards { .. } => "clock_backwards",
            Self::Leap { .. } => "clock_leap",
        }
    }
}

impl QuorumTime {
    /// How far apart the clocks of one quorum may be, in seconds.
    pub const BOUND: u64 = 300;

    /// Judges the times that distinct witnesses gave, of which `need` make a quorum.
    ///
    /// Where clocks are too far apart, the largest group within [`QuorumTime::BOUND`] counts, if it is a quorum: a few
    /// wild clocks among more than a quorum stop nothing.
    ///
    /// # Errors
    /// [`ClockError::Few`], [`ClockError::Apart`].
    pub fn new(times: &[u64], need: usize) -> Result<Self, ClockError> {
        let few = ClockError::Few { have: times.len(), need };
        if times.len() < need {
            return Err(few);
        }
        let mut sorted = times.to_vec();
        sorted.sort_unstable();
        let (Some(first), Some(last)) = (sorted.first(), sorted.last()) else { return Err(few) };
        let apart = ClockError::Apart { lowest: *first, highest: *last, bound: Self::BOUND };
        let groups = sorted.iter().enumerate().map(|(start, lowest)| {
            let end = sorted.partition_point(|time| time - lowest.min(time) <= Self::BOUND);
            (end - start, core::cmp::Reverse(*lowest), sorted.get(end - 1).copied().unwrap_or(*lowest))
        });
        let (count, core::cmp::Reverse(lowest), highest) = groups.max().ok_or(few)?;
        if count < need { Err(apart) } else { Ok(Self { lowest, highest }) }
    }

    /// The time at boot, when the newest entry carries `recorded`, a highest time of its own day.
    ///
    /// # Errors
    /// [`ClockError::Backwards`] if the quorum is further behind the entry than clocks may be apart.
    pub fn recorded(self, recorded: u64) -> Result<Self, ClockError> {
        if self.highest.saturating_add(Self::BOUND) < recorded {
            return Err(ClockError::Backwards { found: self.highest, known: recorded });
        }
        Ok(Self { highest: self.highest.max(recorded), ..self })
    }

    /// The time after `self`, when a later quorum says `next` and `elapsed` passed by the guest's monotonic clock.
    ///
    /// Quorums of different witnesses may differ by the bound without time having moved; what was witnessed stays
    /// witnessed, so neither end ever falls. Without `elapsed` (at boot, which spans a time that nobody counted) a leap
    /// ahead is taken as it is.
    ///
    /// # Errors
    /// [`ClockError::Backwards`], [`ClockError::Leap`].
    pub fn advance(self, next: Self, elapsed: Option<Duration>) -> Result<Self, ClockError> {
        if next.highest < self.lowest {
            return Err(ClockError::Backwards { found: next.highest, known: self.lowest });
        }
        if let Some(elapsed) = elapsed.map(|elapsed| elapsed.as_secs()) {
            let witnessed = next.lowest.saturating_sub(self.highest);
            if witnessed > elapsed.saturating_add(Self::BOUND) {
                return Err(ClockError::Leap { witnessed, elapsed });
            }
        }
        Ok(Self { lowest: self.lowest.max(next.lowest), highest: self.highest.max(next.highest) })
    }

    /// The lowest: windows free by it.
    #[must_use]
    pub fn lowest(&self) -> u64 {
        self.lowest
    }

    /// The highest: credentials expire by it, and entries carry it.
    #[must_use]
    pub fn highest(&self) -> u64 {
        self.highest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lowest_and_highest_of_a_quorum() {
        let time = QuorumTime::new(&[105, 100, 103], 2).unwrap();
        assert_eq!((time.lowest(), time.highest()), (100, 105));
    }

    #[test]
    fn too_few_times_are_refused() {
        assert_eq!(QuorumTime::new(&[100], 2), Err(ClockError::Few { have: 1, need: 2 }));
        assert_eq!(QuorumTime::new(&[], 0), Err(ClockError::Few { have: 0, need: 0 }));
    }

    #[test]
    fn clocks_too_far_apart_are_refused() {
        assert!(QuorumTime::new(&[1000, 1300], 2).is_ok());
        let apart = ClockError::Apart { lowest: 1000, highest: 1301, bound: 300 };
        assert_eq!(QuorumTime::new(&[1301, 1000], 2), Err(apart));
        assert_eq!(apart.name(), "clock_apart");
    }

    #[test]
    fn a_wild_clock_beyond_the_quorum_stops_nothing() {
        for wild in [5, 90_000] {
            let time = QuorumTime::new(&[1000, wild, 1010, 1005], 3).unwrap();
            assert_eq!((time.lowest(), time.highest()), (1000, 1010));
            assert!(matches!(QuorumTime::new(&[1000, wild, 1010], 3), Err(ClockError::Apart { .. })));
        }
    }

    #[test]
    fn clock_backwards_at_boot_is_refused() {
        let time = QuorumTime::new(&[1000, 1010], 2).unwrap();
        assert_eq!(time.recorded(900), Ok(time));
        assert_eq!(time.recorded(1310).map(|time| (time.lowest(), time.highest())), Ok((1000, 1310)));
        assert_eq!(time.recorded(1311), Err(ClockError::Backwards { found: 1010, known: 1311 }));
    }

    #[test]
    fn clock_backwards_is_refused() {
        let known = QuorumTime::new(&[1000, 1010], 2).unwrap();
        let back = QuorumTime::new(&[990, 999], 2).unwrap();
        let error = known.advance(back, None).unwrap_err();
        assert_eq!(error, ClockError::Backwards { found: 999, known: 1000 });
        assert_eq!(error.name(), "clock_backwards");
    }

    #[test]
    fn other_witnesses_within_the_bound_move_nothing_back() {
        let known = QuorumTime::new(&[1000, 1010], 2).unwrap();
        let skewed = QuorumTime::new(&[995, 1001], 2).unwrap();
        assert_eq!(known.advance(skewed, Some(Duration::ZERO)), Ok(known));
    }

    #[test]
    fn a_leap_that_nobody_lived_through_is_refused() {
        let known = QuorumTime::new(&[1000, 1010], 2).unwrap();
        let leap = QuorumTime::new(&[90_000, 90_001], 2).unwrap();
        let error = known.advance(leap, Some(Duration::from_secs(10))).unwrap_err();
        assert_eq!(error, ClockError::Leap { witnessed: 88_990, elapsed: 10 });
        assert_eq!(known.advance(leap, Some(Duration::from_secs(88_990))), Ok(leap));
        assert_eq!(known.advance(leap, None), Ok(leap));
    }
}
