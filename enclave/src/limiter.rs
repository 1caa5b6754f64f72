//! A token bucket per caller: a burst at once, then a steady rate. Bounded in memory; fails closed when it is full.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use uuid::Uuid;

use crate::api::problem::Problem;

/// Callers that are remembered.
const CALLERS: usize = 100_000;
/// Requests a second that refill a bucket in production.
const RATE: u32 = 20;
/// Requests at once in production.
const BURST: u32 = 120;

struct Bucket {
    /// Thousandths of a request.
    level: u64,
    at: Instant,
}

/// Token buckets.
pub(crate) struct Limiter {
    burst: u64,
    rate: u64,
    buckets: Mutex<HashMap<Uuid, Bucket>>,
}

impl Limiter {
    /// The strict default, or what the development configuration says.
    pub(crate) fn new(development_burst: Option<u32>) -> Self {
        let burst = development_burst.unwrap_or(BURST);
        let rate = development_burst.unwrap_or(RATE);
        Self { burst: u64::from(burst) * 1000, rate: u64::from(rate), buckets: Mutex::default() }
    }

    /// Takes one request out of the caller's bucket.
    ///
    /// # Errors
    /// 429 with `Retry-After` when it is empty.
    pub(crate) fn admit(&self, caller: Uuid) -> Result<(), Problem> {
        let now = Instant::now();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= CALLERS {
            let full = self.burst;
            let rate = self.rate;
            buckets.retain(|_, bucket| refilled(bucket, rate, full, now) < full);
        }
        let known = buckets.len();
        if known >= CALLERS && !buckets.contains_key(&caller) {
            return Err(too_many());
        }
        let bucket = buckets.entry(caller).or_insert(Bucket { level: self.burst, at: now });
        bucket.level = refilled(bucket, self.rate, self.burst, now);
        bucket.at = now;
        match bucket.level.checked_sub(1000) {
            Some(rest) => {
                bucket.level = rest;
                Ok(())
            }
            None => Err(too_many()),
        }
    }
}

fn refilled(bucket: &Bucket, rate: u64, burst: u64, now: Instant) -> u64 {
    let elapsed = u64::try_from(now.saturating_duration_since(bucket.at).as_millis()).unwrap_or(u64::MAX);
    bucket.level.saturating_add(elapsed.saturating_mul(rate)).min(burst)
}

fn too_many() -> Problem {
    let problem = Problem::new(hyper::StatusCode::TOO_MANY_REQUESTS, "too many requests from this caller");
    Problem { retry_after: Some(1), ..problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_caller_waits() {
        let limiter = Limiter::new(None);
        let (one, other) = (Uuid::new_v4(), Uuid::new_v4());
        let admitted = (0..BURST + 50).filter(|_| limiter.admit(one).is_ok()).count();
        assert!((120..=125).contains(&admitted), "{admitted}");
        assert!(limiter.admit(other).is_ok(), "another caller has a bucket of its own");
    }
}
