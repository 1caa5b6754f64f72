//! The store's contract, over its link.

use shroud_host::limits::Limits;
use shroud_wire::limits::{ENTRY, FRAME, ROW_BODY, ROWS};
use shroud_wire::store::{EntryRecord, Outcome, Row, Table};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::client::{Client, batch, delete, entry, head_at, put, row, rows_query};
use crate::running::Running;

async fn started() -> (Running, Client) {
    let host = Running::start(Limits::default()).await;
    let client = host.store().await;
    (host, client)
}

fn vault(version: u64, columns: &[(&str, &str)]) -> Row {
    let columns = columns.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Row { columns, ..row(Table::Vaults, "v1", version, b"sealed") }
}

fn detail(outcome: Outcome) -> String {
    match outcome {
        Outcome::Failure(failure) => failure.detail,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_empty_store_has_an_empty_head() {
    let (_host, mut store) = started().await;
    assert_eq!(store.head().await, Default::default());
    assert!(store.entries(0, 10).await.is_empty());
    assert!(store.rows(&[(Table::Agents, "a1")]).await.is_empty());
}

#[tokio::test]
async fn a_batch_is_there_in_whole() {
    let (_host, mut store) = started().await;
    let vault = vault(1, &[("mpc_custody", "2of3_multi_hsm"), ("mpc_threshold", "")]);
    let agent = row(Table::Agents, "a1", 7, &[0, 255]);
    store.commits(&batch(0, 3, vec![put(vault.clone()), put(agent.clone())])).await;
    let head = store.head().await;
    assert_eq!((head.size, head.head), (3, head_at(3)));
    assert_eq!(head.checkpoint, b"checkpoint 3");
    assert_eq!(store.entries(1, 10).await, [entry(1), entry(2)]);
    assert_eq!(store.entries(0, 1).await, [entry(0)]);
    let found = store.rows(&[(Table::Vaults, "v1"), (Table::Vaults, "a1"), (Table::Agents, "a1")]).await;
    assert_eq!(found, [vault, agent]);
}

#[tokio::test]
async fn a_new_version_takes_the_old_ones_place_in_whole() {
    let (_host, mut store) = started().await;
    store.commits(&batch(0, 1, vec![put(vault(1, &[("mpc_custody", "x"), ("mpc_threshold", "2")]))])).await;
    let newer = vault(2, &[("mpc_threshold", "3")]);
    store.commits(&batch(1, 1, vec![put(newer.clone())])).await;
    assert_eq!(store.rows(&[(Table::Vaults, "v1")]).await, [newer]);
}

#[tokio::test]
async fn a_deleted_row_is_gone_and_may_come_again() {
    let (_host, mut store) = started().await;
    let key = [(Table::Agents, "a1")];
    store.commits(&batch(0, 1, vec![put(row(Table::Agents, "a1", 1, b"one"))])).await;
    store.commits(&batch(1, 1, vec![delete(Table::Agents, "a1"), delete(Table::Agents, "never")])).await;
    assert!(store.rows(&key).await.is_empty());
    let again = row(Table::Agents, "a1", 3, b"three");
    store.commits(&batch(2, 1, vec![delete(Table::Agents, "a1"), put(again.clone())])).await;
    assert_eq!(store.rows(&key).await, [again]);
}

#[tokio::test]
async fn another_head_is_a_conflict_and_changes_nothing() {
    let (_host, mut store) = started().await;
    store.commits(&batch(0, 2, vec![])).await;
    let mut forked = batch(2, 1, vec![put(row(Table::Agents, "a1", 1, b"x"))]);
    forked.expected_head = vec![9; 32];
    let ahead = batch(3, 1, vec![put(row(Table::Agents, "a1", 1, b"x"))]);
    for wrong in [forked, ahead] {
        match store.commit(&wrong).await {
            Outcome::Conflict(head) => assert_eq!((head.size, head.head), (2, head_at(2))),
            other => panic!("{other:?}"),
        }
    }
    assert!(store.rows(&[(Table::Agents, "a1")]).await.is_empty());
    assert_eq!(store.entries(0, 10).await.len(), 2);
}

#[tokio::test]
async fn a_retry_is_answered_as_the_first_time() {
    let (_host, mut store) = started().await;
    let first = batch(0, 2, vec![put(row(Table::Agents, "a1", 1, b"one"))]);
    let second = batch(2, 1, vec![put(row(Table::Agents, "a1", 2, b"two"))]);
    store.commits(&first).await;
    store.commits(&first).await;
    store.commits(&second).await;
    store.commits(&first).await;
    store.commits(&second).await;
    assert_eq!(store.head().await.size, 3);
    assert_eq!(store.rows(&[(Table::Agents, "a1")]).await, [row(Table::Agents, "a1", 2, b"two")]);
}

#[tokio::test]
async fn a_retry_that_differs_is_a_conflict() {
    let (_host, mut store) = started().await;
    let first = batch(0, 2, vec![]);
    store.commits(&first).await;
    let mut other_entry = first.clone();
    other_entry.entries[0] = EntryRecord { sequence: 0, sealed: b"other".to_vec() };
    let mut other_head = first.clone();
    other_head.head = vec![9; 32];
    let part = batch(0, 1, vec![]);
    let longer = batch(0, 3, vec![]);
    for wrong in [other_entry, other_head, part, longer] {
        let outcome = store.commit(&wrong).await;
        assert!(matches!(outcome, Outcome::Conflict(_)), "{outcome:?}");
    }
    assert_eq!(store.entries(0, 10).await, [entry(0), entry(1)]);
}

#[tokio::test]
async fn a_refused_batch_leaves_nothing_behind() {
    let (_host, mut store) = started().await;
    let wrong = vault(1, &[("owner", "me")]);
    let refused = store.commit(&batch(0, 1, vec![put(row(Table::Agents, "a1", 1, b"x")), put(wrong)])).await;
    assert!(detail(refused).contains("no column \"owner\""));
    assert_eq!(store.head().await.size, 0);
    assert!(store.rows(&[(Table::Agents, "a1")]).await.is_empty());
}

#[tokio::test]
async fn the_cosigned_checkpoint_is_kept_beside_the_head() {
    let (_host, mut store) = started().await;
    store.commits(&batch(0, 1, vec![])).await;
    store.keeps_cosigned(b"cosigned 1").await;
    store.commits(&batch(1, 1, vec![])).await;
    let head = store.head().await;
    assert_eq!(
        (head.checkpoint.as_slice(), head.cosigned.as_slice()),
        (&b"checkpoint 2"[..], &b"cosigned 1"[..])
    );
}

#[tokio::test]
async fn answers_with_entries_stay_within_a_frame() {
    let (_host, mut store) = started().await;
    let mut size = 0;
    for _ in 0..2 {
        let mut large = batch(size, 20, vec![]);
        for entry in &mut large.entries {
            entry.sealed = vec![0xee; ENTRY];
        }
        store.commits(&large).await;
        size += 20;
    }
    let mut seen = 0;
    while seen < size {
        let found = store.entries(seen, u32::MAX).await;
        assert!(!found.is_empty() && found.len() * ENTRY < FRAME, "{}", found.len());
        assert_eq!(found[0].sequence, seen);
        seen += u64::try_from(found.len()).unwrap();
    }
    assert_eq!(seen, size);
}

#[tokio::test]
async fn rows_beyond_an_answer_are_a_failure_and_not_left_out() {
    let (_host, mut store) = started().await;
    let names = ["a", "b", "c", "d"];
    for (size, name) in (0..).zip(names) {
        let large = row(Table::Secrets, name, 1, &vec![1; ROW_BODY]);
        store.commits(&batch(size, 1, vec![put(large)])).await;
    }
    let keys = names.map(|name| (Table::Secrets, name));
    assert_eq!(store.rows(&keys[..3]).await.len(), 3);
    assert!(detail(store.call(rows_query(&keys)).await).contains("exceed"));
}

#[tokio::test]
async fn a_query_beyond_its_limit_is_refused() {
    let (_host, mut store) = started().await;
    let keys = vec![(Table::Agents, "a"); ROWS + 1];
    assert!(detail(store.call(rows_query(&keys)).await).contains("at most 1024"));
    assert!(detail(store.call(rows_query(&[(Table::Agents, "")])).await).contains("empty key"));
}

#[tokio::test]
async fn pipelined_batches_take_effect_in_their_order() {
    let (_host, mut store) = started().await;
    for size in 0..50 {
        store.send(shroud_wire::store::Operation::Commit(batch(size, 1, vec![]))).await.unwrap();
        store.send(rows_query(&[(Table::Agents, "a1")])).await.unwrap();
    }
    let mut answered = Vec::new();
    for _ in 0..100 {
        let (id, outcome) = store.receive().await.unwrap();
        assert!(matches!(outcome, Outcome::Done(_) | Outcome::Rows(_)), "{outcome:?}");
        answered.push(id);
    }
    answered.sort_unstable();
    assert!(answered.iter().copied().eq(1..=100));
    assert_eq!(store.head().await.size, 50);
}

#[tokio::test]
async fn a_peer_that_finished_sending_still_gets_its_answers() {
    let (_host, mut store) = started().await;
    store.send(shroud_wire::store::Operation::Commit(batch(0, 1, vec![]))).await.unwrap();
    store.link.shutdown().await.unwrap();
    assert!(matches!(store.receive().await.unwrap(), (1, Outcome::Done(_))));
    assert_eq!(store.link.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test]
async fn hostile_frames_end_their_own_connection_only() {
    let (host, mut store) = started().await;
    let too_long = [0xff; 64].to_vec();
    let garbage = [&[0, 0, 0, 4][..], &[0xff; 4]].concat();
    let no_operation = [0, 0, 0, 2, 0x08, 0x05].to_vec();
    let many_items = [&[0, 1, 0, 4, 0x2a, 0x80, 0x80, 0x04][..], &[0x2a, 0].repeat(32 * 1024)].concat();
    for hostile in [too_long, garbage, many_items] {
        let mut link = host.store_link().await;
        // The host may close before it has read everything.
        let _ = link.write_all(&hostile).await;
        let mut answer = Vec::new();
        let _ = link.read_to_end(&mut answer).await;
        assert!(answer.is_empty(), "{answer:x?}");
    }
    let mut link = host.store_link().await;
    link.write_all(&no_operation).await.unwrap();
    let (id, refused) = Client::new(link).receive().await.unwrap();
    assert_eq!((id, detail(refused).as_str()), (5, "refused: no operation that this host knows"));
    assert_eq!(store.head().await.size, 0);
}

#[tokio::test]
async fn what_was_committed_is_there_after_a_restart() {
    let (host, mut store) = started().await;
    let agent = row(Table::Agents, "a1", 1, b"one");
    store.commits(&batch(0, 2, vec![put(agent.clone())])).await;
    store.keeps_cosigned(b"cosigned").await;
    let before = store.head().await;
    let host = host.restart().await;
    let mut store = host.store().await;
    assert_eq!(store.head().await, before);
    assert_eq!(store.rows(&[(Table::Agents, "a1")]).await, [agent]);
    assert_eq!(store.entries(0, 9).await, [entry(0), entry(1)]);
}

#[tokio::test]
async fn others_may_open_the_database_while_it_is_written() {
    let (host, mut store) = started().await;
    store.commits(&batch(0, 1, vec![put(vault(1, &[("mpc_custody", "2of3_multi_hsm")]))])).await;
    let other =
        rusqlite::Connection::open_with_flags(host.database(), rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY)
            .unwrap();
    let read = || -> (String, i64) {
        let sql = "SELECT mpc_custody, (SELECT size FROM head) FROM vaults";
        other.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
    };
    assert_eq!(read(), ("2of3_multi_hsm".to_owned(), 1));
    store.commits(&batch(1, 1, vec![])).await;
    assert_eq!(read().1, 2);
}

#[tokio::test]
async fn the_wal_is_moved_into_the_database_beside_the_commits() {
    let (host, mut store) = started().await;
    let large = 16 * u64::try_from(ROW_BODY).unwrap();
    for size in 0..16 {
        let row = row(Table::Secrets, &size.to_string(), 1, &vec![1; ROW_BODY]);
        store.commits(&batch(size, 1, vec![put(row)])).await;
    }
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(30);
    while std::fs::metadata(host.database()).unwrap().len() < large / 2 {
        assert!(tokio::time::Instant::now() < deadline, "the database did not grow");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}
