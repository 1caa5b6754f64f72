//! A proxy elsewhere held thirty slow calls, panicked, ran out of memory. This one is bounded: what is beyond a
//! bound waits, what stalls is cut, and the rest is served meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use prost::Message as _;
use shroud_host::limits::Limits;
use shroud_wire::limits::{ENTRY, FRAME, ROW_BODY};
use shroud_wire::link::Listener;
use shroud_wire::store::{Commit, EntriesQuery, HeadQuery, Operation, Outcome, Request, Table};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::client::{batch, put, row};
use crate::durability::Program;
use crate::running::Running;

/// Greets every client with one byte, then waits for it to go; notes how many were there at once.
async fn greet_all(enclave: Listener, most: Arc<AtomicUsize>) {
    let present = Arc::new(AtomicUsize::new(0));
    while let Ok(mut link) = enclave.accept().await {
        let (present, most) = (present.clone(), most.clone());
        tokio::spawn(async move {
            most.fetch_max(present.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            let _ = link.write_all(b"!").await;
            let _ = link.read(&mut [0]).await;
            present.fetch_sub(1, Ordering::SeqCst);
        });
    }
}

#[tokio::test]
async fn proxy_load_connections_are_bounded_and_all_are_served() {
    let host = Running::start(Limits { ingress: 8, ..Limits::default() }).await;
    let most = Arc::new(AtomicUsize::new(0));
    tokio::spawn(greet_all(host.enclave(), most.clone()));
    let clients = (0..64).map(|_| {
        let address = host.ingress;
        tokio::spawn(async move {
            let mut client = TcpStream::connect(address).await.unwrap();
            let mut greeting = [0];
            client.read_exact(&mut greeting).await.unwrap();
            greeting
        })
    });
    for client in clients.collect::<Vec<_>>() {
        assert_eq!(client.await.unwrap(), *b"!");
    }
    let most = most.load(Ordering::SeqCst);
    // The ninth may arrive before the enclave has noticed that one of the eight is gone.
    assert!((1..=16).contains(&most), "{most} at once");
}

#[tokio::test]
async fn proxy_load_silent_clients_give_their_places_up() {
    let limits = Limits { ingress: 2, idle: Duration::from_millis(200), ..Limits::default() };
    let host = Running::start(limits).await;
    tokio::spawn(greet_all(host.enclave(), Arc::default()));
    let mut silent = Vec::new();
    for _ in 0..2 {
        silent.push(TcpStream::connect(host.ingress).await.unwrap());
    }
    let mut late = TcpStream::connect(host.ingress).await.unwrap();
    let mut greeting = [0];
    late.read_exact(&mut greeting).await.unwrap();
    assert_eq!(greeting, *b"!");
}

#[tokio::test]
async fn proxy_load_garbage_ends_nothing_but_itself() {
    let host = Running::start(Limits::default()).await;
    let mut store = host.store().await;
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for round in 0..300 {
        let noise = (0..round).map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_be_bytes()[0]
        });
        let body = noise.collect::<Vec<_>>();
        let prefix = u32::try_from(body.len()).unwrap().to_be_bytes();
        for mut link in [host.store_link().await, host.egress().await] {
            // Either may be closed by the host at any byte.
            let _ = link.write_all(&[&prefix, body.as_slice()].concat()).await;
            let _ = link.shutdown().await;
            let _ = link.read_to_end(&mut Vec::new()).await;
        }
        assert_eq!(store.head().await.size, 0);
    }
}

