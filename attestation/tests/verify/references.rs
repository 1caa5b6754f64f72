//! Reference values: quorum, succession, strictness.

use shroud_attestation::reference::{Draft, ReferenceError};
use shroud_attestation::{PlatformPolicy, ReferenceValues};

use crate::fixture::{Machine, Signer, draft, operators, signed};

struct Operators3([Signer; 3]);

impl Operators3 {
    fn new() -> Self {
        Self([Signer::new("one"), Signer::new("two"), Signer::new("three")])
    }

    fn draft(&self, version: u64) -> Draft {
        let [a, b, c] = &self.0;
        Draft { version, operators: operators(2, &[a, b, c]), ..draft(Vec::new(), PlatformPolicy::default()) }
    }
}

#[test]
fn a_quorum_of_operators_is_enough() {
    let three = Operators3::new();
    let [a, b, c] = &three.0;
    for pair in [[a, b], [b, c], [c, a]] {
        assert_eq!(ReferenceValues::parse(&signed(&three.draft(7), &pair)).unwrap().version(), 7);
    }
}

/// One operator who signs twice is one operator.
#[test]
fn reject_reference_without_quorum() {
    let three = Operators3::new();
    let [a, _, _] = &three.0;
    let stranger = Signer::new("two");
    for signers in [vec![a], vec![a, a], vec![a, &stranger], vec![&stranger]] {
        let refused = ReferenceValues::parse(&signed(&three.draft(1), &signers));
        assert!(matches!(refused, Err(ReferenceError::Quorum { .. })), "{refused:?}");
    }
}

#[test]
fn reject_reference_with_a_wrong_signature() {
    let three = Operators3::new();
    let [a, b, c] = &three.0;
    let file = String::from_utf8(signed(&three.draft(1), &[a, b, c])).unwrap();
    let changed = file.replace("\"version\": 1", "\"version\": 2");
    let refused = ReferenceValues::parse(changed.as_bytes());
    assert!(matches!(refused, Err(ReferenceError::Signature(_))), "{refused:?}");
}

#[test]
fn reject_reference_operators_that_repeat_or_cannot_meet_the_threshold() {
    let (one, twin) = (Signer::new("one"), Signer::new("one"));
    let base = draft(Vec::new(), PlatformPolicy::default());
    for operators in [operators(2, &[&one]), operators(1, &[&one, &one]), operators(1, &[&one, &twin])] {
        let refused = ReferenceValues::parse(&signed(&Draft { operators, ..base.clone() }, &[&one]));
        assert!(matches!(refused, Err(ReferenceError::Operators(_))), "{refused:?}");
    }
}

#[test]
fn a_newer_file_succeeds_by_the_older_quorum() {
    let three = Operators3::new();
    let [a, b, c] = &three.0;
    let old = ReferenceValues::parse(&signed(&three.draft(1), &[a, b])).unwrap();
    let newcomer = Signer::new("four");
    let newer = Draft { operators: operators(1, &[&newcomer]), ..three.draft(2) };
    assert_eq!(old.succeed(&signed(&newer, &[b, c, &newcomer])).unwrap().version(), 2);
    let alone = old.succeed(&signed(&newer, &[&newcomer]));
    assert!(matches!(alone, Err(ReferenceError::Quorum { .. })), "{alone:?}");
    let without = old.succeed(&signed(&newer, &[a, b]));
    assert!(matches!(without, Err(ReferenceError::Quorum { .. })), "its own quorum too: {without:?}");
}

#[test]
fn reject_reference_that_is_not_newer() {
    let three = Operators3::new();
    let [a, b, _] = &three.0;
    let current = ReferenceValues::parse(&signed(&three.draft(5), &[a, b])).unwrap();
    for version in [4, 5] {
        let refused = current.succeed(&signed(&three.draft(version), &[a, b]));
        assert!(matches!(refused, Err(ReferenceError::Version { older: 5, .. })), "{refused:?}");
    }
}

#[test]
fn reject_reference_root_that_is_no_certificate() {
    let one = Signer::new("one");
    let pem = Machine::new().platform.root_pem().to_owned();
    for root in [String::new(), "root".into(), format!("{pem}{}", Machine::new().platform.ask_pem())] {
        let draft = Draft {
            roots: vec![pem.clone(), root],
            operators: operators(1, &[&one]),
            ..draft(Vec::new(), PlatformPolicy::default())
        };
        let refused = ReferenceValues::parse(&signed(&draft, &[&one]));
        assert!(matches!(refused, Err(ReferenceError::Root { index: 1, .. })), "{refused:?}");
    }
}

#[test]
fn reject_reference_with_unknown_or_repeated_members() {
    for bad in ["{}\n\n— a AAAAAAAA\n", "{\"version\":1,\"version\":2}\n\n— a AAAAAAAA\n"] {
        assert!(matches!(ReferenceValues::parse(bad.as_bytes()), Err(ReferenceError::Json(_))), "{bad}");
    }
    assert!(matches!(ReferenceValues::parse(b"no note"), Err(ReferenceError::Note(_))));
}
