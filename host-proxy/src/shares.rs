//! Shares: how many slots one address may hold, so that a single client cannot take them all.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many slots each address holds. A clone counts the same slots.
#[derive(Clone, Debug)]
pub(crate) struct Shares {
    each: usize,
    loopback: usize,
    held: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// One slot of an address's share; given back when dropped.
#[derive(Debug)]
pub(crate) struct Share {
    network: IpAddr,
    shares: Shares,
}

impl Shares {
    /// `each` slots for an address, `loopback` for one of this machine's own.
    #[must_use]
    pub(crate) fn new(each: usize, loopback: usize) -> Self {
        Self { each, loopback, held: Arc::default() }
    }

    /// One more slot for `peer`, or `None` if it holds its share already.
    #[must_use]
    pub(crate) fn take(&self, peer: IpAddr) -> Option<Share> {
        let network = network(peer);
        let most = if network.is_loopback() { self.loopback } else { self.each };
        let mut held = self.held();
        let count = held.get(&network).copied().unwrap_or_default();
        if count >= most {
            return None;
        }
        held.insert(network, count + 1);
        Some(Share { network, shares: self.clone() })
    }

    fn held(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut held = self.shares.held();
        match held.get_mut(&self.network) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(held.remove(&self.network)),
        }
    }
}

/// What counts as one address: an IPv4 address, or the /64 that one IPv6 subscriber has.
fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)))
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_gets_its_share_and_no_more() {
        let shares = Shares::new(2, 9);
        let held = [(); 2].map(|()| shares.take(peer("192.0.2.1")).unwrap());
        assert!(shares.take(peer("192.0.2.1")).is_none());
        assert!(shares.take(peer("::ffff:192.0.2.1")).is_none());
        assert!(shares.take(peer("192.0.2.2")).is_some());
        drop(held);
        assert!(shares.take(peer("192.0.2.1")).is_some());
        assert!(shares.held().is_empty());
    }

    #[test]
    fn one_subscriber_of_ipv6_is_one_address() {
        let shares = Shares::new(1, 9);
        let _held = shares.take(peer("2001:db8::1")).unwrap();
        assert!(shares.take(peer("2001:db8::ffff:0:0:2")).is_none());
        assert!(shares.take(peer("2001:db8:0:1::1")).is_some());
    }

    #[test]
    fn loopback_has_a_share_of_its_own() {
        let shares = Shares::new(1, 2);
        for own in ["127.0.0.1", "::1"] {
            let _held = [(); 2].map(|()| shares.take(peer(own)).unwrap());
            assert!(shares.take(peer(own)).is_none());
        }
    }
}
