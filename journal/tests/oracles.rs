//! Other people's code as the judge: `tlog_tiles` (trees, checkpoints), `signed_note` (notes), `doubleentry` (proofs,
//! cosignatures, and a witness of its own).

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use doubleentry::testing::TestWitness;
use doubleentry::transparency as theirs;
use proptest::prelude::*;
use shroud_journal::{
    AddCheckpoint, Checkpoint, Hash, Memory, Origin, SignedCheckpoint, Tree, Witness, verify_consistency,
    verify_inclusion,
};
use tlog_tiles::tlog;

fn key(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}

fn public(seed: u8) -> [u8; 32] {
    key(seed).public_key().as_ref().try_into().unwrap()
}

fn origin() -> Origin {
    Origin::new("shroud.invalid/one").unwrap()
}

fn tree(size: u64, fork: u8) -> Tree {
    let mut tree = Tree::new();
    for index in 0..size {
        tree.append(tlog::record_hash(&[&index.to_be_bytes()[..], &[fork]].concat()).0);
    }
    tree
}

fn signed(tree: &Tree) -> SignedCheckpoint {
    Checkpoint { origin: origin(), size: tree.size(), root: tree.root(), term: 1 }.sign(&key(1))
}

/// The tree as `tlog_tiles` stores it.
struct Stored(Vec<tlog::Hash>);

impl tlog::HashReader for Stored {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog::Hash>, tlog_tiles::Error> {
        Ok(indexes.iter().map(|index| self.0[usize::try_from(*index).unwrap()]).collect())
    }
}

fn stored(size: u64) -> Stored {
    let mut stored = Stored(Vec::new());
    for index in 0..size {
        let more = tlog::stored_hashes(index, &[&index.to_be_bytes()[..], &[0]].concat(), &stored).unwrap();
        stored.0.extend(more);
    }
    stored
}

fn plain(hashes: Vec<tlog::Hash>) -> Vec<Hash> {
    hashes.into_iter().map(|hash| hash.0).collect()
}

fn head(tree: &Tree, size: u64) -> doubleentry::TreeHead {
    let root = doubleentry::log::Hash::from_bytes(tree.root_at(size).unwrap());
    doubleentry::TreeHead { size, root }
}

fn hashes(proof: &[Hash]) -> Vec<doubleentry::log::Hash> {
    proof.iter().copied().map(doubleentry::log::Hash::from_bytes).collect()
}

proptest! {
    #[test]
    fn trees_and_proofs_are_those_of_tlog_tiles(size in 1_u64..300, a: u64, b: u64) {
        let (ours, theirs) = (tree(size, 0), stored(size));
        prop_assert_eq!(ours.root(), tlog::tree_hash(size, &theirs).unwrap().0);
        let (index, old) = (a % size, 1 + b % size);
        let record = plain(tlog::prove_record(size, index, &theirs).unwrap());
        prop_assert_eq!(ours.inclusion(index, size), Some(record.clone()));
        prop_assert!(verify_inclusion(&ours.leaf(index).unwrap(), index, size, &record, &ours.root()).is_ok());
        let proof = plain(tlog::prove_tree(size, old, &theirs).unwrap());
        prop_assert_eq!(ours.consistency(old, size), Some(proof.clone()));
        let old_root = ours.root_at(old).unwrap();
        prop_assert!(verify_consistency(old, &old_root, size, &ours.root(), &proof).is_ok());
    }

    #[test]
    fn proofs_satisfy_doubleentry(size in 1_u64..300, a: u64, b: u64) {
        let tree = tree(size, 0);
        let (index, old) = (a % size, 1 + b % size);
        let consistency = doubleentry::log::ConsistencyProof {
            old_size: old,
            new_size: size,
            path: hashes(&tree.consistency(old, size).unwrap()),
        };
        prop_assert!(consistency.verify(&head(&tree, old), &head(&tree, size)).is_ok());
        let inclusion = doubleentry::log::InclusionProof { index, size, path: hashes(&tree.inclusion(index, size).unwrap()) };
        let leaf = doubleentry::log::Hash::from_bytes(tree.leaf(index).unwrap());
        prop_assert!(inclusion.verify(&leaf, &head(&tree, size)).is_ok());
    }

    /// Verdicts on bent proofs agree, not only on right ones.
    #[test]
    fn bent_proofs_get_the_verdict_of_doubleentry(
        size in 2_u64..64, old in 1_u64..64, drop in any::<bool>(), at: usize, bit in 0_u8..8, swap in 0_u64..64,
    ) {
        let tree = tree(64, 0);
        let old = old.min(size);
        let mut proof = tree.consistency(old, size).unwrap();
        if drop {
            proof.pop();
        } else if !proof.is_empty() {
            let at = at % proof.len();
            proof[at][0] ^= 1 << bit;
        }
        let claimed = swap.clamp(1, 64);
        let path = hashes(&proof);
        let theirs = doubleentry::log::ConsistencyProof { old_size: old, new_size: claimed, path };
        let theirs = theirs.verify(&head(&tree, old), &head(&tree, claimed)).is_ok();
        let (old_root, root) = (tree.root_at(old).unwrap(), tree.root_at(claimed).unwrap());
        prop_assert_eq!(verify_consistency(old, &old_root, claimed, &root, &proof).is_ok(), theirs);
    }
}

