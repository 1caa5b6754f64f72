//! The answers of one round, judged together.
//!
//! A gateway alone must be able to do no more than be absent: its line is verified under the key that its own identity
//! vouches for, two gateways that claim one key count once, and a clock that is off is left aside as soon as enough
//! others agree.

use std::collections::BTreeMap;

use shroud_journal::{CosignedCheckpoint, Cosigning, Quorum, SignedCheckpoint, WitnessKey, Witnesses};
use shroud_wire::note::SignatureLine;

use super::anchor::Obstacle;

/// What one gateway said in a round.
pub(super) struct Heard {
    pub(super) name: String,
    pub(super) said: Said,
}

/// What was said.
pub(super) enum Said {
    /// The witness key that the pinned identity vouches for, and lines to verify under it.
    Lines([u8; 32], Vec<SignatureLine>),
    /// It has cosigned for a newer term.
    Superseded(u64),
    /// It did not cosign, and why.
    Nothing(String),
}

impl Heard {
    /// A gateway that did not cosign.
    pub(super) fn nothing(name: String, why: String) -> Self {
        Self { name, said: Said::Nothing(why) }
    }
}

/// What was gathered so far.
pub(super) struct Gathering<'a> {
    quorum: &'a Quorum,
    checkpoint: SignedCheckpoint,
    keys: BTreeMap<String, [u8; 32]>,
    lines: Vec<SignatureLine>,
    superseded: usize,
    obstacles: Vec<String>,
}

impl<'a> Gathering<'a> {
    /// Nothing yet.
    pub(super) fn new(quorum: &'a Quorum, checkpoint: SignedCheckpoint) -> Self {
        Self {
            quorum,
            checkpoint,
            keys: BTreeMap::new(),
            lines: Vec::new(),
            superseded: 0,
            obstacles: Vec::new(),
        }
    }

    /// Takes an answer, and as much of it as verifies.
    pub(super) fn take(&mut self, heard: Heard) {
        match heard.said {
            Said::Lines(key, lines) => self.lines(heard.name, key, lines),
            Said::Superseded(term) => {
                self.superseded += 1;
                self.note(format!("{}: a guest of term {term} has taken over", heard.name));
            }
            Said::Nothing(why) => self.note(format!("{}: {why}", heard.name)),
        }
    }

    fn lines(&mut self, name: String, key: [u8; 32], lines: Vec<SignatureLine>) {
        if self.keys.values().any(|held| *held == key) {
            return self.note(format!("{name}: its witness key is another gateway's as well"));
        }
        let Ok(witness) = WitnessKey::new(&name, key) else {
            return self.note(format!("{name}: no name of a witness"));
        };
        let verified = lines.into_iter().find(|line| witness.verify(&self.checkpoint, line).is_ok());
        match verified {
            Some(line) => {
                self.keys.insert(name, key);
                self.lines.push(line);
            }
            None => self.note(format!("{name}: its cosignature does not verify")),
        }
    }

    /// Adds what hinders, for people.
    pub(super) fn note(&mut self, obstacle: String) {
        self.obstacles.push(obstacle);
    }

    /// The keys whose lines verified.
    pub(super) fn keys(&self) -> BTreeMap<String, [u8; 32]> {
        self.keys.clone()
    }

    /// So many have cosigned for a newer term that those that are left make no write quorum.
    pub(super) fn superseded(&self) -> bool {
        self.superseded > self.quorum.members() - self.quorum.write()
    }

    /// The cosigned checkpoint, once a quorum agrees on its bytes and roughly on the time.
    pub(super) fn cosigned(&mut self) -> Option<CosignedCheckpoint> {
        if self.lines.len() < self.quorum.write() {
            return None;
        }
        let keys = self.keys.iter().filter_map(|(name, key)| WitnessKey::new(name, *key).ok()).collect();
        let witnesses = Witnesses::new(keys).ok()?;
        let mut cosigning = Cosigning::new(self.checkpoint.clone());
        for line in &self.lines {
            cosigning.add(&witnesses, line).ok()?;
        }
        match cosigning.finish(self.quorum) {
            Ok(cosigned) => Some(cosigned),
            Err((_, error)) => {
                self.note(error.to_string());
                None
            }
        }
    }

