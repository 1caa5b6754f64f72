//! The witness: every status by name, the persist-first door, and a model over random histories.

use proptest::prelude::*;

use super::*;
use crate::checkpoint::{Checkpoint, CheckpointError, Origin};
use crate::hash::Hash;
use crate::tree::{ProofError, Tree};

fn key(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}

fn public(seed: u8) -> [u8; 32] {
    key(seed).public_key().as_ref().try_into().unwrap()
}

fn origin() -> Origin {
    Origin::new("shroud.invalid/one").unwrap()
}

fn witness() -> Witness {
    Witness::new("gcp", key(9)).unwrap()
}

/// A tree whose leaves from `split` on belong to history `fork`.
fn tree(size: u64, split: u64, fork: u8) -> Tree {
    let mut tree = Tree::new();
    for index in 0..size {
        let byte = if index < split { 0 } else { fork };
        let mut leaf = [byte; 32];
        leaf[..8].copy_from_slice(&index.to_be_bytes());
        tree.append(leaf);
    }
    tree
}

fn request(tree: &Tree, old: u64, term: u64) -> AddCheckpoint {
    let checkpoint =
        Checkpoint { origin: origin(), size: tree.size(), root: tree.root(), term }.sign(&key(1));
    AddCheckpoint::new(old, tree.consistency(old, tree.size()).unwrap_or_default(), &checkpoint)
}

fn add(memory: &Memory, request: &AddCheckpoint, now: u64) -> Result<Pending, Refused> {
    witness().add_checkpoint(Some(&public(1)), Some(memory), request, now)
}

/// The memory after a checkpoint of five entries in term 2, cosigned at 1000.
fn five() -> Memory {
    let registered = Memory::registered(origin());
    add(&registered, &request(&tree(5, 9, 0), 0, 2), 1000).unwrap().persisted().0
}

fn refused(request: &AddCheckpoint) -> Refused {
    add(&five(), request, 1000).unwrap_err()
}

fn answers(refused: &Refused, status: u16, content_type: &str, body: &str) {
    assert_eq!(
        (refused.status(), refused.content_type(), refused.body().as_str()),
        (status, content_type, body)
    );
}

const PLAIN: &str = "text/plain; charset=utf-8";

#[test]
fn what_extends_the_newest_is_cosigned() {
    let pending = add(&five(), &request(&tree(8, 9, 0), 5, 2), 1001).unwrap();
    let (memory, body) = pending.persisted();
    assert_eq!((memory.size(), memory.term(), memory.time()), (8, 2, 1001));
    let Answer::Cosigned(lines) = Answer::read(200, body.as_bytes()) else { panic!("no lines") };
    let checkpoint = memory.checkpoint().unwrap();
    let cosignature = witness().public().verify(checkpoint, &lines[0]).unwrap();
    assert_eq!((lines.len(), cosignature.time()), (1, 1001));
    let newest = witness().newest(&memory).unwrap();
    assert_eq!(newest, checkpoint.note_with(&lines));
}

#[test]
fn the_newest_is_cosigned_again_with_a_fresh_time() {
    let (memory, _) = add(&five(), &request(&tree(5, 9, 0), 5, 2), 1010).unwrap().persisted();
    assert_eq!((memory.size(), memory.time()), (5, 1010));
}

#[test]
fn a_term_may_rise_with_new_entries() {
    let (memory, _) = add(&five(), &request(&tree(6, 9, 0), 5, 4), 1000).unwrap().persisted();
    assert_eq!(memory.term(), 4);
}

#[test]
fn an_unknown_origin_is_404() {
    let request = request(&tree(8, 9, 0), 5, 2);
    let refused = witness().add_checkpoint(None, None, &request, 1000).unwrap_err();
    assert_eq!(refused, Refused::UnknownOrigin(origin()));
    answers(&refused, 404, PLAIN, "origin_unknown\n");
}

