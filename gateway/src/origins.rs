//! What deployments registered here, and which guest configurations belong to which log origin.
//!
//! ```text
//! DIR/origins/<SHA-256 of the origin>.json    one registration, written once
//! DIR/bindings.json                           HOST_DATA → origin
//! ```
//!
//! **Origin isolation.** A deployment's origin stands in its measured configuration, and HOST_DATA is that file's
//! hash, so one HOST_DATA value belongs to exactly one origin for ever. The gateway never sees the configuration. It
//! learns the pair from the first attested request of a guest with that HOST_DATA, whose tuple the operators' quorum
//! signed and whose measured program names its own configuration's origin, and it makes the pair durable before that
//! request is answered. From then on a guest with that HOST_DATA gets nothing under any other origin. An upgrade
//! brings a new HOST_DATA for the same origin; only a tuple in the reference values lets it in. Independently of
//! this, every wrapped key is bound to its origin by the backend's AAD. The table cannot grow past the tuples that
//! were ever signed.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use shroud_journal::Origin;
use shroud_wire::gateway::Registration;

use crate::files::{self, FileError};
use crate::log::sha256;
use crate::refusal::Refused;

/// A registration that was checked for shape.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registered {
    /// The log origin.
    #[serde(serialize_with = "write_origin", deserialize_with = "read_origin")]
    pub origin: Origin,
    /// Commitment to the state key.
    #[serde(with = "hex")]
    pub state_key_commitment: [u8; 32],
    /// The journal's Ed25519 public key.
    #[serde(with = "hex")]
    pub journal_key: [u8; 32],
    /// The hash of the journal's first entry.
    #[serde(with = "hex")]
    pub genesis: [u8; 32],
}

/// The registry.
#[derive(Debug)]
pub struct Origins {
    directory: PathBuf,
    bindings_path: PathBuf,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    registered: HashMap<Origin, Registered>,
    /// HOST_DATA in hex, and the origin.
    bindings: HashMap<String, String>,
}

/// Reads the origin that a request names.
///
/// # Errors
/// [`Refused::Malformed`] if no note can carry it.
pub fn origin(name: &str) -> Result<Origin, Refused> {
    Origin::new(name).map_err(|_| Refused::Malformed("origin"))
}

/// The name of files about an origin, without its extension.
pub(crate) fn file_name(origin: &Origin) -> String {
    hex::encode(sha256(origin.as_str().as_bytes()))
}

fn write_origin<S: Serializer>(origin: &Origin, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(origin.as_str())
}

fn read_origin<'a, D: Deserializer<'a>>(deserializer: D) -> Result<Origin, D::Error> {
    Origin::new(&String::deserialize(deserializer)?).map_err(D::Error::custom)
}

impl TryFrom<Registration> for Registered {
    type Error = Refused;

    fn try_from(message: Registration) -> Result<Self, Refused> {
        let width = |bytes: &[u8], what| bytes.try_into().map_err(|_| Refused::Malformed(what));
        Ok(Self {
            origin: origin(&message.origin)?,
            state_key_commitment: width(&message.state_key_commitment, "state key commitment")?,
            journal_key: width(&message.journal_key, "journal key")?,
            genesis: width(&message.genesis, "genesis hash")?,
        })
    }
}

impl Registered {
    /// The message form.
    #[must_use]
    pub fn to_message(&self) -> Registration {
        Registration {
            origin: self.origin.as_str().to_owned(),
            state_key_commitment: self.state_key_commitment.to_vec(),
            journal_key: self.journal_key.to_vec(),
            genesis: self.genesis.to_vec(),
        }
    }

    /// The first member in which another registration of the same origin differs.
    fn difference(&self, other: &Self) -> Option<&'static str> {
        [
            ("state key commitment", self.state_key_commitment != other.state_key_commitment),
            ("journal key", self.journal_key != other.journal_key),
            ("genesis hash", self.genesis != other.genesis),
        ]
        .into_iter()
        .find_map(|(what, differs)| differs.then_some(what))
    }
}

