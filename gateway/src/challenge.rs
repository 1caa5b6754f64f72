//! Challenges: 32 random bytes, good once and for a short time.
//!
//! Issuing asks for no authentication, so the table is bounded and the oldest challenge gives way: a flood must outrun
//! the whole table between a guest's challenge and its request before it denies anything. A spent nonce stays known
//! until it would have expired, so that a second use is named as such. Sans-IO: time and randomness are arguments.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A challenge that was spent. Not `Clone`: one nonce authorises one request.
#[derive(Debug)]
pub struct Challenge {
    nonce: [u8; 32],
}

/// Why a nonce is not good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NonceError {
    /// This gateway did not give it, or has forgotten it.
    #[error("the nonce is unknown")]
    Unknown,
    /// It was used before.
    #[error("the nonce was used before")]
    Reused,
    /// It came too late.
    #[error("the nonce has expired")]
    Expired,
}

/// The challenges that are outstanding.
#[derive(Debug)]
pub struct Challenges {
    lifetime: Duration,
    capacity: usize,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    issued: HashMap<[u8; 32], Issued>,
    order: VecDeque<[u8; 32]>,
}

#[derive(Debug)]
struct Issued {
    at: Instant,
    spent: bool,
}

impl Challenge {
    /// The nonce that the report binds.
    #[must_use]
    pub fn nonce(&self) -> &[u8; 32] {
        &self.nonce
    }
}

impl Challenges {
    /// An empty table of at most `capacity` challenges, each good for `lifetime`.
    #[must_use]
    pub fn new(lifetime: Duration, capacity: usize) -> Self {
        Self { lifetime, capacity, table: Mutex::default() }
    }

    /// For how long a challenge is good.
    #[must_use]
    pub fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// Remembers a fresh random nonce.
    pub fn issue(&self, nonce: [u8; 32], now: Instant) {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        table.forget(self.capacity.saturating_sub(1), now, 2 * self.lifetime);
        if table.issued.insert(nonce, Issued { at: now, spent: false }).is_none() {
            table.order.push_back(nonce);
        }
    }

    /// Spends a nonce, whatever comes of the request that carries it.
    ///
    /// # Errors
    /// Every [`NonceError`].
    pub fn spend(&self, nonce: [u8; 32], now: Instant) -> Result<Challenge, NonceError> {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let issued = table.issued.get_mut(&nonce).ok_or(NonceError::Unknown)?;
        if std::mem::replace(&mut issued.spent, true) {
            return Err(NonceError::Reused);
        }
        if now.saturating_duration_since(issued.at) > self.lifetime {
            return Err(NonceError::Expired);
        }
        Ok(Challenge { nonce })
    }
}

impl Table {
    /// Drops what is older than `age`, and the oldest beyond `most`.
    fn forget(&mut self, most: usize, now: Instant, age: Duration) {
        while let Some(oldest) = self.order.front() {
            let fresh =
                self.issued.get(oldest).is_some_and(|issued| now.saturating_duration_since(issued.at) <= age);
            if fresh && self.order.len() <= most {
                return;
            }
            self.issued.remove(oldest);
            self.order.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFETIME: Duration = Duration::from_secs(30);

    #[test]
    fn a_nonce_is_good_once() {
        let (challenges, now) = (Challenges::new(LIFETIME, 8), Instant::now());
        challenges.issue([1; 32], now);
        assert_eq!(challenges.spend([1; 32], now).unwrap().nonce(), &[1; 32]);
        assert_eq!(challenges.spend([1; 32], now).unwrap_err(), NonceError::Reused);
        assert_eq!(challenges.spend([2; 32], now).unwrap_err(), NonceError::Unknown);
    }

    #[test]
    fn a_nonce_expires_and_is_forgotten() {
        let (challenges, now) = (Challenges::new(LIFETIME, 8), Instant::now());
        challenges.issue([1; 32], now);
        challenges.issue([2; 32], now);
        assert!(challenges.spend([1; 32], now + LIFETIME).is_ok());
        let late = now + LIFETIME + Duration::from_millis(1);
        assert_eq!(challenges.spend([2; 32], late).unwrap_err(), NonceError::Expired);
        challenges.issue([3; 32], now + 3 * LIFETIME);
        assert_eq!(challenges.spend([2; 32], now + 3 * LIFETIME).unwrap_err(), NonceError::Unknown);
    }

    #[test]
    fn the_table_is_bounded_and_the_oldest_gives_way() {
        let (challenges, now) = (Challenges::new(LIFETIME, 4), Instant::now());
        for nonce in 0..10 {
            challenges.issue([nonce; 32], now);
        }
        assert_eq!(challenges.table.lock().unwrap().issued.len(), 4);
        assert_eq!(challenges.spend([5; 32], now).unwrap_err(), NonceError::Unknown);
        assert!(challenges.spend([6; 32], now).is_ok());
    }
}
