//! Spend windows: what each agent moved of each asset in the last 24 hours, exact to the second.
//!
//! A spend at second `t` counts at every `now` below `t + 86,400`, and no longer at `t + 86,400`. A window keeps one step
//! per second in which something was spent: the second, and the running totals up to and with it. What lies between two
//! steps is the difference of their totals, so a preview costs two binary searches. The running amount is taken modulo
//! 2^256; differences are exact nevertheless, because a spend that would bring the sum of all kept steps to 2^256 or
//! more is refused.
//!
//! Entries carry the highest time of a quorum while windows are judged by the lowest; steps are kept [`LATENESS`] longer
//! than a window, so that the lowest may lag.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;

use ruint::aliases::U256;

use crate::entry::{Entry, Spend};

/// The length of a window, in seconds.
pub const DAY: u64 = 86_400;
/// How far `now` may lie behind the newest entry, in seconds.
pub const LATENESS: u64 = 3_600;

/// What counts at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// The sum over the last 24 hours.
    pub amount: U256,
    /// How many spends that are.
    pub count: u64,
    /// The sum since the UTC day of the moment began, spends that are ahead of the moment included.
    pub day_amount: U256,
    /// How many spends that are.
    pub day_count: u64,
    /// When the oldest spend that counts leaves the 24 hours: Unix seconds; `None` if nothing counts.
    pub frees_at: Option<u64>,
}

/// Why something cannot be spent, or previewed.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum SpendError {
    /// The sum would not fit 256 bits.
    #[error("what {agent:?} spends of {asset:?} leaves 256 bits")]
    Overflow {
        /// The agent.
        agent: String,
        /// The asset.
        asset: String,
    },
    /// The moment lies so far back that its window is no longer known.
    #[error("clock_backwards: a window at {now}, entries reach {known}")]
    ClockBackwards {
        /// The moment.
        now: u64,
        /// The newest entry's time.
        known: u64,
    },
}

/// The running totals after everything of one second.
#[derive(Clone, Copy, Debug, Default)]
struct Step {
    time: u64,
    amount: U256,
    count: u64,
}

#[derive(Clone, Debug, Default)]
struct Window {
    /// The totals before the first step that is kept.
    before: Step,
    steps: VecDeque<Step>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Windows {
    windows: BTreeMap<Box<str>, Window>,
    /// Where the sweep for windows that ended has got to.
    swept: Box<str>,
}

/// Agent and asset hold no control characters, so the newline sets them apart.
fn name(agent: &str, asset: &str) -> String {
    format!("{agent}\n{asset}")
}

impl Windows {
    pub(super) fn spent(&self, agent: &str, asset: &str, now: u64) -> Spent {
        self.windows.get(name(agent, asset).as_str()).map(|window| window.spent(now)).unwrap_or_default()
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.windows.len()
    }

    pub(super) fn frees_at(&self, agent: &str, asset: &str, now: u64, amount: U256) -> Option<u64> {
        self.windows.get(name(agent, asset).as_str())?.frees_at(now, amount)
    }

    /// Whether every sum stays within 256 bits, the entry's own spends of one asset added up.
    pub(super) fn fits(&self, entry: &Entry) -> Result<(), SpendError> {
        let mut sums: BTreeMap<String, U256> = BTreeMap::new();
        entry.spends.iter().try_for_each(|spend| {
            let name = name(&spend.agent, &spend.asset);
            let kept =
                || self.windows.get(name.as_str()).map(|window| window.kept(entry.time)).unwrap_or_default();
            let sum = sums.get(&name).copied().unwrap_or_else(kept);
            let sum = sum.checked_add(U256::from_be_bytes(spend.amount)).ok_or_else(|| {
                SpendError::Overflow { agent: spend.agent.clone(), asset: spend.asset.clone() }
            })?;
            sums.insert(name, sum);
            Ok(())
        })
    }

    /// Takes the spends of an entry that [`Windows::fits`].
    pub(super) fn spend(&mut self, entry: &Entry) {
        for spend in &entry.spends {
            let window = self.windows.entry(name(&spend.agent, &spend.asset).into()).or_default();
            window.spend(entry.time, spend);
            self.sweep(entry.time);
        }
    }

    /// Looks at one further window and drops it if it ended: windows that are never spent from again do not pile up.
    fn sweep(&mut self, time: u64) {
        let after = (Bound::Excluded(self.swept.as_ref()), Bound::Unbounded);
        let next = self.windows.range_mut::<str, _>(after).next().map(|(name, window)| {
            window.forget(time);
            (name.clone(), window.steps.is_empty())
        });
        match next {
            Some((name, ended)) => {
                if ended {
                    self.windows.remove(&name);
                }
                self.swept = name;
            }
            None => self.swept = Box::default(),
        }
    }
}

impl Window {
    /// The totals up to and with the second `time`.
    fn until(&self, time: u64) -> Step {
        let after = self.steps.partition_point(|step| step.time <= time);
        after.checked_sub(1).and_then(|last| self.steps.get(last)).copied().unwrap_or(self.before)
    }

    fn newest(&self) -> Step {
        self.steps.back().copied().unwrap_or(self.before)
    }

    /// What was spent after the second `time`; everything that is kept if `time` is before all of it.
    fn after(&self, time: Option<u64>) -> (U256, u64) {
        let (newest, start) = (self.newest(), time.map_or(self.before, |time| self.until(time)));
        (newest.amount.wrapping_sub(start.amount), newest.count - start.count)
    }

    fn spent(&self, now: u64) -> Spent {
        let expired = now.checked_sub(DAY);
        let (amount, count) = self.after(expired);
        let (day_amount, day_count) = self.after((now - now % DAY).checked_sub(1));
        let first = self.steps.partition_point(|step| expired.is_some_and(|expired| step.time <= expired));
        let frees_at = self.steps.get(first).map(|step| step.time.saturating_add(DAY));
        Spent { amount, count, day_amount, day_count, frees_at }
    }

    fn frees_at(&self, now: u64, amount: U256) -> Option<u64> {
        if amount.is_zero() {
            return Some(now);
        }
        let start = now.checked_sub(DAY).map_or(self.before, |expired| self.until(expired));
        let first = self.steps.partition_point(|step| {
            step.count <= start.count || step.amount.wrapping_sub(start.amount) < amount
        });
        self.steps.get(first).map(|step| step.time.saturating_add(DAY))
    }

    /// The sum of the steps that an entry of `time` would keep.
    fn kept(&self, time: u64) -> U256 {
        self.after(time.checked_sub(DAY + LATENESS)).0
    }

    fn forget(&mut self, time: u64) {
        let Some(expired) = time.checked_sub(DAY + LATENESS) else { return };
        while self.steps.front().is_some_and(|step| step.time <= expired) {
            self.before = self.steps.pop_front().unwrap_or(self.before);
        }
    }

    fn spend(&mut self, time: u64, spend: &Spend) {
        self.forget(time);
        let newest = self.newest();
        let amount = newest.amount.wrapping_add(U256::from_be_bytes(spend.amount));
        let step = Step { time, amount, count: newest.count + 1 };
        match self.steps.back_mut() {
            Some(last) if last.time == time => *last = step,
            _ => self.steps.push_back(step),
        }
    }
}