impl Origins {
    /// Reads the registry of a state directory.
    ///
    /// # Errors
    /// [`FileError`]; a file that does not read back stops the start.
    pub fn open(state: &Path) -> Result<Self, FileError> {
        let directory = state.join("origins");
        let bindings_path = state.join("bindings.json");
        files::create_directory(&directory)?;
        let mut table = Table::default();
        for entry in std::fs::read_dir(&directory).map_err(files::at(&directory))? {
            let path = entry.map_err(files::at(&directory))?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                let registered: Registered = parse(&path, &files::read(&path)?)?;
                table.registered.insert(registered.origin.clone(), registered);
            }
        }
        if let Some(json) = files::read_if_present(&bindings_path)? {
            table.bindings = parse(&bindings_path, &json)?;
        }
        Ok(Self { directory, bindings_path, table: Mutex::new(table) })
    }

    /// Binds a guest's HOST_DATA to the origin that it names, durably, or finds it bound to the same one.
    ///
    /// # Errors
    /// [`Refused::OriginBinding`] if it belongs to another origin; [`Refused::Storage`].
    pub fn bind(&self, host_data: &[u8; 32], origin: &Origin) -> Result<(), Refused> {
        let mut table = self.lock();
        let host_data = hex::encode(host_data);
        match table.bindings.get(&host_data) {
            Some(bound) if bound == origin.as_str() => return Ok(()),
            Some(bound) => return Err(Refused::OriginBinding(bound.clone())),
            None => {}
        }
        let mut bindings = table.bindings.clone();
        bindings.insert(host_data, origin.as_str().to_owned());
        files::replace(&self.bindings_path, &to_json(&self.bindings_path, &bindings)?, 0o600)?;
        table.bindings = bindings;
        Ok(())
    }

    /// Registers an origin once. `prepare` makes the witness's state durable before the registration is.
    ///
    /// # Errors
    /// [`Refused::OriginKnown`] if another registration stands; [`Refused::Storage`]; what `prepare` says.
    pub fn register(
        &self,
        registered: Registered,
        prepare: impl FnOnce(&Registered) -> Result<(), Refused>,
    ) -> Result<(), Refused> {
        let mut table = self.lock();
        if let Some(known) = table.registered.get(&registered.origin) {
            return known.difference(&registered).map_or(Ok(()), |what| Err(Refused::OriginKnown(what)));
        }
        prepare(&registered)?;
        let path = self.directory.join(file_name(&registered.origin)).with_extension("json");
        files::replace(&path, &to_json(&path, &registered)?, 0o600)?;
        table.registered.insert(registered.origin.clone(), registered);
        Ok(())
    }

    /// What is registered for an origin.
    #[must_use]
    pub fn find(&self, origin: &Origin) -> Option<Registered> {
        self.lock().registered.get(origin).cloned()
    }

    /// Everything that is registered.
    #[must_use]
    pub fn all(&self) -> Vec<Registered> {
        self.lock().registered.values().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn parse<T: for<'a> Deserialize<'a>>(path: &Path, json: &[u8]) -> Result<T, FileError> {
    serde_json::from_slice(json).map_err(|_| FileError::content(path, "expected this gateway's own JSON"))
}

fn to_json(path: &Path, value: &impl Serialize) -> Result<Vec<u8>, FileError> {
    serde_json::to_vec_pretty(value).map_err(|_| FileError::content(path, "cannot be written as JSON"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(name: &str) -> Origin {
        super::origin(name).unwrap()
    }

    fn registered(name: &str, genesis: u8) -> Registered {
        Registered {
            origin: origin(name),
            state_key_commitment: [1; 32],
            journal_key: [2; 32],
            genesis: [genesis; 32],
        }
    }

    #[test]
    fn an_origin_is_registered_once_and_survives_a_restart() {
        let state = tempfile::tempdir().unwrap();
        let origins = Origins::open(state.path()).unwrap();
        origins.register(registered("a.invalid/1", 3), |_| Ok(())).unwrap();
        let reopened = Origins::open(state.path()).unwrap();
        assert_eq!(reopened.find(&origin("a.invalid/1")), Some(registered("a.invalid/1", 3)));
        reopened.register(registered("a.invalid/1", 3), |_| Err(Refused::Stopping)).unwrap();
        let other = reopened.register(registered("a.invalid/1", 4), |_| Ok(()));
        assert!(matches!(other, Err(Refused::OriginKnown("genesis hash"))));
    }

    #[test]
    fn nothing_is_registered_if_the_witness_state_cannot_be_made() {
        let state = tempfile::tempdir().unwrap();
        let origins = Origins::open(state.path()).unwrap();
        assert!(origins.register(registered("a.invalid/1", 3), |_| Err(Refused::Stopping)).is_err());
        assert_eq!(Origins::open(state.path()).unwrap().find(&origin("a.invalid/1")), None);
    }

    #[test]
    fn identical_twin() {
        let state = tempfile::tempdir().unwrap();
        let origins = Origins::open(state.path()).unwrap();
        origins.bind(&[7; 32], &origin("a.invalid/1")).unwrap();
        let reopened = Origins::open(state.path()).unwrap();
        reopened.bind(&[7; 32], &origin("a.invalid/1")).unwrap();
        let twin = reopened.bind(&[7; 32], &origin("a.invalid/2"));
        assert!(matches!(twin, Err(Refused::OriginBinding(bound)) if bound == "a.invalid/1"));
        reopened.bind(&[8; 32], &origin("a.invalid/1")).unwrap();
    }

    #[test]
    fn origins_that_no_note_can_carry_are_refused() {
        for name in ["", "a b", "a\nb", "a+b", "ä", &"a".repeat(256)] {
            assert!(matches!(super::origin(name), Err(Refused::Malformed("origin"))));
        }
    }

    #[test]
    fn a_damaged_registration_stops_the_start() {
        let state = tempfile::tempdir().unwrap();
        let origins = Origins::open(state.path()).unwrap();
        origins.register(registered("a.invalid/1", 3), |_| Ok(())).unwrap();
        let file = state.path().join("origins").join(file_name(&origin("a.invalid/1")) + ".json");
        std::fs::write(&file, "{}").unwrap();
        assert!(matches!(Origins::open(state.path()), Err(FileError::Content { .. })));
    }
}
