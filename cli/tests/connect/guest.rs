//! What an unsealed guest says of a connection, true or bent: session evidence over the mock platform and a journal
//! whose history a test can rewrite.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use shroud_attestation::purpose;
use shroud_attestation::session::{Challenge, Consistency, Leaf, SessionEvidence, root_message};
use shroud_attestation_mock::{Platform, ReportInput};
use shroud_journal::{AddCheckpoint, Checkpoint, Memory, Origin, SignedCheckpoint, Tree, Witness};

use crate::enclave::{launch, platform};

/// The origin of the journal in these tests.
pub(crate) const ORIGIN: &str = "shroud.invalid/test";

/// Where a journal stands. Entries before `fork` are those of the one true history.
#[derive(Clone, Copy)]
pub(crate) struct State {
    pub(crate) size: u64,
    pub(crate) term: u64,
    pub(crate) fork: Option<u64>,
}

/// Where most tests begin.
pub(crate) const START: State = State { size: 5, term: 2, fork: None };

impl State {
    fn tree(self) -> Tree {
        let mut tree = Tree::new();
        for sequence in 0..self.size {
            let forked = self.fork.is_some_and(|fork| sequence >= fork);
            let leaf = digest(&SHA256, format!("{forked} {sequence}").as_bytes());
            tree.append(leaf.as_ref().try_into().unwrap());
        }
        tree
    }
}

/// What is bent on the way to an answer.
pub(crate) struct Bends {
    /// The leaf, before it enters the tree.
    pub(crate) leaf: fn(&mut Leaf),
    /// The report, before it is signed.
    pub(crate) report: fn(&mut ReportInput),
    /// The answer, at last.
    pub(crate) answer: fn(&mut SessionEvidence),
}

impl Default for Bends {
    fn default() -> Self {
        Self { leaf: |_| {}, report: |_| {}, answer: |_| {} }
    }
}

/// A guest that answers challenges.
pub(crate) struct Guest {
    platform: Platform,
    journal_key: Ed25519KeyPair,
    witnesses: Vec<Witness>,
    pub(crate) state: State,
    bends: Bends,
}

/// An Ed25519 key of a test.
pub(crate) fn key(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}

/// Its public half.
pub(crate) fn public(key: &Ed25519KeyPair) -> [u8; 32] {
    key.public_key().as_ref().try_into().unwrap()
}

impl Guest {
    /// A genuine guest at [`START`].
    pub(crate) fn genuine() -> Self {
        let (platform, journal_key) = (platform(), key(1));
        Self { platform, journal_key, witnesses: Vec::new(), state: START, bends: Bends::default() }
    }

    /// One that bends what it says.
    pub(crate) fn bent(bends: Bends) -> Self {
        Self { bends, ..Self::genuine() }
    }

    /// One whose journal is signed by another key.
    pub(crate) fn with_journal_key(self, seed: u8) -> Self {
        Self { journal_key: key(seed), ..self }
    }

    /// One whose checkpoints these witnesses cosign, each under its own name and key.
    pub(crate) fn cosigned_by(self, witnesses: &[(&str, u8)]) -> Self {
        let witnesses = witnesses.iter().map(|(name, seed)| Witness::new(name, key(*seed)).unwrap());
        Self { witnesses: witnesses.collect(), ..self }
    }

    /// The answer to a challenge on a connection.
    pub(crate) fn answer(&self, challenge: &Challenge, spki: &[u8], exporter: [u8; 32]) -> SessionEvidence {
        let mut leaf = Leaf {
            nonce: challenge.nonce,
            spki: spki.to_vec(),
            exporter,
            journal_key: public(&self.journal_key),
            checkpoint: self.checkpoint(),
        };
        (self.bends.leaf)(&mut leaf);
        let mut tree = Tree::new();
        for hash in [[1; 32], leaf.hash(), [2; 32]] {
            tree.append(hash);
        }
        let root = tree.root();
        let mut input = self.platform.genuine(&launch(), purpose::session(&root).as_bytes());
        (self.bends.report)(&mut input);
        let evidence = self.platform.report(&input).unwrap();
        let mut answer = SessionEvidence {
            report: evidence.report,
            certificates: evidence.certificates,
            root,
            signature: self.journal_key.sign(&root_message(&root)).as_ref().to_vec(),
            leaf,
            index: 1,
            size: 3,
            path: tree.inclusion(1, 3).unwrap(),
        };
        (self.bends.answer)(&mut answer);
        answer
    }

    /// The proof between two sizes of the journal.
    pub(crate) fn consistency(&self, from: u64, to: u64) -> Option<Consistency> {
        Some(Consistency { proof: self.state.tree().consistency(from, to)? })
    }

    fn checkpoint(&self) -> Vec<u8> {
        let origin = Origin::new(ORIGIN).unwrap();
        let State { size, term, .. } = self.state;
        let signed = Checkpoint { origin: origin.clone(), size, root: self.state.tree().root(), term };
        let signed = signed.sign(&self.journal_key);
        let lines = self.witnesses.iter().map(|witness| self.cosign(witness, &signed, &origin));
        let lines: Vec<u8> = lines.collect::<String>().into_bytes();
        [signed.to_bytes(), lines].concat()
    }

    fn cosign(&self, witness: &Witness, signed: &SignedCheckpoint, origin: &Origin) -> String {
        let request = AddCheckpoint::new(0, Vec::new(), signed);
        let memory = Memory::registered(origin.clone());
        let journal_key = public(&self.journal_key);
        let pending = witness.add_checkpoint(Some(&journal_key), Some(&memory), &request, 1_700_000_000);
        pending.unwrap().persisted().1
    }
}