#[tokio::test]
async fn proxy_load_a_client_that_never_reads_is_cut_and_others_are_served() {
    let limits = Limits { frame: Duration::from_millis(300), answers: 2, ..Limits::default() };
    let host = Running::start(limits).await;
    let mut store = host.store().await;
    let mut large = batch(0, 16, vec![]);
    large.entries.iter_mut().for_each(|entry| entry.sealed = vec![1; ENTRY]);
    store.commits(&large).await;
    let mut deaf = host.store().await;
    for _ in 0..8 {
        let _ = deaf.send(Operation::Entries(EntriesQuery { from: 0, limit: 16 })).await;
    }
    // Both places for answers are taken by the deaf client; they come free when it is cut.
    assert_eq!(store.head().await.size, 16);
    let ended = async { while deaf.receive().await.is_ok() {} };
    tokio::time::timeout(Duration::from_secs(30), ended).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proxy_load_clients_that_leave_amid_a_read_take_no_reader_along() {
    let host = Running::start(Limits::default()).await;
    let mut store = host.store().await;
    let mut large = batch(0, 16, vec![]);
    large.entries.iter_mut().for_each(|entry| entry.sealed = vec![1; ENTRY]);
    store.commits(&large).await;
    for _ in 0..50 {
        for _ in 0..4 {
            let mut leaving = host.store().await;
            leaving.send(Operation::Entries(EntriesQuery { from: 0, limit: 16 })).await.unwrap();
            // What follows is no request: the connection is ended while its first one is under way.
            leaving.link.write_all(&[0xff; 4]).await.unwrap();
        }
        assert_eq!(store.head().await.size, 16);
    }
}

#[tokio::test]
async fn proxy_load_a_flood_of_requests_waits_and_is_answered() {
    const REQUESTS: u64 = 20_000;
    let host = Running::start(Limits { requests: 4, ..Limits::default() }).await;
    let (mut from, mut to) = tokio::io::split(host.store_link().await);
    let flood = tokio::spawn(async move {
        for id in 0..REQUESTS {
            let request = Request { id, operation: Some(Operation::Head(HeadQuery {})) };
            shroud_wire::frame::write(&mut to, &request).await.unwrap();
        }
        to
    });
    let mut seen = vec![false; usize::try_from(REQUESTS).unwrap()];
    for _ in 0..REQUESTS {
        let answer: shroud_wire::store::Answer = shroud_wire::frame::read(&mut from).await.unwrap();
        assert!(matches!(answer.outcome, Some(Outcome::Head(_))));
        assert!(
            !std::mem::replace(&mut seen[usize::try_from(answer.id).unwrap()], true),
            "{} twice",
            answer.id
        );
    }
    drop(flood.await.unwrap());
}

#[tokio::test]
async fn proxy_load_stalled_frames_do_not_hold_the_store() {
    let limits = Limits { request_bytes: FRAME, frame: Duration::from_millis(300), ..Limits::default() };
    let host = Running::start(limits).await;
    let mut stalled = Vec::new();
    for _ in 0..4 {
        let mut link = host.store_link().await;
        link.write_all(&u32::try_from(FRAME).unwrap().to_be_bytes()).await.unwrap();
        stalled.push(link);
    }
    let mut store = host.store().await;
    let head = tokio::time::timeout(Duration::from_secs(30), store.head()).await.unwrap();
    assert_eq!(head.size, 0);
}

/// The largest memory that a process has had, in KiB.
fn peak_memory(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proxy_load_memory_is_bounded() {
    let folder = TempDir::new().unwrap();
    let program = Program::start(&folder);
    let mut clients = Vec::new();
    for client in 0..16 {
        let mut client_link = Program::client(&folder).await;
        clients.push(tokio::spawn(async move {
            for round in 0..8 {
                let row =
                    |place| row(Table::Secrets, &format!("{client}/{round}/{place}"), 1, &vec![7; ROW_BODY]);
                let rows = (0..3).map(|place| put(row(place))).collect();
                // Only one of them can extend the head; the others conflict.
                let outcome = client_link.call(Operation::Commit(batch(0, 1, rows))).await;
                assert!(matches!(outcome, Outcome::Done(_) | Outcome::Conflict(_)), "{outcome:?}");
            }
        }));
    }
    for client in clients {
        client.await.unwrap();
    }
    let peak = peak_memory(program.0.id());
    assert!(peak < 400 * 1024, "{peak} KiB");
}

#[tokio::test]
async fn proxy_load_a_small_frame_cannot_become_a_large_message() {
    let folder = TempDir::new().unwrap();
    let program = Program::start(&folder);
    let entries = vec![shroud_wire::store::EntryRecord::default(); FRAME / 2 - 64];
    let commit = Operation::Commit(Commit { entries, ..Commit::default() });
    let bytes = Request { id: 1, operation: Some(commit) }.encode_to_vec();
    for _ in 0..8 {
        let mut client = Program::client(&folder).await;
        let prefix = u32::try_from(bytes.len()).unwrap().to_be_bytes();
        let _ = client.link.write_all(&prefix).await;
        let _ = client.link.write_all(&bytes).await;
        assert!(client.receive().await.is_err());
    }
    let peak = peak_memory(program.0.id());
    assert!(peak < 120 * 1024, "{peak} KiB");
}
