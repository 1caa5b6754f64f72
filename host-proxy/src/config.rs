//! The host's configuration file.
//!
//! ```json
//! {"ingress": {"listen": "127.0.0.1:0", "enclave": "unix:/run/shroud/ingress.sock"},
//!  "store": {"listen": "unix:/run/shroud/store.sock", "database": "/var/lib/shroud/shroud.db"},
//!  "egress": {"listen": "unix:/run/shroud/egress.sock", "targets": {"gateway/gcp": "127.0.0.1:7001"}}}
//! ```
//!
//! It is parsed as a whole before a port is bound. It is no secret and nobody but the host believes it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use shroud_wire::link::Address;

/// Why a configuration was refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the configuration {path} cannot be read: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the file system says.
        source: std::io::Error,
    },
    /// The file is no configuration.
    #[error("the configuration is wrong: {0}")]
    Malformed(#[from] serde_json::Error),
}

/// The host's configuration.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Configuration {
    /// Clients to the enclave.
    pub ingress: Ingress,
    /// The enclave to its rows.
    pub store: Store,
    /// The enclave to the outside.
    pub egress: Egress,
}

/// Clients to the enclave.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ingress {
    /// Where clients connect; port 0 takes any free one.
    pub listen: SocketAddr,
    /// Where the enclave accepts them.
    #[serde(deserialize_with = "address")]
    pub enclave: Address,
}

/// The enclave to its rows.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    /// Where the enclave connects.
    #[serde(deserialize_with = "address")]
    pub listen: Address,
    /// The SQLite file; created if absent, its folder must exist.
    pub database: PathBuf,
}

/// The enclave to the outside.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Egress {
    /// Where the enclave connects.
    #[serde(deserialize_with = "address")]
    pub listen: Address,
    /// What the enclave may name, and the `host:port` that is dialled for it.
    pub targets: BTreeMap<String, String>,
}

impl Configuration {
    /// Parses a configuration.
    ///
    /// # Errors
    /// [`ConfigError::Malformed`] for anything but exactly the members above.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        Ok(serde_json::from_str(text)?)
    }

    /// Reads and parses a file.
    ///
    /// # Errors
    /// Every [`ConfigError`].
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
        Self::parse(&text)
    }
}

fn address<'de, D: Deserializer<'de>>(from: D) -> Result<Address, D::Error> {
    String::deserialize(from)?.parse().map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{
        "ingress": {"listen": "127.0.0.1:0", "enclave": "vsock:3:9000"},
        "store": {"listen": "unix:store.sock", "database": "shroud.db"},
        "egress": {"listen": "hybrid:v.sock:9002", "targets": {"gateway/gcp": "127.0.0.1:7001"}}
    }"#;

    #[test]
    fn a_configuration_is_read_in_full() {
        let read = Configuration::parse(TEXT).unwrap();
        assert_eq!(read.ingress.enclave, Address::Vsock { cid: 3, port: 9000 });
        assert_eq!(read.store.database, Path::new("shroud.db"));
        assert_eq!(read.egress.targets["gateway/gcp"], "127.0.0.1:7001");
    }

    #[test]
    fn malformed_configurations_are_refused() {
        for (from, to) in [
            ("vsock:3:9000", "tcp:3:9000"),
            ("127.0.0.1:0", "localhost"),
            (r#""database""#, r#""path""#),
            (r#""targets""#, r#""extra": 1, "targets""#),
        ] {
            let wrong = TEXT.replace(from, to);
            assert!(matches!(Configuration::parse(&wrong), Err(ConfigError::Malformed(_))), "{wrong}");
        }
    }

    #[test]
    fn an_unreadable_configuration_is_named() {
        let refused = Configuration::read(Path::new("no/such/file.json")).unwrap_err();
        assert!(refused.to_string().contains("no/such/file.json"), "{refused}");
    }
}
