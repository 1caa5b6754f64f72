//! From drafts to one batch: checks that can change, rows sealed, entries applied, one checkpoint signed.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use shroud_custody::{Random as _, StateKey, SystemRandom};
use shroud_journal::{Entry, Kind, RowChange, SignedCheckpoint, State, row_hash};
use shroud_wire::canonical::Canonical;
use shroud_wire::store::{Commit, EntryRecord, Row, RowWrite, Table};
use uuid::Uuid;

use super::draft::{Draft, Guard, Refusal, Write};
use super::log::Log;
use super::{LedgerError, Receipt};
use crate::rows::RowKeys;

/// What turns plain drafts into what the store may see.
pub(crate) struct Sealing {
    origin: String,
    state_key: StateKey,
    journal_key: Ed25519KeyPair,
    row_keys: RowKeys,
}

impl Sealing {
    /// Under the state key and the journal key of `origin`.
    pub(crate) fn new(origin: &str, state_key: StateKey, journal_key: Ed25519KeyPair) -> Self {
        let row_keys = RowKeys::new(&state_key);
        Self { origin: origin.to_owned(), state_key, journal_key, row_keys }
    }

    /// The state key.
    pub(crate) fn state_key(&self) -> &StateKey {
        &self.state_key
    }

    /// The public key that checkpoints verify under.
    pub(crate) fn journal_public(&self) -> [u8; 32] {
        let mut public = [0; 32];
        public.copy_from_slice(self.journal_key.public_key().as_ref());
        public
    }

    /// The names under which the store keeps rows.
    pub(crate) fn row_keys(&self) -> &RowKeys {
        &self.row_keys
    }

    /// Where a row's body belongs.
    pub(crate) fn row_context(&self, table: Table, key: &str, version: u64) -> Vec<u8> {
        Self::row_place(&self.origin, table, key, version)
    }

    /// Where a row's body belongs in the deployment of `origin`.
    pub(crate) fn row_place(origin: &str, table: Table, key: &str, version: u64) -> Vec<u8> {
        Canonical::new("shroud/v1/row-body").field(origin).field(table.name()).field(key).number(version).into_bytes()
    }

    /// Where an entry's body belongs in the deployment of `origin`.
    pub(crate) fn entry_place(origin: &str, sequence: u64) -> Vec<u8> {
        Canonical::new("shroud/v1/entry-body").field(origin).number(sequence).into_bytes()
    }

    /// Where an entry's body belongs.
    pub(crate) fn entry_context(&self, sequence: u64) -> Vec<u8> {
        Self::entry_place(&self.origin, sequence)
    }

    fn seal(&self, context: &[u8], plain: &[u8]) -> Result<Vec<u8>, Refusal> {
        self.state_key.seal(context, plain, &mut SystemRandom).map_err(|error| Refusal::Entry(error.to_string()))
    }

    /// A row as the host keeps it, and the change that the entry names.
    fn write(&self, write: &Write, version: u64) -> Result<(RowWrite, RowChange), Refusal> {
        match write {
            Write::Put { table, key, body, columns } => {
                let body = self.seal(&self.row_context(*table, key, version), body)?;
                let columns = columns.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
                let row = Row { table: table.number(), key: key.clone(), version, body, columns };
                Ok(self.stored(row, false))
            }
            Write::Open { table, key, body } => {
                let row = Row { table: table.number(), key: key.clone(), version, body: body.clone(), ..Row::default() };
                let (write, change) = self.stored(row.clone(), false);
                Ok((RowWrite { row: Some(row), ..write }, change))
            }
            Write::Delete { table, key } => {
                let row = Row { table: table.number(), key: key.clone(), version, ..Row::default() };
                Ok(self.stored(row, true))
            }
        }
    }

    /// The hash is over the plain key; the store sees its opaque name.
    fn stored(&self, row: Row, delete: bool) -> (RowWrite, RowChange) {
        let hash = (!delete).then(|| row_hash(&row));
        let change = RowChange { table: row.table, key: row.key.clone(), version: row.version, hash };
        let key = self.row_keys.opaque(row.table, &row.key);
        (RowWrite { row: Some(Row { key, ..row }), delete }, change)
    }
}