#[test]
fn another_journal_key_is_403() {
    let request = request(&tree(8, 9, 0), 5, 2);
    let refused = witness().add_checkpoint(Some(&public(2)), Some(&five()), &request, 1000).unwrap_err();
    assert_eq!(refused, Refused::Signature);
    answers(&refused, 403, PLAIN, "signature\n");
}

#[test]
fn an_old_size_above_the_new_is_400() {
    let refused = refused(&request(&tree(4, 9, 0), 5, 2));
    assert_eq!(refused, Refused::OldAboveNew { old: 5, size: 4 });
    answers(&refused, 400, PLAIN, "old_above_new\n");
}

#[test]
fn another_old_size_is_409_with_the_size() {
    for old in [0, 4, 6] {
        let refused = refused(&request(&tree(8, 9, 0), old, 2));
        assert_eq!(refused, Refused::Conflict { size: 5 });
        answers(&refused, 409, "text/x.tlog.size", "5\n");
    }
    let never = add(&Memory::registered(origin()), &request(&tree(8, 9, 0), 3, 2), 1000).unwrap_err();
    answers(&never, 409, "text/x.tlog.size", "0\n");
}

#[test]
fn a_rollback_is_409() {
    assert_eq!(refused(&request(&tree(4, 9, 0), 4, 2)), Refused::Conflict { size: 5 });
}

#[test]
fn another_root_at_the_newest_size_is_409() {
    let fork = request(&tree(5, 4, 1), 5, 2);
    assert_eq!(refused(&fork), Refused::Conflict { size: 5 });
}

#[test]
fn another_term_at_the_newest_size_is_409() {
    assert_eq!(refused(&request(&tree(5, 9, 0), 5, 3)), Refused::Conflict { size: 5 });
}

#[test]
fn a_fork_is_422() {
    let refused = refused(&request(&tree(8, 3, 1), 5, 2));
    assert_eq!(refused, Refused::Proof(ProofError::OldRoot));
    answers(&refused, 422, PLAIN, "proof\n");
}

#[test]
fn a_proof_from_the_empty_tree_is_422() {
    let checkpoint =
        Checkpoint { origin: origin(), size: 0, root: Tree::new().root(), term: 0 }.sign(&key(1));
    let request = AddCheckpoint::new(0, vec![[7; 32]], &checkpoint);
    let refused = add(&Memory::registered(origin()), &request, 1000).unwrap_err();
    assert_eq!(refused, Refused::Proof(ProofError::Length(1)));
}

#[test]
fn a_lower_term_is_403_with_the_newest_term() {
    let refused = refused(&request(&tree(8, 9, 0), 5, 1));
    assert_eq!(refused, Refused::TermFell { term: 1, remembered: 2 });
    answers(&refused, 403, PLAIN, "term 2\n");
    assert_eq!(Answer::read(403, refused.body().as_bytes()), Answer::Superseded { term: 2 });
}

#[test]
fn a_lost_memory_is_503() {
    let request = request(&tree(8, 9, 0), 5, 2);
    let refused = witness().add_checkpoint(Some(&public(1)), None, &request, 1000).unwrap_err();
    assert_eq!(refused, Refused::MemoryLost(origin()));
    answers(&refused, 503, PLAIN, "memory_lost\n");
}

#[test]
fn the_memory_of_another_log_is_500() {
    let other = Origin::new("shroud.invalid/two").unwrap();
    let refused = add(&Memory::registered(other.clone()), &request(&tree(1, 9, 0), 0, 0), 1000).unwrap_err();
    assert_eq!(refused, Refused::MemoryOfAnotherLog(other));
    answers(&refused, 500, PLAIN, "memory\n");
}

#[test]
fn clock_backwards_is_503() {
    let refused = add(&five(), &request(&tree(8, 9, 0), 5, 2), 999).unwrap_err();
    assert_eq!(refused, Refused::ClockBackwards { now: 999, remembered: 1000 });
    answers(&refused, 503, PLAIN, "clock_backwards\n");
}

#[test]
fn identical_twin() {
    // The same image on its own database signs with its own key under the same origin.
    let twin = Checkpoint { origin: origin(), size: 8, root: [0; 32], term: 9 }.sign(&key(2));
    let request = AddCheckpoint::new(5, vec![], &twin);
    assert_eq!(refused(&request), Refused::Signature);
}

