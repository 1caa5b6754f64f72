//! Loopback ports: chosen free at first, kept in the state folder, so that a restart finds the same ones.
//!
//! They lie below the range from which the kernel takes ports for outgoing connections, so that no connection grabs
//! one while its owner is being restarted.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::thread::sleep;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::directory::{Layout, read_json, write_json};
use crate::error::DevError;

const LOWEST: u16 = 20_000;
const HIGHEST: u16 = 32_000;
/// A predecessor that was just killed may hold its ports for a moment.
const PATIENCE: [Duration; 4] =
    [Duration::from_millis(50), Duration::from_millis(150), Duration::from_millis(300), Duration::ZERO];

/// Where everything listens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ports {
    /// The verifying sidecar: `base_url`.
    pub connect: SocketAddr,
    /// The host's ingress: `enclave_url`.
    pub ingress: SocketAddr,
    /// gcp, aws, azure.
    pub gateways: [SocketAddr; 3],
}

impl Ports {
    /// The ports of a state folder: those of before where they are free, new ones where not.
    ///
    /// `listen` is where the sidecar must listen; port 0 leaves the port to us.
    ///
    /// # Errors
    /// [`DevError::Listen`] if the address asked for is taken, [`DevError::NoPort`], [`DevError::Io`].
    pub fn open(layout: &Layout, listen: Option<SocketAddr>) -> Result<Self, DevError> {
        let kept = read_json::<Self>(&layout.ports())?;
        let mut chooser = Chooser::default();
        let gateway = |chooser: &mut Chooser, index: usize| {
            chooser.choose(
                loopback(),
                kept.as_ref().and_then(|kept| kept.gateways.get(index)).map(SocketAddr::port),
            )
        };
        let ports = Self {
            connect: chooser.listen(listen, kept.as_ref().map(|kept| kept.connect))?,
            ingress: chooser.choose(loopback(), kept.as_ref().map(|kept| kept.ingress.port()))?,
            gateways: [gateway(&mut chooser, 0)?, gateway(&mut chooser, 1)?, gateway(&mut chooser, 2)?],
        };
        write_json(&layout.ports(), &ports)?;
        Ok(ports)
    }
}

fn loopback() -> IpAddr {
    Ipv4Addr::LOCALHOST.into()
}

/// Chooses free ports, none twice.
#[derive(Default)]
struct Chooser {
    taken: BTreeSet<u16>,
}

impl Chooser {
    fn listen(
        &mut self,
        asked: Option<SocketAddr>,
        kept: Option<SocketAddr>,
    ) -> Result<SocketAddr, DevError> {
        match (asked, kept) {
            (Some(asked), _) if asked.port() != 0 => {
                self.taken.insert(asked.port());
                if free_soon(asked) { Ok(asked) } else { Err(DevError::Listen(asked)) }
            }
            (Some(asked), Some(kept)) if kept.ip() != asked.ip() => self.choose(asked.ip(), None),
            (asked, kept) => {
                let ip = asked.or(kept).map_or_else(loopback, |address| address.ip());
                self.choose(ip, kept.map(|kept| kept.port()))
            }
        }
    }

    fn choose(&mut self, ip: IpAddr, kept: Option<u16>) -> Result<SocketAddr, DevError> {
        if let Some(port) = kept
            && !self.taken.contains(&port)
            && free_soon(SocketAddr::new(ip, port))
        {
            self.taken.insert(port);
            return Ok(SocketAddr::new(ip, port));
        }
        for _ in 0..200 {
            let address = SocketAddr::new(ip, random_port()?);
            if free(address) && self.taken.insert(address.port()) {
                return Ok(address);
            }
        }
        Err(DevError::NoPort)
    }
}

fn random_port() -> Result<u16, DevError> {
    let mut bytes = [0; 4];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| DevError::NoPort)?;
    let offset = u32::from_le_bytes(bytes) % u32::from(HIGHEST - LOWEST);
    u16::try_from(offset).map(|offset| LOWEST + offset).map_err(|_| DevError::NoPort)
}

fn free(address: SocketAddr) -> bool {
    TcpListener::bind(address).is_ok()
}

fn free_soon(address: SocketAddr) -> bool {
    PATIENCE.into_iter().any(|pause| {
        let found = free(address);
        if !found {
            sleep(pause);
        }
        found
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::Directory;
    use crate::directory::testing::Scratch;

    #[test]
    fn ports_stay_the_same_and_differ_from_each_other() {
        let scratch = Scratch::new();
        let directory = Directory::open(scratch.path()).unwrap();
        let first = Ports::open(directory.layout(), None).unwrap();
        assert_eq!(Ports::open(directory.layout(), None).unwrap(), first);
        let all: BTreeSet<u16> =
            [first.connect, first.ingress].into_iter().chain(first.gateways).map(|a| a.port()).collect();
        assert_eq!(all.len(), 5);
    }

    #[test]
    fn a_taken_port_is_replaced_and_the_others_stay() {
        let scratch = Scratch::new();
        let directory = Directory::open(scratch.path()).unwrap();
        let first = Ports::open(directory.layout(), None).unwrap();
        let squatter = TcpListener::bind(first.gateways[1]).unwrap();
        let second = Ports::open(directory.layout(), None).unwrap();
        drop(squatter);
        assert_ne!(second.gateways[1], first.gateways[1]);
        assert_eq!((second.connect, second.ingress), (first.connect, first.ingress));
        assert_eq!(Ports::open(directory.layout(), None).unwrap(), second);
    }

    #[test]
    fn an_address_that_was_asked_for_is_never_replaced() {
        let scratch = Scratch::new();
        let directory = Directory::open(scratch.path()).unwrap();
        let squatter = TcpListener::bind((loopback(), 0)).unwrap();
        let asked = squatter.local_addr().unwrap();
        let refused = Ports::open(directory.layout(), Some(asked)).unwrap_err();
        assert!(matches!(refused, DevError::Listen(address) if address == asked));
        drop(squatter);
        assert_eq!(Ports::open(directory.layout(), Some(asked)).unwrap().connect, asked);
    }
}
