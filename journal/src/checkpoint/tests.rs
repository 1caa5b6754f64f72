//! Checkpoints that verify, and every way in which others do not.

use proptest::prelude::*;

use super::*;

fn key(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}

fn public(seed: u8) -> [u8; 32] {
    key(seed).public_key().as_ref().try_into().unwrap()
}

fn origin() -> Origin {
    Origin::new("shroud.invalid/one").unwrap()
}

fn checkpoint() -> Checkpoint {
    Checkpoint { origin: origin(), size: 42, root: [7; 32], term: 3 }
}

fn refused(note: &[u8]) -> CheckpointError {
    SignedCheckpoint::verify(note, &origin(), &public(1)).unwrap_err()
}

#[test]
fn a_signed_checkpoint_verifies() {
    let signed = checkpoint().sign(&key(1));
    let text = format!("shroud.invalid/one\n42\n{}\nterm 3\n", BASE64_STANDARD.encode([7; 32]));
    assert_eq!(signed.text(), text);
    assert_eq!(SignedCheckpoint::verify(&signed.to_bytes(), &origin(), &public(1)), Ok(signed));
}

#[test]
fn lines_of_others_are_passed_over() {
    let signed = checkpoint().sign(&key(1));
    let stranger = SignatureLine { name: "b.example".into(), key_hash: [0; 4], signature: vec![1; 64] };
    let same_name = SignatureLine { name: origin().to_string(), key_hash: [0; 4], signature: vec![1; 64] };
    let note = signed.note_with(&[stranger, same_name]);
    assert_eq!(SignedCheckpoint::verify(&note, &origin(), &public(1)), Ok(signed));
}

#[test]
fn a_false_line_before_the_true_one_is_refused() {
    let signed = checkpoint().sign(&key(1));
    let note = Note::parse(&signed.to_bytes()).unwrap();
    let line = note.signatures[0].clone();
    let signatures = vec![SignatureLine { signature: vec![1; 64], ..line.clone() }, line];
    assert_eq!(refused(&Note { signatures, ..note }.to_bytes()), CheckpointError::Signature);
}

#[test]
fn a_note_of_another_key_is_refused() {
    assert_eq!(refused(&checkpoint().sign(&key(2)).to_bytes()), CheckpointError::Signature);
}

#[test]
fn a_changed_text_is_refused() {
    let note = String::from_utf8(checkpoint().sign(&key(1)).to_bytes()).unwrap();
    assert_eq!(refused(note.replace("term 3", "term 4").as_bytes()), CheckpointError::Signature);
    assert_eq!(refused(note.replace("\n42\n", "\n43\n").as_bytes()), CheckpointError::Signature);
}

#[test]
fn a_checkpoint_of_another_log_is_refused() {
    let other = Checkpoint { origin: Origin::new("shroud.invalid/two").unwrap(), ..checkpoint() };
    let error = refused(&other.sign(&key(1)).to_bytes());
    assert!(matches!(error, CheckpointError::AnotherLog { .. }), "{error}");
}

#[test]
fn texts_in_another_form_are_refused() {
    let root = BASE64_STANDARD.encode([7; 32]);
    let o = "shroud.invalid/one";
    for text in [
        String::new(),
        format!("{o}\n42\n{root}\n"),
        format!("{o}\n42\n{root}\nterm 3"),
        format!("{o}\n42\n{root}\nterm 3\nmore\n"),
        format!("{o}\n042\n{root}\nterm 3\n"),
        format!("{o}\n+42\n{root}\nterm 3\n"),
        format!("{o}\n9223372036854775808\n{root}\nterm 3\n"),
        format!("{o}\n42\n{root}=\nterm 3\n"),
        format!("{o}\n42\nAAAA\nterm 3\n"),
        format!("{o}\n42\n{root}\nterm 03\n"),
        format!("{o}\n42\n{root}\nterm \n"),
        format!("{o}\n42\n{root}\nTerm 3\n"),
    ] {
        assert_eq!(Checkpoint::parse(&text), Err(CheckpointError::Text), "{text:?}");
    }
}

#[test]
fn names_that_are_no_origin_are_refused() {
    for name in ["", "a b", "a+b", "a\nb", "é", &"x".repeat(256)] {
        assert!(matches!(Origin::new(name), Err(CheckpointError::Origin(_))), "{name:?}");
    }
    assert_eq!(Origin::new(&"x".repeat(255)).unwrap().as_str().len(), 255);
}

#[test]
fn a_note_too_long_is_refused() {
    let length = limits::NOTE + 1;
    assert_eq!(refused(&vec![b'x'; length]), CheckpointError::TooLong(length));
}

#[test]
fn what_is_no_note_is_refused() {
    assert!(matches!(refused(b"text"), CheckpointError::Note(NoteError::Shape)));
}

proptest! {
    #[test]
    fn a_checkpoint_reads_back(size in 0..=i64::MAX.unsigned_abs(), root: Hash, term in 0..=i64::MAX.unsigned_abs()) {
        let checkpoint = Checkpoint { origin: origin(), size, root, term };
        prop_assert_eq!(Checkpoint::parse(&checkpoint.text()), Ok(checkpoint));
    }

    #[test]
    fn bent_notes_are_refused(at: usize, bit in 0_u8..8) {
        let signed = checkpoint().sign(&key(1));
        let mut note = signed.to_bytes();
        let at = at % note.len();
        note[at] ^= 1 << bit;
        prop_assert!(SignedCheckpoint::verify(&note, &origin(), &public(1)).is_err());
    }

    #[test]
    fn hostile_texts_never_panic(text: String) {
        prop_assert!(Checkpoint::parse(&text).is_err());
    }
}
