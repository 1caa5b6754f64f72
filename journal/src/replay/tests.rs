//! Replays that end in a state, and every way in which others do not.

use aws_lc_rs::signature::Ed25519KeyPair;

use super::*;
use crate::checkpoint::{Checkpoint, Origin};
use crate::kind::Kind;

/// Genesis, boot and two signatures.
fn journal() -> (State, Vec<Vec<u8>>) {
    let mut state = State::new();
    let kinds = [Kind::Genesis, Kind::Boot, Kind::Sign, Kind::Sign];
    let entries = kinds.map(|kind| {
        let next = state.next();
        let entry = Entry {
            sequence: next.sequence,
            previous: next.previous,
            time: 1000,
            term: next.term + u64::from(kind == Kind::Boot),
            kind,
            id: [0; 16],
            actor: "x".into(),
            subject: String::new(),
            policy_digest: None,
            rows: vec![],
            spends: vec![],
            details: vec![],
            blinding: [0; 32],
        };
        state.apply(&entry).unwrap().bytes
    });
    (state, entries.into())
}

fn checkpoint(size: u64, root: [u8; 32], term: u64) -> SignedCheckpoint {
    let key = Ed25519KeyPair::from_seed_unchecked(&[1; 32]).unwrap();
    Checkpoint { origin: Origin::new("o").unwrap(), size, root, term }.sign(&key)
}

fn replayed() -> Replay {
    let mut replay = Replay::new();
    for bytes in journal().1 {
        replay.push(&bytes).unwrap();
    }
    replay
}

#[test]
fn a_journal_becomes_its_state() {
    let (state, _) = journal();
    let again = replayed().finish(&checkpoint(4, state.tree().root(), 1)).unwrap();
    assert_eq!(again.next(), state.next());
    assert_eq!(again.genesis(), state.genesis());
}

#[test]
fn bytes_that_are_no_entry_are_refused() {
    let error = Replay::new().push(b"x").unwrap_err();
    assert!(matches!(error, ReplayError::Entry { sequence: 0, .. }));
}

#[test]
fn a_missing_doubled_or_swapped_entry_is_refused() {
    let (_, entries) = journal();
    for order in [[0, 2], [0, 0], [1, 0]] {
        let mut replay = Replay::new();
        let outcome: Result<Vec<_>, _> = order.iter().map(|index| replay.push(&entries[*index])).collect();
        assert!(matches!(outcome, Err(ReplayError::Apply { error: ApplyError::Sequence { .. }, .. })));
    }
}

#[test]
fn an_entry_of_a_fork_is_refused() {
    let (_, entries) = journal();
    let mut fork = Entry::parse(&entries[1]).unwrap();
    fork.blinding = [9; 32];
    let mut replay = Replay::new();
    replay.push(&entries[0]).unwrap();
    replay.push(&fork.to_bytes()).unwrap();
    let error = replay.push(&entries[2]).unwrap_err();
    assert_eq!(error, ReplayError::Apply { sequence: 2, error: ApplyError::Previous(2) });
}

#[test]
fn a_truncated_tail_is_refused() {
    let (state, _) = journal();
    let error = replayed().finish(&checkpoint(5, state.tree().root(), 1)).unwrap_err();
    assert_eq!(error, ReplayError::Size { expected: 5, found: 4 });
}

#[test]
fn another_root_is_refused() {
    assert_eq!(replayed().finish(&checkpoint(4, [0; 32], 1)).unwrap_err(), ReplayError::Root(4));
}

#[test]
fn another_term_is_refused() {
    let (state, _) = journal();
    let error = replayed().finish(&checkpoint(4, state.tree().root(), 2)).unwrap_err();
    assert_eq!(error, ReplayError::Term { expected: 2, found: 1 });
}