mod requests {
    use super::*;

    fn refused(text: &str) -> RequestError {
        AddCheckpoint::parse(text.as_bytes()).unwrap_err()
    }

    fn text() -> String {
        String::from_utf8(request(&tree(8, 9, 0), 5, 2).to_bytes()).unwrap()
    }

    #[test]
    fn a_request_reads_back() {
        let request = request(&tree(8, 9, 0), 5, 2);
        assert_eq!(AddCheckpoint::parse(&request.to_bytes()), Ok(request));
    }

    #[test]
    fn a_request_too_long_is_refused() {
        let length = 63 * 45 + 25 + 16 * 1024 + 1;
        assert_eq!(refused(&"x".repeat(length)), RequestError::TooLong(length));
    }

    #[test]
    fn a_request_without_its_parts_is_refused() {
        assert_eq!(refused("old 5\n"), RequestError::Shape);
        assert_eq!(AddCheckpoint::parse(b"\xff"), Err(RequestError::Shape));
    }

    #[test]
    fn an_old_size_in_another_form_is_refused() {
        for first in ["old 05", "old", "old -5", "old 5 ", "size 5", "old 18446744073709551616"] {
            assert_eq!(refused(&text().replacen("old 5", first, 1)), RequestError::OldSize, "{first}");
        }
    }

    #[test]
    fn a_proof_line_that_is_no_hash_is_refused() {
        for line in ["AAAA", "", "not base64"] {
            assert_ne!(
                refused(&text().replacen("old 5\n", &format!("old 5\n{line}\n"), 1)),
                RequestError::Shape
            );
        }
        assert_eq!(refused(&text().replacen("old 5\n", "old 5\nAAAA\n", 1)), RequestError::ProofLine);
    }

    #[test]
    fn a_proof_too_long_is_refused() {
        let line = "A".repeat(43) + "=\n";
        let long = text().replacen("old 5\n", &format!("old 5\n{}", line.repeat(63)), 1);
        assert!(matches!(refused(&long), RequestError::ProofLength(64..)));
    }

    #[test]
    fn what_is_no_checkpoint_is_refused() {
        assert_eq!(
            refused("old 0\n\ntext\n\n— a AAAAAAA=\n"),
            RequestError::Checkpoint(CheckpointError::Text)
        );
        assert_eq!(Refused::from(refused("old 0\n\ntext")).status(), 400);
    }

    proptest! {
        #[test]
        fn hostile_requests_never_panic(bytes: Vec<u8>) {
            prop_assert!(AddCheckpoint::parse(&bytes).is_err());
            let _ = AddCheckpoint::parse(&[b"old 0\n\n", bytes.as_slice()].concat());
            let _ = Answer::read(200, &bytes);
            let _ = Answer::read(409, &bytes);
        }
    }
}

mod answers {
    use super::*;

    #[test]
    fn a_conflict_carries_a_size() {
        assert_eq!(Answer::read(409, b"5\n"), Answer::Conflict { size: 5 });
        for body in [&b"5"[..], b"05\n", b"\n", b"x\n", b"5\n\n"] {
            assert_eq!(Answer::read(409, body), Answer::Malformed { status: 409 });
        }
    }

    #[test]
    fn cosigned_lines_must_be_lines() {
        for body in [&b""[..], b"x\n", "— a AAAAAAA=".as_bytes(), b"\xff\n"] {
            assert_eq!(Answer::read(200, body), Answer::Malformed { status: 200 });
        }
    }

    #[test]
    fn other_refusals_show_their_first_line() {
        let detail = "memory_lost".to_owned();
        assert_eq!(Answer::read(503, b"memory_lost\nmore"), Answer::Refused { status: 503, detail });
        assert_eq!(Answer::read(500, &vec![b'x'; 1 << 20]), Answer::Malformed { status: 500 });
    }
}

mod memories {
    use super::*;
    use shroud_wire::canonical::{Canonical, Malformed};

