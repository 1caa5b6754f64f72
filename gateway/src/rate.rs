//! Rate limits for attested requests: one token bucket per key (a chip, a measurement).
//!
//! Keys come from verified reports alone, so the reference values bound how many buckets there are. Sans-IO.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Token buckets, one per key.
#[derive(Debug)]
pub struct RateLimit {
    per_second: f64,
    burst: f64,
    buckets: Mutex<HashMap<Vec<u8>, Bucket>>,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

/// The bucket is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exhausted;

impl RateLimit {
    /// Buckets that hold `burst` tokens and gain `per_second`.
    #[must_use]
    pub fn new(per_second: u32, burst: u32) -> Self {
        Self { per_second: per_second.into(), burst: burst.into(), buckets: Mutex::default() }
    }

    /// Takes one token of `key`.
    ///
    /// # Errors
    /// [`Exhausted`] if there is none.
    pub fn take(&self, key: &[u8], now: Instant) -> Result<(), Exhausted> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.entry(key.to_vec()).or_insert(Bucket { tokens: self.burst, at: now });
        let gained = now.saturating_duration_since(bucket.at).as_secs_f64() * self.per_second;
        bucket.tokens = (bucket.tokens + gained).min(self.burst);
        bucket.at = now;
        if bucket.tokens < 1.0 {
            return Err(Exhausted);
        }
        bucket.tokens -= 1.0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_then_the_rate() {
        let (limit, now) = (RateLimit::new(2, 3), Instant::now());
        let taken = (0..5).filter(|_| limit.take(b"chip", now).is_ok()).count();
        assert_eq!(taken, 3);
        assert_eq!(limit.take(b"other", now), Ok(()));
        assert_eq!(limit.take(b"chip", now + Duration::from_millis(500)), Ok(()));
        assert_eq!(limit.take(b"chip", now + Duration::from_millis(500)), Err(Exhausted));
    }
}
