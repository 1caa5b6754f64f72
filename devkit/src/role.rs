//! The roles of the development set-up and their programs.

use std::fmt;

/// The names of the three gateways, in the order in which every list holds them.
pub const GATEWAYS: [&str; 3] = ["gcp", "aws", "azure"];

/// One process of the set-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The software security processor.
    Processor,
    /// A gateway, by its place in [`GATEWAYS`].
    Gateway(usize),
    /// The untrusted host.
    Host,
    /// The enclave.
    Enclave,
    /// The verifying sidecar.
    Connect,
}

impl Role {
    /// Every role, in the order in which they start.
    pub const ALL: [Self; 7] = [
        Self::Processor,
        Self::Gateway(0),
        Self::Gateway(1),
        Self::Gateway(2),
        Self::Host,
        Self::Enclave,
        Self::Connect,
    ];

    /// What an error's `kind` says when this role cannot come up.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::Processor => "processor",
            Self::Gateway(_) => "gateway",
            Self::Host => "host",
            Self::Enclave => "enclave",
            Self::Connect => "connect",
        }
    }

    /// The file name of its program.
    #[must_use]
    pub fn program(self) -> &'static str {
        match self {
            Self::Processor => "shroud-mock-processor",
            Self::Gateway(_) => "shroud-gateway",
            Self::Host => "shroud-host",
            Self::Enclave => "shroud-enclave-dev",
            Self::Connect => "shroud",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gateway(index) => write!(f, "gateway-{}", GATEWAYS.get(*index).unwrap_or(&"unknown")),
            other => f.write_str(other.kind()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_has_a_name_of_its_own() {
        let names: std::collections::BTreeSet<String> = Role::ALL.iter().map(ToString::to_string).collect();
        assert_eq!(names.len(), Role::ALL.len());
        assert!(names.contains("gateway-azure"));
    }
}
