//! The roles of the contract and where `pids` has them.

use serde_json::Value;

/// One process of a set-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The enclave.
    Enclave,
    /// The untrusted host.
    Host,
    /// A gateway by its place in gcp, aws, azure.
    Gateway(usize),
    /// The sidecar.
    Connect,
}

impl Role {
    /// Every role of the contract.
    pub const ALL: [Self; 6] =
        [Self::Enclave, Self::Host, Self::Gateway(0), Self::Gateway(1), Self::Gateway(2), Self::Connect];

    /// Its pid in `pids`; `None` while it is down.
    #[must_use]
    pub fn pid(self, pids: &Value) -> Option<u32> {
        let value = match self {
            Self::Enclave => &pids["enclave"],
            Self::Host => &pids["host"],
            Self::Gateway(place) => &pids["gateways"][place],
            Self::Connect => &pids["connect"],
        };
        value.as_u64().and_then(|pid| u32::try_from(pid).ok())
    }
}