    fn parse(bytes: &[u8]) -> Result<Memory, MemoryError> {
        Memory::parse(bytes, &origin(), &public(1))
    }

    #[test]
    fn a_memory_reads_back() {
        for memory in [Memory::registered(origin()), five()] {
            assert_eq!(parse(&memory.to_bytes()), Ok(memory));
        }
    }

    #[test]
    fn the_cosignature_is_not_in_the_memory() {
        let pending = add(&five(), &request(&tree(8, 9, 0), 5, 2), 1001).unwrap();
        let bytes = pending.memory().to_bytes();
        let (_, line) = pending.persisted();
        let line = line.trim_end().as_bytes();
        assert!(!bytes.windows(line.len()).any(|window| window == line));
    }

    #[test]
    fn torn_bytes_are_malformed() {
        let bytes = five().to_bytes();
        assert!(matches!(
            parse(&bytes[..bytes.len() - 1]),
            Err(MemoryError::Malformed(Malformed::Truncated { .. }))
        ));
        assert!(matches!(parse(&[]), Err(MemoryError::Malformed(_))));
        assert_eq!(parse(&[bytes, vec![0]].concat()), Err(MemoryError::Malformed(Malformed::Trailing(1))));
    }

    #[test]
    fn the_memory_of_another_log_is_refused() {
        let other = Memory::registered(Origin::new("shroud.invalid/two").unwrap());
        assert_eq!(parse(&other.to_bytes()), Err(MemoryError::AnotherLog("shroud.invalid/two".into())));
    }

    #[test]
    fn a_checkpoint_of_another_key_is_refused() {
        let note = Checkpoint { origin: origin(), size: 8, root: [0; 32], term: 9 }.sign(&key(2)).to_bytes();
        let bytes = Canonical::new("shroud/v1/witness-memory")
            .field(origin().as_str())
            .number(5)
            .field(note)
            .into_bytes();
        assert_eq!(parse(&bytes), Err(MemoryError::Checkpoint(CheckpointError::Signature)));
    }
}

/// What a random history asks for: a tree, an old size, a term, and how far the clock moved.
#[derive(Clone, Debug)]
struct Step {
    size: u64,
    split: u64,
    fork: u8,
    old: Option<u64>,
    term: u64,
    passed: u64,
    crash: bool,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (
        0_u64..24,
        0_u64..24,
        0_u8..2,
        proptest::option::weighted(0.2, 0_u64..24),
        0_u64..4,
        0_u64..5,
        any::<bool>(),
    );
    let step = step.prop_map(|(size, split, fork, old, term, passed, crash)| Step {
        size,
        split,
        fork,
        old,
        term,
        passed,
        crash,
    });
    prop::collection::vec(step, 1..40)
}

proptest! {
    /// Whatever is asked, in whatever order, with a crash before or after each persist: everything that was ever cosigned is
    /// one history, in rising size, term and time.
    #[test]
    fn all_that_is_cosigned_is_one_history(steps in steps()) {
        let mut disk = Memory::registered(origin()).to_bytes();
        let mut released: Vec<(u64, Hash, u64, u64)> = Vec::new();
        let mut now = 1000;
        for step in steps {
            now += step.passed;
            let memory = Memory::parse(&disk, &origin(), &public(1)).unwrap();
            let tree = tree(step.size, step.split, step.fork);
            let request = request(&tree, step.old.unwrap_or(memory.size()), step.term);
            let Ok(pending) = add(&memory, &request, now) else { continue };
            if step.crash {
                continue; // before the disk: nothing was released, nothing remembered
            }
            disk = pending.memory().to_bytes();
            let _released = pending.persisted();
            if let Some((size, root, term, time)) = released.last() {
                prop_assert!(*size <= tree.size() && *term <= step.term && *time <= now);
                prop_assert_eq!(tree.root_at(*size).unwrap(), *root);
                prop_assert!(*size < tree.size() || *term == step.term);
            }
            released.push((tree.size(), tree.root(), step.term, now));
        }
    }
}
