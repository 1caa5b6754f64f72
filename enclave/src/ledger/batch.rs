//! From drafts to one batch: checks that can change, rows sealed, entries applied, one checkpoint signed.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use shroud_attestation::session::root_message;
use shroud_custody::{Random as _, StateKey, SystemRandom};
use shroud_journal::{Entry, Kind, RowChange, SignedCheckpoint, State, row_hash};
use shroud_wire::canonical::Canonical;
use shroud_wire::limits;
use shroud_wire::store::{Commit, EntryRecord, Row, RowWrite, Table};
use uuid::Uuid;

use super::draft::{Draft, Guard, Refusal, Write};
use super::log::Log;
use super::{LedgerError, Receipt};
use crate::rows::RowKeys;

/// About how many bytes a batch may take; the rest of a frame is for what sealing and framing add.
const SIZE: usize = limits::FRAME / 2;

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

    /// The journal key's signature over the root of a batch of sessions, under its own label.
    pub(crate) fn sign_session(&self, root: &[u8; 32]) -> Vec<u8> {
        self.journal_key.sign(&root_message(root)).as_ref().to_vec()
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
        Canonical::new("shroud/v1/row-body")
            .field(origin)
            .field(table.name())
            .field(key)
            .number(version)
            .into_bytes()
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
        self.state_key
            .seal(context, plain, &mut SystemRandom)
            .map_err(|error| Refusal::Entry(error.to_string()))
    }

    /// A row as the host keeps it, and the change that the entry names.
    fn write(&self, write: &Write, version: u64) -> Result<(RowWrite, RowChange), Refusal> {
        match write {
            Write::Put { table, key, body, columns } => {
                let body = self.seal(&self.row_context(*table, key, version), body)?;
                let columns =
                    columns.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
                let row = Row { table: table.number(), key: key.clone(), version, body, columns };
                Ok(self.stored(row, false))
            }
            Write::Open { table, key, body } => {
                let row = Row {
                    table: table.number(),
                    key: key.clone(),
                    version,
                    body: body.clone(),
                    ..Row::default()
                };
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
    size: usize,
}

impl Batch {
    /// A batch that extends what is applied so far.
    pub(super) fn after(log: &Log) -> Self {
        let (expected_size, expected_head) = log.with(|state| (state.size(), head(state)));
        Self { commit: Commit { expected_size, expected_head, ..Commit::default() }, size: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.commit.entries.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.commit.entries.len()
    }

    /// Whether a further draft fits: the whole batch must go in one frame to the store.
    pub(super) fn takes(&self, draft: &Draft, details: &[u8]) -> bool {
        let size = self.size.saturating_add(draft.size()).saturating_add(details.len());
        self.commit.rows.len() + draft.writes.len() <= limits::ROWS && size <= SIZE
    }

    /// Joins a draft: its guards hold now, its entry is applied, its rows are sealed. Or nothing happened.
    pub(super) fn join(
        &mut self,
        log: &Log,
        sealing: &Sealing,
        mut draft: Draft,
        details: Vec<u8>,
        times: (u64, u64),
    ) -> Result<Receipt, LedgerError> {
        let (windows, newest) = times;
        if self.is_empty() && !self.takes(&draft, &details) {
            return Err(Refusal::Entry("one record is larger than a batch may be".to_owned()).into());
        }
        let size = draft.size().saturating_add(details.len());
        log.with(|state| draft.guards.drain(..).try_for_each(|guard| holds(guard, state, windows)))?;
        let mut rows = Vec::with_capacity(draft.writes.len());
        let mut changes = Vec::with_capacity(draft.writes.len());
        for write in &draft.writes {
            let (row, change) = sealing.write(write, next_version(log, write))?;
            rows.push(row);
            changes.push(change);
        }
        let entry = entry(log, draft, details, changes, newest);
        let applied = log.apply(&entry).map_err(|error| Refusal::Entry(error.to_string()))?;
        // What was applied and cannot be written takes the whole state with it.
        let sealed = sealing.seal(&sealing.entry_context(applied.sequence), &applied.bytes);
        let sealed = sealed.map_err(|error| LedgerError::Stopped(error.to_string()))?;
        self.commit.entries.push(EntryRecord { sequence: applied.sequence, sealed });
        self.commit.rows.append(&mut rows);
        self.size += size;
        Ok(Receipt { sequence: entry.sequence, event: Uuid::from_bytes(entry.id) })
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
    let (Write::Put { table, key, .. } | Write::Open { table, key, .. } | Write::Delete { table, key }) =
        write;
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

fn entry(log: &Log, draft: Draft, details: Vec<u8>, rows: Vec<RowChange>, now: u64) -> Entry {
    let next = log.with(State::next);
    let mut blinding = [0; 32];
    SystemRandom.fill(&mut blinding);
    Entry {
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
    }
}

/// The first batch of a journal, committed before there is a ledger: the genesis alone.
pub(crate) fn first_entry(
    log: &Log,
    sealing: &Sealing,
    draft: Draft,
    now: u64,
) -> Result<(Commit, SignedCheckpoint), LedgerError> {
    let mut batch = Batch::after(log);
    let details = draft.details()?;
    batch.join(log, sealing, draft, details, (now, now))?;
    Ok(batch.finish(log, sealing))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use shroud_journal::Origin;

    use super::*;

    const ORIGIN: &str = "log.example/1";

    fn scene() -> (Log, Sealing) {
        let log = Log::new(Origin::new(ORIGIN).unwrap(), State::new());
        let journal_key = Ed25519KeyPair::from_seed_unchecked(&[1; 32]).unwrap();
        let sealing = Sealing::new(ORIGIN, StateKey::generate(&mut SystemRandom), journal_key);
        let genesis = Draft::new(Kind::Genesis, "enclave", ORIGIN, json!({}));
        first_entry(&log, &sealing, genesis, 1).unwrap();
        let boot = Draft::new(Kind::Boot, "enclave", ORIGIN, json!({}));
        Batch::after(&log).join(&log, &sealing, boot, b"{}".to_vec(), (1, 1)).unwrap();
        (log, sealing)
    }

    fn draft(key: &str, bytes: usize) -> Draft {
        let mut draft = Draft::new(Kind::Setting, "user:1", "setting:1", json!({}));
        let body = vec![0; bytes].into();
        draft.writes.push(Write::Put {
            table: Table::Settings,
            key: key.to_owned(),
            body,
            columns: Vec::new(),
        });
        draft
    }

    #[test]
    fn a_batch_never_outgrows_a_frame() {
        let (log, sealing) = scene();
        let mut batch = Batch::after(&log);
        let mut joined = 0;
        loop {
            let (draft, details) = (draft(&joined.to_string(), 1 << 20), vec![b' '; 100_000]);
            if !batch.takes(&draft, &details) {
                break;
            }
            batch.join(&log, &sealing, draft, details, (1, 1)).unwrap();
            joined += 1;
        }
        assert!((2..8).contains(&joined), "{joined}");
        let (commit, _) = batch.finish(&log, &sealing);
        let operation = Some(shroud_wire::store::Operation::Commit(commit));
        assert!(shroud_wire::frame::encode(&shroud_wire::store::Request { id: 1, operation }).is_ok());
    }

    #[test]
    fn a_record_that_no_batch_could_hold_is_refused_and_changes_nothing() {
        let (log, sealing) = scene();
        let before = log.size();
        let refused = Batch::after(&log).join(&log, &sealing, draft("a", SIZE), Vec::new(), (1, 1));
        assert!(matches!(refused, Err(LedgerError::Refused(Refusal::Entry(_)))));
        assert_eq!(log.size(), before);
    }

    #[test]
    fn a_decision_under_an_older_row_is_refused() {
        let (log, sealing) = scene();
        let mut batch = Batch::after(&log);
        batch.join(&log, &sealing, draft("a", 1), Vec::new(), (1, 1)).unwrap();
        let guard =
            |version| Guard::Unchanged { table: Table::Settings, key: "a".into(), version, what: "the row" };
        for (version, holds) in [(None, false), (Some(1), true), (Some(1), false)] {
            let mut next = draft("a", 1);
            next.guards.push(guard(version));
            assert_eq!(batch.join(&log, &sealing, next, Vec::new(), (1, 1)).is_ok(), holds, "{version:?}");
        }
    }

    #[test]
    fn the_store_sees_neither_keys_nor_bodies() {
        let (log, sealing) = scene();
        let mut batch = Batch::after(&log);
        let mut secret = draft("agents/7/secret-path", 0);
        if let Some(Write::Put { body, .. }) = secret.writes.first_mut() {
            *body = b"sk_live_value".to_vec().into();
        }
        batch.join(&log, &sealing, secret, b"\"sk_live_detail\"".to_vec(), (1, 1)).unwrap();
        let (commit, _) = batch.finish(&log, &sealing);
        let bytes = prost::Message::encode_to_vec(&commit);
        let found = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
        assert!(found(ORIGIN.as_bytes()), "the checkpoint names the origin");
        for needle in [&b"secret-path"[..], b"sk_live_value", b"sk_live_detail"] {
            assert!(!found(needle));
        }
    }
}
