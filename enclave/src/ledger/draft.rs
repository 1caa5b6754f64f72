//! What is about to be recorded: everything of an entry that its author knows, and what must still hold when it joins.

use serde_json::Value;
use shroud_custody::CustodyMode;
use shroud_journal::{Kind, Spend, State};
use shroud_wire::limits;
use shroud_wire::store::Table;

use crate::records::Record;

/// More than actor, subject, hashes and framing of one entry take.
const FIXED: usize = 4096;

/// A check that failed when a record joined its batch.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// A row is no longer what it was when the decision was made.
    #[error("{what} changed while the request was being decided")]
    Changed {
        /// What the row is, for the caller.
        what: &'static str,
    },
    /// The budget no longer has room.
    #[error("{reason}")]
    NoRoom {
        /// The step that denies.
        step: &'static str,
        /// Why.
        reason: String,
        /// The denial, for the record and the answer.
        denial: Value,
    },
    /// The journal would not take the entry.
    #[error("the journal refused the entry: {0}")]
    Entry(String),
}

/// A budget check under the state at joining; `now` is the windows' time.
pub(crate) type Room = Box<dyn FnOnce(&State, u64) -> Result<(), Refusal> + Send>;

/// What must still hold when a record joins its batch.
pub(crate) enum Guard {
    /// The row has the version that the decision was made on; `None`: it must not exist.
    Unchanged {
        /// Its table.
        table: Table,
        /// Its key.
        key: String,
        /// The version that was read.
        version: Option<u64>,
        /// What the row is, for the caller.
        what: &'static str,
    },
    /// The budget has room.
    Room(Room),
}

/// A row to write.
pub(crate) enum Write {
    /// A new version.
    Put {
        /// Its table.
        table: Table,
        /// Its key.
        key: String,
        /// Plaintext; sealed on joining.
        body: zeroize::Zeroizing<Vec<u8>>,
        /// Projections for operators.
        columns: Vec<(&'static str, String)>,
    },
    /// A new version of what must be read before there is a state key: the wrapped state key, and nothing else.
    Open {
        /// Its table.
        table: Table,
        /// Its key, which is its name in the store as well.
        key: String,
        /// Plain bytes.
        body: Vec<u8>,
    },
    /// A tombstone.
    Delete {
        /// Its table.
        table: Table,
        /// Its key.
        key: String,
    },
}

/// What is about to be recorded.
pub(crate) struct Draft {
    pub(crate) kind: Kind,
    pub(crate) actor: String,
    pub(crate) subject: String,
    pub(crate) policy_digest: Option<[u8; 32]>,
    pub(crate) writes: Vec<Write>,
    pub(crate) spends: Vec<Spend>,
    pub(crate) details: Value,
    pub(crate) guards: Vec<Guard>,
    pub(crate) expires: Option<u64>,
}

impl Draft {
    /// An entry of `kind`: who did it, and to what.
    #[must_use]
    pub(crate) fn new(
        kind: Kind,
        actor: impl Into<String>,
        subject: impl Into<String>,
        details: Value,
    ) -> Self {
        Self {
            kind,
            actor: actor.into(),
            subject: subject.into(),
            policy_digest: None,
            writes: Vec::new(),
            spends: Vec::new(),
            details,
            guards: Vec::new(),
            expires: None,
        }
    }

    /// Writes a row.
    ///
    /// # Errors
    /// What serialization says.
    pub(crate) fn put<T: Record>(self, key: impl Into<String>, value: &T) -> Result<Self, serde_json::Error> {
        self.put_with(key, value, Vec::new())
    }

    /// Writes a row with projections.
    pub(crate) fn put_with<T: Record>(
        mut self,
        key: impl Into<String>,
        value: &T,
        columns: Vec<(&'static str, String)>,
    ) -> Result<Self, serde_json::Error> {
        let body = serde_json::to_vec(value)?.into();
        self.writes.push(Write::Put { table: T::TABLE, key: key.into(), body, columns });
        Ok(self)
    }

    /// Writes the one row that must be read before there is a state key.
    pub(crate) fn open(mut self, table: Table, key: &str, body: Vec<u8>) -> Self {
        self.writes.push(Write::Open { table, key: key.to_owned(), body });
        self
    }

    /// Removes a row.
    pub(crate) fn delete<T: Record>(self, key: impl Into<String>) -> Self {
        self.remove(T::TABLE, key)
    }

    /// Removes a row of a table, whatever it holds.
    pub(crate) fn remove(mut self, table: Table, key: impl Into<String>) -> Self {
        self.writes.push(Write::Delete { table, key: key.into() });
        self
    }

    /// How many bytes its rows and its entry take at most, the details left out.
    pub(crate) fn size(&self) -> usize {
        let write = |write: &Write| match write {
            Write::Put { body, key, .. } => body.len() + key.len(),
            Write::Open { body, key, .. } => body.len() + key.len(),
            Write::Delete { key, .. } => key.len(),
        };
        // Each row is named in the entry as well; sealing and framing add less than this.
        let rows: usize = self.writes.iter().map(|one| 2 * limits::ROW_KEY + write(one)).sum();
        rows + self.spends.len() * 4 * limits::ENTRY_TEXT + FIXED
    }

    /// What the customer will be shown, as the entry carries it.
    ///
    /// # Errors
    /// [`Refusal::Entry`] if it has no JSON form.
    pub(crate) fn details(&self) -> Result<Vec<u8>, Refusal> {
        serde_json::to_vec(&self.details).map_err(|error| Refusal::Entry(error.to_string()))
    }

    /// Holds only while a row has the version that was read.
    pub(crate) fn unchanged<T: Record>(
        mut self,
        key: impl Into<String>,
        version: Option<u64>,
        what: &'static str,
    ) -> Self {
        self.guards.push(Guard::Unchanged { table: T::TABLE, key: key.into(), version, what });
        self
    }

    /// Holds only while a budget has room.
    pub(crate) fn room(mut self, room: Room) -> Self {
        self.guards.push(Guard::Room(room));
        self
    }

    /// Judged under a policy.
    pub(crate) fn under(mut self, policy_digest: [u8; 32]) -> Self {
        self.policy_digest = Some(policy_digest);
        self
    }

    /// Spends from an agent's windows.
    pub(crate) fn spending(mut self, spends: Vec<Spend>) -> Self {
        self.spends = spends;
        self
    }

    /// Leaves only while the caller's credential counts.
    pub(crate) fn before(mut self, expires: Option<u64>) -> Self {
        self.expires = expires;
        self
    }
}

/// The projections of a vault's custody.
pub(crate) fn custody_columns(mode: Option<CustodyMode>) -> Vec<(&'static str, String)> {
    let Some(mode) = mode else { return Vec::new() };
    let providers: Vec<&str> = mode.providers().iter().map(|provider| provider.name()).collect();
    vec![
        ("mpc_custody", mode.name().to_owned()),
        ("mpc_threshold", "2".to_owned()),
        ("mpc_providers", providers.join(",")),
    ]
}
