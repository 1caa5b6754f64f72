//! Rows: asked from the store, compared with the journal, opened under the context that is expected, and kept warm.
//!
//! The store sees a MAC in place of each key, so that it learns neither agents' ids nor secret paths. Nothing that it
//! answers is believed: version, presence and bytes must be what the journal says.

use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::hmac;
use shroud_custody::{StateKey, UnsealError};
use shroud_journal::RowError;
use shroud_wire::canonical::Canonical;
use shroud_wire::store::{Row, RowKey, Table};

use crate::ledger::{Log, Sealing};
use crate::records::Record;
use crate::store::{Store, StoreError};

/// Opened rows that are kept; beyond this the memory starts anew.
const KEPT: usize = 65_536;
/// How long a read waits for the commit that wrote what it reads.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why a row is not at hand.
#[derive(Debug, thiserror::Error)]
pub enum RowsError {
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store's answer is not what the journal says.
    #[error(transparent)]
    Judged(#[from] RowError),
    /// The body does not open in its place.
    #[error("row_altered: the body does not open: {0}")]
    Sealed(#[from] UnsealError),
    /// The body is not what its type says.
    #[error("row_altered: the body is not what its table holds: {0}")]
    Body(#[from] serde_json::Error),
}

impl RowsError {
    /// The name to act on: an attack's, or `store`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Store(_) => "store",
            Self::Judged(error) => error.name(),
            Self::Sealed(_) | Self::Body(_) => "row_altered",
        }
    }
}

/// The opaque names under which the store keeps rows.
pub(crate) struct RowKeys(hmac::Key);

impl RowKeys {
    /// Derived from the state key.
    pub(crate) fn new(state_key: &StateKey) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, state_key.derive("shroud/v1/row-keys").expose()))
    }

    /// The name of a row.
    pub(crate) fn opaque(&self, table: u32, key: &str) -> String {
        let place = Canonical::new("shroud/v1/row-key").number(u64::from(table)).field(key).into_bytes();
        hex::encode(hmac::sign(&self.0, &place).as_ref())
    }
}

/// A row that was opened, with the version that it has.
pub(crate) struct Loaded<T> {
    version: u64,
    value: Arc<T>,
}

impl<T> Loaded<T> {
    /// The version, for a guard.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// The value.
    pub(crate) fn value(&self) -> &T {
        &self.value
    }

    /// Version and value.
    pub(crate) fn into_parts(self) -> (u64, Arc<T>) {
        (self.version, self.value)
    }
}

type Kept = HashMap<(Table, String), (u64, Arc<dyn Any + Send + Sync>)>;

/// The deployment's rows.
pub(crate) struct Rows {
    store: Arc<Store>,
    log: Arc<Log>,
    sealing: Arc<Sealing>,
    kept: Mutex<Kept>,
}

impl Rows {
    /// Over the store, judged by the log.
    pub(crate) fn new(store: Arc<Store>, log: Arc<Log>, sealing: Arc<Sealing>) -> Self {
        Self { store, log, sealing, kept: Mutex::default() }
    }

    /// The newest version of a row, or its rightful absence.
    ///
    /// # Errors
    /// Every [`RowsError`].
    pub(crate) async fn load<T: Record>(&self, key: &str) -> Result<Option<Loaded<T>>, RowsError> {
        loop {
            let Some(newest) = self.log.row(T::TABLE.number(), key) else {
                self.stays_away::<T>(key).await?;
                return Ok(None);
            };
            if let Some(value) = self.warm::<T>(key, newest.version) {
                return Ok(Some(Loaded { version: newest.version, value }));
            }
            let found = self.ask::<T>(key, newest.sequence).await?;
            let asked = RowKey { table: T::TABLE.number(), key: key.to_owned() };
            let judged = self.log.with(|state| {
                let overtaken = state.row(asked.table, key).is_none_or(|now| now.version != newest.version);
                (overtaken, state.check_row(&asked, found.as_ref()).map(|fresh| fresh.row().cloned()))
            });
            match judged {
                // A newer version was applied meanwhile, and the store may not have it yet.
                (true, _) => {}
                (false, Ok(Some(row))) => return self.open(key, &row).map(Some),
                (false, Ok(None)) => return Ok(None),
                (false, Err(error)) => return Err(error.into()),
            }
        }
    }

    /// A row that was removed must be gone from the store as well: one that is back is a host's doing.
    async fn stays_away<T: Record>(&self, key: &str) -> Result<(), RowsError> {
        let table = T::TABLE.number();
        let (once, size) = self.log.with(|state| (state.next_version(table, key) > 1, state.size()));
        if !once {
            return Ok(());
        }
        let found = self.ask::<T>(key, size.saturating_sub(1)).await?;
        let asked = RowKey { table, key: key.to_owned() };
        self.log.with(|state| match state.row(table, key) {
            // It was written anew meanwhile.
            Some(_) => Ok(()),
            None => state.check_row(&asked, found.as_ref()).map(drop),
        })?;
        Ok(())
    }

    /// What the store has for a row, once it has acknowledged the entry that wrote the newest version.
    async fn ask<T: Record>(&self, key: &str, sequence: u64) -> Result<Option<Row>, RowsError> {
        if tokio::time::timeout(PATIENCE, self.log.committed(sequence)).await.is_err() {
            return Err(StoreError::Lost("the newest version is not committed yet".to_owned()).into());
        }
        let opaque = self.sealing.row_keys().opaque(T::TABLE.number(), key);
        let found = self.store.row(RowKey { table: T::TABLE.number(), key: opaque }).await?;
        Ok(found.map(|row| Row { key: key.to_owned(), ..row }))
    }

    fn open<T: Record>(&self, key: &str, row: &Row) -> Result<Loaded<T>, RowsError> {
        let context = self.sealing.row_context(T::TABLE, key, row.version);
        let body = self.sealing.state_key().open(&context, &row.body)?;
        let value = Arc::new(serde_json::from_slice::<T>(&body)?);
        self.keep(key, row.version, &value);
        Ok(Loaded { version: row.version, value })
    }

    /// Whether there is such a row, by the journal alone.
    pub(crate) fn exists<T: Record>(&self, key: &str) -> bool {
        self.log.row(T::TABLE.number(), key).is_some()
    }

    /// The keys of a table that begin with `prefix`, in order: exactly those that the journal knows.
    pub(crate) fn keys(&self, table: Table, prefix: &str) -> Vec<String> {
        self.log
            .with(|state| state.list(table.number(), prefix, None).map(|(key, _)| key.to_owned()).collect())
    }

    /// Every row of a table whose key begins with `prefix`, in order: exactly those that the journal knows.
    ///
    /// # Errors
    /// Every [`RowsError`].
    pub(crate) async fn list<T: Record>(&self, prefix: &str) -> Result<Vec<Loaded<T>>, RowsError> {
        let keys = self.keys(T::TABLE, prefix);
        let mut rows = Vec::with_capacity(keys.len());
        for key in keys {
            rows.extend(self.load(&key).await?);
        }
        Ok(rows)
    }

    fn warm<T: Record>(&self, key: &str, version: u64) -> Option<Arc<T>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (found, value) = kept.get(&(T::TABLE, key.to_owned()))?;
        (*found == version).then(|| Arc::clone(value))?.downcast().ok()
    }

    fn keep<T: Record>(&self, key: &str, version: u64, value: &Arc<T>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert((T::TABLE, key.to_owned()), (version, Arc::clone(value) as Arc<dyn Any + Send + Sync>));
    }
}