    /// Why there is no quorum.
    pub(super) fn failed(self) -> Obstacle {
        let (have, need) = (self.lines.len(), self.quorum.write());
        Obstacle::Passing(format!("{have} of {need} witnesses cosigned; {}", self.obstacles.join("; ")))
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
    use shroud_journal::{AddCheckpoint, Checkpoint, Memory, Origin, Witness};

    use super::*;

    const NOW: u64 = 1_900_000_000;

    fn pair(seed: u8) -> Ed25519KeyPair {
        Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
    }

    fn public(seed: u8) -> [u8; 32] {
        pair(seed).public_key().as_ref().try_into().unwrap()
    }

    fn checkpoint() -> SignedCheckpoint {
        let origin = Origin::new("log.example/1").unwrap();
        Checkpoint { origin, size: 1, root: [7; 32], term: 1 }.sign(&pair(1))
    }

    /// What the witness `name` with the key of `seed` answers at `now`.
    fn line(name: &str, seed: u8, now: u64) -> SignatureLine {
        let signed = checkpoint();
        let memory = Memory::registered(signed.checkpoint().origin.clone());
        let request = AddCheckpoint::new(0, Vec::new(), &signed);
        let witness = Witness::new(name, pair(seed)).unwrap();
        let pending = witness.add_checkpoint(Some(&public(1)), Some(&memory), &request, now).unwrap();
        let (_, lines) = pending.persisted();
        SignatureLine::parse(lines.trim_end()).unwrap()
    }

    fn said(name: &str, seed: u8, now: u64) -> Heard {
        Heard { name: name.to_owned(), said: Said::Lines(public(seed), vec![line(name, seed, now)]) }
    }

    fn gather(answers: impl IntoIterator<Item = Heard>) -> (Option<CosignedCheckpoint>, bool) {
        let quorum = Quorum::new(3, 2, 2, 0).unwrap();
        let mut gathering = Gathering::new(&quorum, checkpoint());
        let mut cosigned = None;
        for answer in answers {
            gathering.take(answer);
            cosigned = cosigned.or_else(|| gathering.cosigned());
        }
        (cosigned, gathering.superseded())
    }

    #[test]
    fn two_of_three_make_a_quorum() {
        assert!(gather([said("gcp", 2, NOW)]).0.is_none());
        let cosigned = gather([said("gcp", 2, NOW), said("aws", 3, NOW + 2)]).0.unwrap();
        assert_eq!((cosigned.time().lowest(), cosigned.time().highest()), (NOW, NOW + 2));
    }

    #[test]
    fn one_clock_that_is_off_is_left_aside() {
        let wrong = NOW + 10_000;
        assert!(gather([said("gcp", 2, wrong), said("aws", 3, NOW)]).0.is_none());
        let cosigned = gather([said("gcp", 2, wrong), said("aws", 3, NOW), said("azure", 4, NOW)]).0.unwrap();
        assert_eq!(cosigned.time().highest(), NOW);
    }

    #[test]
    fn a_key_under_two_names_counts_once() {
        let relabelled = said("gcp", 3, NOW);
        assert!(gather([relabelled, said("aws", 3, NOW)]).0.is_none());
        assert!(gather([said("gcp", 3, NOW), said("aws", 3, NOW), said("azure", 4, NOW)]).0.is_some());
    }

    #[test]
    fn a_line_of_another_checkpoint_counts_for_nothing() {
        let mut forged = line("aws", 3, NOW);
        forged.signature[20] ^= 1;
        let answer = Heard { name: "aws".into(), said: Said::Lines(public(3), vec![forged]) };
        assert!(gather([said("gcp", 2, NOW), answer]).0.is_none());
    }

    #[test]
    fn one_gateway_alone_cannot_say_that_this_guest_was_superseded() {
        let told = |name: &str| Heard { name: name.to_owned(), said: Said::Superseded(9) };
        assert!(!gather([told("gcp")]).1);
        assert!(gather([told("gcp"), told("aws")]).1);
    }
}
