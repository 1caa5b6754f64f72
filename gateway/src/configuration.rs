//! The gateway's configuration: one JSON file, parsed whole before a port is bound, unknown members refused.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::files::{self, FileError};

/// What `shroud-gateway serve` is told.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Configuration {
    /// The gateway's name, such as `gcp`; also the name of its witness key.
    pub name: Name,
    /// Where it listens.
    pub listen: SocketAddr,
    /// Its state directory, held by one process at a time.
    pub state: PathBuf,
    /// The signed credential (raw bytes); re-read when it changes.
    pub credential: PathBuf,
    /// The reference values (a signed note); re-read when they change.
    pub reference: PathBuf,
    /// The identity's Ed25519 public key.
    #[serde(with = "hex")]
    pub identity: [u8; 32],
    /// The key management service behind it.
    pub backend: BackendConfiguration,
    /// Bounds; each has a default.
    #[serde(default)]
    pub limits: Limits,
}

/// The key management service.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum BackendConfiguration {
    /// An AES-256 key of the gateway's own.
    Local {
        /// Its file, made at the first start.
        key: PathBuf,
    },
}

/// How much is admitted.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Connections at a time, 1 to 2048; at the bound one that rests gives way to a newcomer.
    pub connections: usize,
    /// Challenges that are remembered; the oldest gives way.
    pub challenges: usize,
    /// Seconds for which a challenge is good, 1 to 60.
    pub challenge_seconds: u32,
    /// Attested requests per second that one chip may make.
    pub chip_per_second: u32,
    /// Attested requests that one chip may make at once.
    pub chip_burst: u32,
    /// Attested requests per second from all chips that run one measurement.
    pub measurement_per_second: u32,
    /// Attested requests at once from all chips that run one measurement.
    pub measurement_burst: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 256,
            challenges: 65_536,
            challenge_seconds: 30,
            chip_per_second: 500,
            chip_burst: 2_000,
            measurement_per_second: 1_000,
            measurement_burst: 4_000,
        }
    }
}

/// A gateway's name, in the form that a C2SP note key's name has.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Name(String);

/// Why a configuration was refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigurationError {
    /// The file could not be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is not the JSON that is expected.
    #[error("{path}: {source}")]
    Json {
        /// Which file.
        path: PathBuf,
        /// What is wrong, and where.
        source: serde_json::Error,
    },
    /// The name cannot be a note key's name.
    #[error("the name {0:?} is not 1 to 64 of a-z, 0-9, '.', '-', '/', '_'")]
    Name(String),
    /// A bound is zero or too high.
    #[error("limits.{0} is out of bounds")]
    Limit(&'static str),
}

impl Name {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Name {
    type Error = ConfigurationError;

    fn try_from(name: String) -> Result<Self, ConfigurationError> {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-/_".contains(c);
        if (1..=64).contains(&name.len()) && name.chars().all(allowed) {
            return Ok(Self(name));
        }
        Err(ConfigurationError::Name(name))
    }
}

impl Configuration {
    /// Reads a configuration file.
    ///
    /// # Errors
    /// Every [`ConfigurationError`].
    pub fn read(path: &Path) -> Result<Self, ConfigurationError> {
        let json = files::read(path)?;
        let configuration: Self = serde_json::from_slice(&json)
            .map_err(|source| ConfigurationError::Json { path: path.to_owned(), source })?;
        configuration.limits.within_bounds()?;
        Ok(configuration)
    }
}

impl Limits {
    pub(crate) fn within_bounds(&self) -> Result<(), ConfigurationError> {
        for (name, holds) in [
            ("connections", (1..=2048).contains(&self.connections)),
            ("challenges", (1..=1 << 20).contains(&self.challenges)),
            ("challenge_seconds", (1..=60).contains(&self.challenge_seconds)),
            ("chip_per_second", self.chip_per_second > 0),
            ("chip_burst", self.chip_burst > 0),
            ("measurement_per_second", self.measurement_per_second > 0),
            ("measurement_burst", self.measurement_burst > 0),
        ] {
            if !holds {
                return Err(ConfigurationError::Limit(name));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(extra: &str) -> Result<Configuration, serde_json::Error> {
        serde_json::from_str(&format!(
            r#"{{"name":"gcp","listen":"127.0.0.1:0","state":"s","credential":"c","reference":"r",
                "identity":"{}","backend":{{"kind":"local","key":"k"}}{extra}}}"#,
            "07".repeat(32)
        ))
    }

    #[test]
    fn the_documented_form_is_read() {
        let configuration = parse("").unwrap();
        assert_eq!((configuration.name.as_str(), configuration.identity), ("gcp", [7; 32]));
        assert_eq!(configuration.limits.challenge_seconds, 30);
        assert_eq!(parse(r#","limits":{"chip_burst":3}"#).unwrap().limits.chip_burst, 3);
    }

    #[test]
    fn unknown_members_are_refused() {
        assert!(parse(r#","skip_verification":true"#).is_err());
        assert!(parse(r#","limits":{"unlimited":true}"#).is_err());
    }

    #[test]
    fn names_that_no_note_key_can_have_are_refused() {
        for name in ["", "a b", "a+b", "Gcp", "é", &"a".repeat(65)] {
            assert!(matches!(Name::try_from(name.to_owned()), Err(ConfigurationError::Name(_))));
        }
    }

    #[test]
    fn bounds_hold() {
        assert!(Limits::default().within_bounds().is_ok());
        let endless = Limits { challenge_seconds: 3600, ..Limits::default() };
        assert!(matches!(endless.within_bounds(), Err(ConfigurationError::Limit("challenge_seconds"))));
    }
}
