//! Sealing under the state key and the KEKs.

use proptest::prelude::*;
use shroud_custody::{Kek, KekContext, Oversized, Provider, StateKey, StateKeyContext, UnsealError, sealed};

use crate::scene::{PLACE, Stream};

fn state_key() -> StateKey {
    StateKey::generate(&mut Stream::seeded("state key"))
}

fn row() -> Vec<u8> {
    state_key().seal(b"row", b"body", &mut Stream::seeded("row")).unwrap()
}

proptest! {
    #[test]
    fn opens_what_it_sealed(context: Vec<u8>, plaintext: Vec<u8>, seed: u64) {
        let mut random = Stream::seeded(seed.to_string());
        let (key, kek) = (StateKey::generate(&mut random), Kek::generate(&mut random));
        let (row, share) = (key.seal(&context, &plaintext, &mut random), kek.seal(&context, &plaintext, &mut random));
        let (row, share) = (row.unwrap(), share.unwrap());
        prop_assert_eq!(row.len(), plaintext.len() + sealed::OVERHEAD);
        let (row, share) = (key.open(&context, &row).unwrap(), kek.open(&context, &share).unwrap());
        prop_assert_eq!(row.as_slice(), plaintext.as_slice());
        prop_assert_eq!(share.as_slice(), plaintext.as_slice());
    }

    #[test]
    fn hostile_bytes_never_open(context: Vec<u8>, bytes: Vec<u8>) {
        prop_assert!(state_key().open(&context, &bytes).is_err());
        let versioned = [&[sealed::VERSION][..], &bytes].concat();
        prop_assert!(state_key().open(&context, &versioned).is_err());
    }
}

#[test]
fn sealed_under_another_context() {
    for context in [&b"Row"[..], b"", b"row\0", b"ro"] {
        assert_eq!(state_key().open(context, &row()).unwrap_err(), UnsealError::NotAuthentic);
    }
}

#[test]
fn sealed_under_another_key() {
    let other = StateKey::generate(&mut Stream::seeded("other"));
    assert_eq!(other.open(b"row", &row()).unwrap_err(), UnsealError::NotAuthentic);
}

/// The same 32 bytes as a KEK and as a state key are two keys.
#[test]
fn sealed_under_another_kind_of_key() {
    let kek = Kek::generate(&mut Stream::seeded("state key"));
    assert_eq!(kek.open(b"row", &row()).unwrap_err(), UnsealError::NotAuthentic);
}

#[test]
fn sealed_bytes_flipped() {
    for position in 1..row().len() {
        let mut flipped = row();
        flipped[position] ^= 0x80;
        let error = state_key().open(b"row", &flipped).unwrap_err();
        assert_eq!(error, UnsealError::NotAuthentic, "byte {position}");
    }
}

#[test]
fn sealed_empty() {
    assert_eq!(state_key().open(b"row", b"").unwrap_err(), UnsealError::Empty);
}

#[test]
fn sealed_unknown_version() {
    for version in [0, 2, 255] {
        let mut sealed = row();
        sealed[0] = version;
        assert_eq!(state_key().open(b"row", &sealed).unwrap_err(), UnsealError::UnknownVersion(version));
    }
}

#[test]
fn sealed_truncated() {
    for length in [1, 32, 33, sealed::OVERHEAD - 1] {
        let error = state_key().open(b"row", &row()[..length]).unwrap_err();
        assert_eq!(error, UnsealError::Truncated { length });
    }
}

#[test]
fn sealed_oversized() {
    let length = sealed::LONGEST + 1;
    assert_eq!(state_key().open(b"row", &vec![1; length]).unwrap_err(), UnsealError::Oversized { length });
}

#[test]
fn plaintext_oversized() {
    let (limit, mut random) = (sealed::LONGEST - sealed::OVERHEAD, Stream::seeded("large"));
    let longest = state_key().seal(b"row", &vec![1; limit], &mut random).unwrap();
    assert_eq!(state_key().open(b"row", &longest).unwrap().len(), limit);
    let over = state_key().seal(b"row", &vec![1; limit + 1], &mut random).unwrap_err();
    assert_eq!(over, Oversized { length: limit + 1, limit });
}

#[test]
fn contexts_differ_in_every_member() {
    let kek = |provider, version, vault| {
        KekContext { origin: PLACE.origin, org: PLACE.org, vault, provider, version }.to_bytes()
    };
    let share = |provider, version| StateKeyContext { origin: PLACE.origin, provider, version }.to_bytes();
    let mut contexts = vec![
        kek(Provider::Gcp, 1, "a"),
        kek(Provider::Aws, 1, "a"),
        kek(Provider::Gcp, 2, "a"),
        kek(Provider::Gcp, 1, "b"),
        share(Provider::Gcp, 1),
        share(Provider::Aws, 1),
        share(Provider::Gcp, 2),
    ];
    contexts.sort();
    contexts.dedup();
    assert_eq!(contexts.len(), 7);
    assert!(contexts.iter().all(|context| context.len() <= shroud_wire::limits::CONTEXT));
}

#[test]
fn kek_of_another_length() {
    for length in [0, 16, 31, 33] {
        let error = Kek::parse(&vec![0; length]).map(|_| ()).unwrap_err();
        assert_eq!((error.expected, error.found), (32, length));
    }
}
