//! Whether the enclave stands on its newest state: what a sidecar remembers, and who must have cosigned.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use shroud_cli::connect::witnesses::Cosigners;
use shroud_cli::connect::{Attestor, Checkpoints};

use crate::agent::{Agent, sidecar_with};
use crate::enclave::{Enclave, Identity};
use crate::guest::{Guest, START, State, key, public};
use crate::session::{outcome, references};

/// A folder for a sidecar's memory, removed at the end of its test.
pub(crate) struct Memory(PathBuf);

impl Memory {
    /// A folder that nobody uses.
    pub(crate) fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self(std::env::temp_dir().join(format!("shroud-session-{}-{number}", std::process::id())))
    }

    /// Where it lies.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// What a sidecar that has just started judges by.
    fn attestor(&self) -> Attestor {
        Attestor::new(None, Checkpoints::open(Some(&self.0)).unwrap())
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

#[tokio::test]
async fn an_older_checkpoint_is_refused() {
    let (memory, enclave) = (Memory::new(), Enclave::start(Identity::genuine()).await);
    assert_eq!(outcome(&enclave, memory.attestor()).await, Ok(()));
    let rolled_back =
        [State { size: 4, ..START }, State { term: 1, ..START }, State { size: 9, term: 1, fork: None }];
    for state in rolled_back {
        enclave.guest.lock().unwrap().state = state;
        assert_eq!(outcome(&enclave, memory.attestor()).await, Err("checkpoint_older".to_owned()));
    }
    let forgetful = Attestor::new(None, Checkpoints::open(None).unwrap());
    assert_eq!(
        outcome(&enclave, forgetful).await,
        Ok(()),
        "the control: without memory the old state passes"
    );
    enclave.guest.lock().unwrap().state = START;
    assert_eq!(outcome(&enclave, memory.attestor()).await, Ok(()), "the same is not older");
}

#[tokio::test]
async fn a_newer_checkpoint_is_accepted_and_remembered() {
    let (memory, enclave) = (Memory::new(), Enclave::start(Identity::genuine()).await);
    for state in [START, State { size: 6, ..START }, State { size: 13, term: 3, fork: None }] {
        enclave.guest.lock().unwrap().state = state;
        assert_eq!(outcome(&enclave, memory.attestor()).await, Ok(()));
    }
    enclave.guest.lock().unwrap().state = State { size: 12, term: 3, fork: None };
    assert_eq!(outcome(&enclave, memory.attestor()).await, Err("checkpoint_older".to_owned()));
}

#[tokio::test]
async fn a_forked_checkpoint_is_refused() {
    let (memory, enclave) = (Memory::new(), Enclave::start(Identity::genuine()).await);
    assert_eq!(outcome(&enclave, memory.attestor()).await, Ok(()));
    let forked = [
        State { fork: Some(4), ..START },
        State { size: 8, term: 2, fork: Some(4) },
        State { term: 3, ..START },
    ];
    for state in forked {
        enclave.guest.lock().unwrap().state = state;
        assert_eq!(outcome(&enclave, memory.attestor()).await, Err("checkpoint_forked".to_owned()));
    }
    enclave.guest.lock().unwrap().state = State { size: 8, term: 2, fork: Some(5) };
    assert_eq!(outcome(&enclave, memory.attestor()).await, Ok(()), "what was seen is part of this history");
}

#[tokio::test]
async fn another_journal_key_is_refused() {
    let (memory, enclave) = (Memory::new(), Enclave::start(Identity::genuine()).await);
    assert_eq!(outcome(&enclave, memory.attestor()).await, Ok(()));
    *enclave.guest.lock().unwrap() = Guest::genuine().with_journal_key(2);
    assert_eq!(outcome(&enclave, memory.attestor()).await, Err("journal_key".to_owned()));
}

/// Memory is kept within one sidecar too, and connections that are attested side by side do not disturb each other.
#[tokio::test]
async fn connections_side_by_side_share_one_history() {
    let enclave = Enclave::start(Identity::genuine()).await;
    let (memory, file) = (Memory::new(), references());
    let sidecar = sidecar_with(enclave.address, file.open(), memory.attestor()).await;
    let grow = async {
        for size in 6..40 {
            enclave.guest.lock().unwrap().state.size = size;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let clients = (0..40)
        .map(|_| async move { Agent::connect(sidecar).await.post("/echo", "hello").await.status().as_u16() });
    let clients: Vec<_> = clients.map(tokio::spawn).collect();
    grow.await;
    for client in clients {
        assert_eq!(client.await.unwrap(), 200);
    }
    enclave.guest.lock().unwrap().state = START;
    assert_eq!(Agent::connect(sidecar).await.post("/echo", "").await.status(), 503);
}

#[tokio::test]
async fn named_witnesses_must_have_cosigned() {
    let named = [("gcp", 11), ("aws", 12), ("azure", 13)];
    let options: Vec<_> = named
        .iter()
        .map(|(name, seed)| format!("{name}={}", hex::encode(public(&key(*seed)))).parse().unwrap())
        .collect();
    let attestor = || {
        let cosigners = Cosigners::new(&options, None).unwrap();
        Attestor::new(cosigners, Checkpoints::open(None).unwrap())
    };
    let cosigned = [
        (&named[..], Ok(())),
        (&named[1..], Ok(())),
        (&named[2..], Err("checkpoint_cosignatures".to_owned())),
        (&[("gcp", 11), ("aws", 99)][..], Err("checkpoint_cosignatures".to_owned())),
        (&[], Err("checkpoint_cosignatures".to_owned())),
    ];
    for (witnesses, expected) in cosigned {
        let enclave = Enclave::serving(Identity::genuine(), Guest::genuine().cosigned_by(witnesses)).await;
        assert_eq!(outcome(&enclave, attestor()).await, expected, "{witnesses:?}");
    }
}