#[test]
fn signed_note_verifies_our_checkpoints() {
    let note = signed(&tree(5, 0)).to_bytes();
    let typed = [&[1], public(1).as_slice()].concat();
    let id = signed_note::key_id(origin().as_str(), &typed);
    let vkey = format!("{}+{id:08x}+{}", origin(), BASE64_STANDARD.encode(&typed));
    let verifier = signed_note::StandardVerifier::new(&vkey).unwrap();
    let known = signed_note::VerifierList::new(vec![Box::new(verifier)]);
    let (verified, others) = signed_note::Note::from_bytes(&note).unwrap().verify(&known).unwrap();
    assert_eq!((verified.len(), others.len()), (1, 0));
}

#[test]
fn tlog_tiles_reads_our_checkpoints() {
    let tree = tree(5, 0);
    let read = tlog_tiles::Checkpoint::from_bytes(signed(&tree).text().as_bytes()).unwrap();
    assert_eq!((read.origin(), read.size(), read.hash().0), (origin().as_str(), 5, tree.root()));
    assert_eq!(read.extension(), "term 1\n");
}

fn log_key() -> theirs::Vkey {
    let name = theirs::KeyName::new(origin().as_str()).unwrap();
    theirs::Vkey::new(name, theirs::KeyType::Ed25519, public(1)).unwrap()
}

#[test]
fn doubleentry_verifies_our_cosignatures() {
    let witness = Witness::new("gcp", key(9)).unwrap();
    let request = AddCheckpoint::new(0, vec![], &signed(&tree(5, 0)));
    let memory = Memory::registered(origin());
    let pending = witness.add_checkpoint(Some(&public(1)), Some(&memory), &request, 1_700_000_000).unwrap();
    let (memory, _) = pending.persisted();
    let note = theirs::SignedCheckpoint::parse(&witness.newest(&memory).unwrap()).unwrap();
    let name = theirs::KeyName::new("gcp").unwrap();
    let ours = theirs::Vkey::new(name, theirs::KeyType::CosignatureEd25519, public(9)).unwrap();
    let verified = note.verify(&[log_key(), ours]).unwrap();
    let times: Vec<u64> = verified
        .iter()
        .filter_map(|one| match one {
            theirs::Verified::Cosigner(cosignature) => Some(cosignature.timestamp()),
            _ => None,
        })
        .collect();
    assert_eq!((verified.len(), times), (2, vec![1_700_000_000]));
}

#[test]
fn we_verify_the_cosignatures_of_doubleentry() {
    let mut oracle = TestWitness::new("w.example", [9; 32]).unwrap().log(log_key());
    let checkpoint = signed(&tree(5, 0));
    let reply = oracle.post(&AddCheckpoint::new(0, vec![], &checkpoint).to_bytes());
    let shroud_journal::Answer::Cosigned(lines) = shroud_journal::Answer::read(reply.status, &reply.body)
    else {
        panic!("status {}", reply.status)
    };
    let key = shroud_journal::WitnessKey::new("w.example", public(9)).unwrap();
    assert_eq!(key.verify(&checkpoint, &lines[0]).unwrap().time(), 1);
}

#[derive(Clone, Debug)]
struct Step {
    size: u64,
    fork: u8,
    old: Option<u64>,
    bend: bool,
    seed: u8,
    junk: bool,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let fork = prop_oneof![8 => Just(0_u8), 1 => Just(1_u8)];
    let seed = prop_oneof![8 => Just(1_u8), 1 => Just(2_u8)];
    let old = proptest::option::weighted(0.3, 0_u64..20);
    let step = (0_u64..20, fork, old, proptest::bool::weighted(0.1), seed, proptest::bool::weighted(0.05));
    let step =
        step.prop_map(|(size, fork, old, bend, seed, junk)| Step { size, fork, old, bend, seed, junk });
    prop::collection::vec(step, 1..40)
}

proptest! {
    /// Our witness and `doubleentry`'s answer every request of a random history alike, in one term.
    ///
    /// One difference is known: another root at the newest size is 409 by the specification and here, 422 there.
    #[test]
    fn our_witness_answers_as_the_one_of_doubleentry(steps in steps()) {
        let witness = Witness::new("w.example", key(9)).unwrap();
        let mut oracle = TestWitness::new("w.example", [9; 32]).unwrap().log(log_key());
        let mut memory = Memory::registered(origin());
        for step in steps {
            let tree = tree(step.size, step.fork);
            let checkpoint =
                Checkpoint { origin: origin(), size: step.size, root: tree.root(), term: 1 }.sign(&key(step.seed));
            let old = step.old.unwrap_or(memory.size());
            let mut proof = tree.consistency(old, step.size).unwrap_or_default();
            if step.bend {
                proof.push([7; 32]);
            }
            let mut bytes = AddCheckpoint::new(old, proof, &checkpoint).to_bytes();
            if step.junk {
                bytes.truncate(bytes.len() / 2);
            }
            let theirs = oracle.post(&bytes);
            let ours = AddCheckpoint::parse(&bytes).map_err(Into::into).and_then(|request| {
                witness.add_checkpoint(Some(&public(1)), Some(&memory), &request, 1000)
            });
            let same_size = old == memory.size() && step.size == old && tree.root() != memory.root();
            match ours {
                Ok(pending) => {
                    prop_assert_eq!(theirs.status, 200);
                    memory = pending.persisted().0;
                }
                Err(refused) if same_size && theirs.status == 422 => prop_assert_eq!(refused.status(), 409),
                Err(refused) => {
                    prop_assert_eq!(refused.status(), theirs.status, "{}", refused);
                    if theirs.status == 409 {
                        prop_assert_eq!(Some(refused.content_type()), theirs.content_type);
                        prop_assert_eq!(refused.body().into_bytes(), theirs.body);
                    }
                }
            }
        }
    }
}