/// One batch on its way to the store.
pub(super) struct Batch {
    commit: Commit,
}

impl Batch {
    /// A batch that extends what is applied so far.
    pub(super) fn after(log: &Log) -> Self {
        let (expected_size, expected_head) = log.with(|state| (state.size(), head(state)));
        Self { commit: Commit { expected_size, expected_head, ..Commit::default() } }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.commit.entries.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.commit.entries.len()
    }

    /// How many rows it writes.
    pub(super) fn rows(&self) -> usize {
        self.commit.rows.len()
    }

    /// Joins a draft: its guards hold now, its entry is applied, its rows are sealed. Or nothing happened.
    pub(super) fn join(
        &mut self,
        log: &Log,
        sealing: &Sealing,
        mut draft: Draft,
        times: (u64, u64),
    ) -> Result<Receipt, LedgerError> {
        let (windows, newest) = times;
        log.with(|state| draft.guards.drain(..).try_for_each(|guard| holds(guard, state, windows)))?;
        let mut rows = Vec::with_capacity(draft.writes.len());
        let mut changes = Vec::with_capacity(draft.writes.len());
        for write in &draft.writes {
            let (row, change) = sealing.write(write, next_version(log, write))?;
            rows.push(row);
            changes.push(change);
        }
        let entry = entry(log, draft, changes, newest)?;
        let applied = log.apply(&entry).map_err(|error| Refusal::Entry(error.to_string()))?;
        let sealed = sealing.seal(&sealing.entry_context(applied.sequence), &applied.bytes)?;
        self.commit.entries.push(EntryRecord { sequence: applied.sequence, sealed });
        self.commit.rows.append(&mut rows);
        Ok(Receipt { sequence: entry.sequence, event: Uuid::from_bytes(entry.id), time: entry.time })
    }

    /// The finished batch with the signed checkpoint over what it ends with.
    pub(super) fn finish(mut self, log: &Log, sealing: &Sealing) -> (Commit, SignedCheckpoint) {
        let checkpoint = log.checkpoint().sign(&sealing.journal_key);
        self.commit.head = log.with(head);
        self.commit.checkpoint = checkpoint.to_bytes();
        (self.commit, checkpoint)
    }
}

/// The head's hash on the wire: empty for an empty journal.
fn head(state: &State) -> Vec<u8> {
    if state.size() == 0 { Vec::new() } else { state.head().to_vec() }
}

fn next_version(log: &Log, write: &Write) -> u64 {
    let (Write::Put { table, key, .. } | Write::Open { table, key, .. } | Write::Delete { table, key }) = write;
    log.with(|state| state.next_version(table.number(), key))
}

fn holds(guard: Guard, state: &State, windows: u64) -> Result<(), Refusal> {
    match guard {
        Guard::Unchanged { table, key, version, what } => {
            let found = state.row(table.number(), &key).map(|row| row.version);
            if found == version { Ok(()) } else { Err(Refusal::Changed { what }) }
        }
        Guard::Room(room) => room(state, windows),
    }
}

fn entry(log: &Log, draft: Draft, rows: Vec<RowChange>, now: u64) -> Result<Entry, Refusal> {
    let next = log.with(State::next);
    let mut blinding = [0; 32];
    SystemRandom.fill(&mut blinding);
    let details = serde_json::to_vec(&draft.details).map_err(|error| Refusal::Entry(error.to_string()))?;
    Ok(Entry {
        sequence: next.sequence,
        previous: next.previous,
        time: now.max(next.time),
        term: next.term + u64::from(draft.kind == Kind::Boot),
        kind: draft.kind,
        id: Uuid::new_v4().into_bytes(),
        actor: draft.actor,
        subject: draft.subject,
        policy_digest: draft.policy_digest,
        rows,
        spends: draft.spends,
        details,
        blinding,
    })
}

/// The first batch of a journal, committed before there is a ledger: the genesis alone.
pub(crate) fn first_entry(
    log: &Log,
    sealing: &Sealing,
    draft: Draft,
    now: u64,
) -> Result<(Commit, SignedCheckpoint), LedgerError> {
    let mut batch = Batch::after(log);
    batch.join(log, sealing, draft, (now, now))?;
    Ok(batch.finish(log, sealing))
}
