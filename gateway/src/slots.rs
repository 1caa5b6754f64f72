//! Slots: how many connections there are at a time, and which one gives way to a newcomer.
//!
//! Whoever can reach the port can open connections, so a full table must not shut the gateway: the newcomer is let in
//! and another gives way. Below the bound no address is limited, since an enclave's connections all come from its
//! host's one address; at the bound the address that holds most pays.
//!
//! ```text
//! gives way first   a stranger without work under way, of the address with most strangers, longest at rest
//! gives way last    a proven one, longest at rest, and only if nobody else is connected
//! never             one whose request was read and is being worked on: the newcomer is refused instead
//! ```
//!
//! A connection is proven once a report on it was admitted, which only a guest of the reference values can bring about.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

/// All slots.
#[derive(Debug)]
pub(crate) struct Slots {
    most: usize,
    table: Mutex<Table>,
}

/// One connection's slot; free again when dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    number: u64,
    slots: Arc<Slots>,
    gives_way: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Table {
    next: u64,
    held: BTreeMap<u64, Held>,
}

#[derive(Debug)]
struct Held {
    network: IpAddr,
    at_rest_since: Instant,
    asked: bool,
    working: bool,
    proven: bool,
    gives_way: Arc<Notify>,
}

impl Slots {
    /// `most` slots.
    #[must_use]
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, table: Mutex::default() })
    }

    /// A slot for a newcomer from `peer`; at the bound another connection is told to give way. `None` if all of them
    /// are being worked for.
    #[must_use]
    pub(crate) fn take(self: &Arc<Self>, peer: IpAddr) -> Option<Slot> {
        let mut table = self.table();
        if table.held.len() >= self.most {
            let victim = table.victim()?;
            table.held.remove(&victim)?.gives_way.notify_one();
        }
        let (number, gives_way) = (table.next, Arc::new(Notify::new()));
        table.next += 1;
        let held = Held {
            network: network(peer),
            at_rest_since: Instant::now(),
            asked: false,
            working: false,
            proven: false,
            gives_way: Arc::clone(&gives_way),
        };
        table.held.insert(number, held);
        Some(Slot { number, slots: Arc::clone(self), gives_way })
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    /// Ends when the connection has to give way.
    pub(crate) async fn gives_way(&self) {
        self.gives_way.notified().await;
    }

    /// Whether a request ever arrived.
    #[must_use]
    pub(crate) fn has_asked(&self) -> bool {
        self.slots.table().held.get(&self.number).is_some_and(|held| held.asked)
    }

    /// A request's headers arrived. Its body may never, so the connection still counts as at rest.
    pub(crate) fn asks(&self) {
        self.change(|held| {
            held.asked = true;
            held.at_rest_since = Instant::now();
        });
    }

    /// A request was read in whole and is worked on.
    pub(crate) fn works(&self) {
        self.change(|held| held.working = true);
    }

    /// A report on this connection was admitted.
    pub(crate) fn proves(&self) {
        self.change(|held| held.proven = true);
    }

    /// The answer is known; whether the peer takes it is up to the peer.
    pub(crate) fn rests(&self) {
        self.change(|held| {
            held.working = false;
            held.at_rest_since = Instant::now();
        });
    }

    fn change(&self, change: impl FnOnce(&mut Held)) {
        if let Some(held) = self.slots.table().held.get_mut(&self.number) {
            change(held);
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.slots.table().held.remove(&self.number);
    }
}

impl Table {
    fn victim(&self) -> Option<u64> {
        let mut strangers = HashMap::<IpAddr, usize>::new();
        for held in self.held.values().filter(|held| !held.proven) {
            *strangers.entry(held.network).or_default() += 1;
        }
        let at_rest = self.held.iter().filter(|(_, held)| !held.working);
        at_rest
            .filter(|(_, held)| strangers.is_empty() || !held.proven)
            .max_by_key(|(_, held)| (strangers.get(&held.network), Reverse(held.at_rest_since)))
            .map(|(number, _)| *number)
    }
}

/// What counts as one address: an IPv4 address, or the /64 that one IPv6 subscriber has.
fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn peer(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    async fn later() {
        tokio::time::advance(Duration::from_secs(1)).await;
    }

    fn gone(slot: &Slot) -> bool {
        !slot.slots.table().held.contains_key(&slot.number)
    }

    #[tokio::test(start_paused = true)]
    async fn the_longest_at_rest_gives_way_to_a_newcomer() {
        let slots = Slots::new(2);
        let first = slots.take(peer(1)).unwrap();
        later().await;
        let second = slots.take(peer(1)).unwrap();
        later().await;
        first.asks();
        first.rests();
        let third = slots.take(peer(1)).unwrap();
        assert_eq!([&first, &second, &third].map(gone), [false, true, false]);
        second.gives_way().await;
    }

    #[tokio::test(start_paused = true)]
    async fn the_address_that_holds_most_gives_way() {
        let slots = Slots::new(4);
        let lone = slots.take(peer(1)).unwrap();
        later().await;
        let many = [(); 3].map(|()| slots.take(peer(2)).unwrap());
        let newcomer = slots.take(peer(3)).unwrap();
        assert!(!gone(&lone) && !gone(&newcomer));
        assert_eq!(many.iter().filter(|slot| gone(slot)).count(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_proven_connection_stays_however_many_strangers_come() {
        let slots = Slots::new(3);
        let proven = slots.take(peer(1)).unwrap();
        proven.proves();
        let mut strangers = Vec::new();
        for _ in 0..9 {
            later().await;
            strangers.push(slots.take(peer(1)).unwrap());
        }
        assert!(!gone(&proven));
        assert_eq!(strangers.iter().filter(|slot| !gone(slot)).count(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn one_of_many_proven_ones_gives_way_at_last() {
        let slots = Slots::new(2);
        let proven = [(); 2].map(|()| slots.take(peer(1)).unwrap());
        proven.iter().for_each(Slot::proves);
        assert!(slots.take(peer(2)).is_some());
        assert_eq!(proven.iter().filter(|slot| gone(slot)).count(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_under_way_is_never_ended_for_a_newcomer() {
        let slots = Slots::new(2);
        let (proven, busy) = (slots.take(peer(1)).unwrap(), slots.take(peer(2)).unwrap());
        proven.proves();
        busy.works();
        assert!(slots.take(peer(3)).is_none());
        busy.rests();
        assert!(slots.take(peer(3)).is_some());
        assert!(gone(&busy) && !gone(&proven));
    }

    #[test]
    fn a_slot_is_free_again_when_its_connection_ends() {
        let slots = Slots::new(1);
        for _ in 0..3 {
            let slot = slots.take(peer(1)).unwrap();
            slot.works();
        }
        assert!(slots.table().held.is_empty());
    }

    #[test]
    fn one_subscriber_is_one_address() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:0:0:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:192.0.2.1"), peer(1));
    }
}
