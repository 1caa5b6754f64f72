//! The enclave's end of the store's protocol, as small as it can be.

use shroud_wire::frame::{self, FrameError};
use shroud_wire::link::Link;
use shroud_wire::store::{
    Answer, Commit, EntriesQuery, EntryRecord, Head, HeadQuery, KeepCosigned, Operation, Outcome, Request,
    Row, RowKey, RowWrite, RowsQuery, Table,
};

pub(crate) struct Client {
    pub(crate) link: Link,
    next: u64,
}

impl Client {
    pub(crate) fn new(link: Link) -> Self {
        Self { link, next: 0 }
    }

    /// Sends without waiting; gives the request's number.
    pub(crate) async fn send(&mut self, operation: Operation) -> Result<u64, FrameError> {
        self.next += 1;
        frame::write(&mut self.link, &Request { id: self.next, operation: Some(operation) }).await?;
        Ok(self.next)
    }

    pub(crate) async fn receive(&mut self) -> Result<(u64, Outcome), FrameError> {
        let answer: Answer = frame::read(&mut self.link).await?;
        Ok((answer.id, answer.outcome.expect("an outcome")))
    }

    pub(crate) async fn try_call(&mut self, operation: Operation) -> Result<Outcome, FrameError> {
        let sent = self.send(operation).await?;
        let (id, outcome) = self.receive().await?;
        assert_eq!(id, sent);
        Ok(outcome)
    }

    pub(crate) async fn call(&mut self, operation: Operation) -> Outcome {
        self.try_call(operation).await.unwrap()
    }

    pub(crate) async fn commit(&mut self, commit: &Commit) -> Outcome {
        self.call(Operation::Commit(commit.clone())).await
    }

    pub(crate) async fn commits(&mut self, commit: &Commit) {
        let outcome = self.commit(commit).await;
        assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
    }

    pub(crate) async fn keeps_cosigned(&mut self, note: &[u8]) {
        let outcome = self.call(Operation::KeepCosigned(KeepCosigned { note: note.to_vec() })).await;
        assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
    }

    pub(crate) async fn head(&mut self) -> Head {
        match self.call(Operation::Head(HeadQuery {})).await {
            Outcome::Head(head) => head,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn entries(&mut self, from: u64, limit: u32) -> Vec<EntryRecord> {
        match self.call(Operation::Entries(EntriesQuery { from, limit })).await {
            Outcome::Entries(found) => found.entries,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn rows(&mut self, keys: &[(Table, &str)]) -> Vec<Row> {
        match self.call(rows_query(keys)).await {
            Outcome::Rows(found) => found.rows,
            other => panic!("{other:?}"),
        }
    }
}

pub(crate) fn rows_query(keys: &[(Table, &str)]) -> Operation {
    let keys = keys.iter().map(|(table, key)| RowKey { table: table.number(), key: (*key).to_owned() });
    Operation::Rows(RowsQuery { keys: keys.collect() })
}

pub(crate) fn row(table: Table, key: &str, version: u64, body: &[u8]) -> Row {
    Row { table: table.number(), key: key.to_owned(), version, body: body.to_vec(), ..Row::default() }
}

pub(crate) fn put(row: Row) -> RowWrite {
    RowWrite { row: Some(row), delete: false }
}

pub(crate) fn delete(table: Table, key: &str) -> RowWrite {
    RowWrite { row: Some(row(table, key, 0, b"")), delete: true }
}

/// The head after `size` entries of the journal that these tests write.
pub(crate) fn head_at(size: u64) -> Vec<u8> {
    if size == 0 {
        return Vec::new();
    }
    let mut head = vec![0x5a; 32];
    head[..8].copy_from_slice(&size.to_be_bytes());
    head
}

pub(crate) fn entry(sequence: u64) -> EntryRecord {
    EntryRecord { sequence, sealed: format!("entry {sequence}").into_bytes() }
}

/// A batch of `count` entries after the first `size`.
pub(crate) fn batch(size: u64, count: u64, rows: Vec<RowWrite>) -> Commit {
    Commit {
        expected_size: size,
        expected_head: head_at(size),
        head: head_at(size + count),
        entries: (size..size + count).map(entry).collect(),
        rows,
        checkpoint: format!("checkpoint {}", size + count).into_bytes(),
    }
}
