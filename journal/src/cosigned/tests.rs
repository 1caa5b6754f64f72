//! Cosignatures that count, and every way in which others do not.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};

use super::*;
use crate::cosignature::cosign;

fn key(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}

fn public(seed: u8) -> [u8; 32] {
    key(seed).public_key().as_ref().try_into().unwrap()
}

fn origin() -> Origin {
    Origin::new("shroud.invalid/one").unwrap()
}

fn checkpoint() -> SignedCheckpoint {
    Checkpoint { origin: origin(), size: 42, root: [7; 32], term: 3 }.sign(&key(1))
}

fn witnesses() -> Witnesses {
    let key = |(name, seed)| WitnessKey::new(name, public(seed)).unwrap();
    Witnesses::new([("gcp", 10), ("aws", 11), ("azure", 12)].map(key).into()).unwrap()
}

fn line(name: &str, seed: u8, time: u64) -> SignatureLine {
    cosign(checkpoint().text(), name, &key(seed), time)
}

fn quorum() -> Quorum {
    Quorum::new(3, 2, 2, 0).unwrap()
}

#[test]
fn a_quorum_makes_a_cosigned_checkpoint() {
    let mut cosigning = Cosigning::new(checkpoint());
    assert_eq!(cosigning.add(&witnesses(), &line("gcp", 10, 1000)), Ok(1));
    assert_eq!(cosigning.add(&witnesses(), &line("azure", 12, 1004)), Ok(2));
    let cosigned = cosigning.finish(&quorum()).unwrap();
    assert_eq!((cosigned.time().lowest(), cosigned.time().highest()), (1000, 1004));
    let note = cosigned.to_bytes();
    let again = CosignedCheckpoint::verify(&note, &origin(), &public(1), &witnesses(), &quorum()).unwrap();
    assert_eq!(again.to_bytes(), note);
    assert_eq!(again.checkpoint(), cosigned.checkpoint());
}

#[test]
fn one_witness_twice_is_no_quorum() {
    let mut cosigning = Cosigning::new(checkpoint());
    cosigning.add(&witnesses(), &line("gcp", 10, 1000)).unwrap();
    assert_eq!(cosigning.add(&witnesses(), &line("gcp", 10, 1004)), Ok(1));
    assert_eq!(cosigning.add(&witnesses(), &line("gcp", 10, 1001)), Ok(1));
    let (cosigning, error) = cosigning.finish(&quorum()).unwrap_err();
    assert_eq!(error, CosignedError::Quorum { have: 1, need: 2 });
    assert_eq!(cosigning.cosignatures[0].time(), 1004);
}

#[test]
fn clocks_too_far_apart_are_no_quorum() {
    let mut cosigning = Cosigning::new(checkpoint());
    cosigning.add(&witnesses(), &line("gcp", 10, 1000)).unwrap();
    cosigning.add(&witnesses(), &line("aws", 11, 2000)).unwrap();
    let (mut cosigning, error) = cosigning.finish(&quorum()).unwrap_err();
    assert!(matches!(error, CosignedError::Clock(ClockError::Apart { .. })));
    cosigning.add(&witnesses(), &line("azure", 12, 1001)).unwrap();
    assert_eq!(cosigning.finish(&quorum()).unwrap().time().highest(), 1001);
}

#[test]
fn a_strangers_line_is_refused() {
    let mut cosigning = Cosigning::new(checkpoint());
    for line in [line("gcp", 11, 1000), line("oracle", 10, 1000)] {
        let error = cosigning.add(&witnesses(), &line).unwrap_err();
        assert_eq!(error, CosignatureError::Stranger(line.name));
    }
    assert_eq!(cosigning.count(), 0);
}

#[test]
fn a_line_by_another_key_is_refused() {
    let key = WitnessKey::new("gcp", public(10)).unwrap();
    let error = key.verify(&checkpoint(), &line("aws", 11, 1000)).unwrap_err();
    assert_eq!(error, CosignatureError::AnotherKey { expected: "gcp".into(), found: "aws".into() });
}

#[test]
fn a_line_of_another_width_or_time_is_malformed() {
    let key = WitnessKey::new("gcp", public(10)).unwrap();
    let malformed = CosignatureError::Malformed("gcp".into());
    let mut short = line("gcp", 10, 1000);
    short.signature.pop();
    assert_eq!(key.verify(&checkpoint(), &short).unwrap_err(), malformed);
    assert_eq!(key.verify(&checkpoint(), &line("gcp", 10, 1 << 63)).unwrap_err(), malformed);
}

#[test]
fn a_changed_time_or_checkpoint_is_refused() {
    let key = WitnessKey::new("gcp", public(10)).unwrap();
    let mut later = line("gcp", 10, 1000);
    later.signature[7] ^= 1;
    assert_eq!(key.verify(&checkpoint(), &later).unwrap_err(), CosignatureError::Signature("gcp".into()));
    let other = Checkpoint { origin: origin(), size: 43, root: [7; 32], term: 3 }.sign(&self::key(1));
    let error = key.verify(&other, &line("gcp", 10, 1000)).unwrap_err();
    assert_eq!(error, CosignatureError::Signature("gcp".into()));
}

#[test]
fn a_log_signature_is_no_cosignature() {
    let as_log =
        Checkpoint { origin: Origin::new("gcp").unwrap(), size: 1, root: [0; 32], term: 0 }.sign(&key(10));
    let note = shroud_wire::note::Note::parse(&as_log.to_bytes()).unwrap();
    let error = witnesses().verify(&as_log, &note.signatures[0]).unwrap_err();
    assert_eq!(error, CosignatureError::Stranger("gcp".into()));
}

#[test]
fn a_name_that_cannot_stand_in_a_note_is_refused() {
    for name in ["", "a b", "a+b", "a\n"] {
        assert_eq!(WitnessKey::new(name, public(10)), Err(CosignatureError::Name(name.into())));
    }
}

#[test]
fn a_witness_under_two_names_is_refused() {
    let key = |name, seed| WitnessKey::new(name, public(seed)).unwrap();
    let twice = |keys| Witnesses::new(keys).map(|_| ()).unwrap_err();
    assert_eq!(twice(vec![key("gcp", 10), key("aws", 10)]), WitnessTwice("aws".into()));
    assert_eq!(twice(vec![key("gcp", 10), key("gcp", 11)]), WitnessTwice("gcp".into()));
}

#[test]
fn a_note_with_too_few_cosignatures_is_refused() {
    let note = checkpoint().note_with(&[line("gcp", 10, 1000), line("oracle", 13, 1000)]);
    let error =
        CosignedCheckpoint::verify(&note, &origin(), &public(1), &witnesses(), &quorum()).unwrap_err();
    assert_eq!(error, CosignedError::Quorum { have: 1, need: 2 });
    let error =
        CosignedCheckpoint::verify(&note, &origin(), &public(2), &witnesses(), &quorum()).unwrap_err();
    assert_eq!(error, CosignedError::Checkpoint(CheckpointError::Signature));
}
