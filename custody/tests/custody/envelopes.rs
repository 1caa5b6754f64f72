//! Every mode opens what it sealed, with every sufficient subset, and only in its place.

use proptest::prelude::*;
use shroud_custody::{
    CustodyMode, KekSet, OpenError, Provider, SealSecretError, SecretContext, StoredSecret, open_secret,
    seal_secret, sealed,
};

use crate::scene::{PLACE, Scene, Stream, VALUE, Vault, read_back, stored};

fn any_mode() -> impl Strategy<Value = CustodyMode> {
    prop::sample::select(CustodyMode::ALL.to_vec())
}

fn any_providers() -> impl Strategy<Value = Vec<Provider>> {
    prop::sample::subsequence(Provider::ALL.to_vec(), 0..=3)
}

proptest! {
    #[test]
    fn opens_with_enough_and_only_with_enough(
        mode in any_mode(),
        providers in any_providers(),
        value in prop::collection::vec(any::<u8>(), 0..2048),
        seed: u64,
    ) {
        let mut random = Stream::seeded(seed.to_string());
        let vault = Vault::new(&mut random);
        let sealed = seal_secret(mode, &PLACE, &vault.all(), &value, &mut random).unwrap();
        let holding = providers.iter().filter(|provider| mode.providers().contains(provider)).count();
        let opened = open_secret(mode, &PLACE, &stored(&sealed), &vault.only(&providers), sealed.client_share.as_ref());
        if holding >= mode.provider_shares_needed() {
            let opened = opened.unwrap();
            prop_assert_eq!(opened.value.as_slice(), value.as_slice());
            prop_assert_eq!(opened.faults, vec![]);
        } else {
            let unavailable = matches!(opened.map(|_| ()), Err(OpenError::Unavailable { .. }));
            prop_assert!(unavailable);
        }
    }

    #[test]
    fn opens_in_no_other_place(mode in any_mode(), member in 0..5usize, text in "[a-z]{1,12}", version in 2u64..) {
        let scene = Scene::set(mode);
        let other = match member {
            0 => SecretContext { origin: &text, ..PLACE },
            1 => SecretContext { org: &text, ..PLACE },
            2 => SecretContext { vault: &text, ..PLACE },
            3 => SecretContext { path: &text, ..PLACE },
            _ => SecretContext { version, ..PLACE },
        };
        let client = scene.sealed.client_share.as_ref();
        let opened = open_secret(mode, &other, &stored(&scene.sealed), &scene.vault.all(), client);
        let refused = matches!(opened.map(|_| ()), Err(OpenError::Refused { .. }));
        prop_assert!(refused);
    }

    #[test]
    fn a_flipped_bit_opens_nothing(mode in any_mode(), position: prop::sample::Index, bit in 0..8u32) {
        let mut scene = Scene::set(mode);
        let position = position.index(scene.sealed.value.len());
        scene.sealed.value[position] ^= 1 << bit;
        let refused = matches!(scene.open(&scene.vault.all()).map(|_| ()), Err(OpenError::Refused { .. }));
        prop_assert!(refused);
    }

    #[test]
    fn hostile_stores_never_panic(
        mode in any_mode(),
        value: Vec<u8>,
        shares in prop::collection::vec((prop::sample::select(Provider::ALL.to_vec()), any::<Vec<u8>>()), 0..6),
    ) {
        let scene = Scene::set(mode);
        let stored = StoredSecret { value: &value, commitment: &scene.sealed.commitment, shares: &shares };
        let client = scene.sealed.client_share.as_ref();
        prop_assert!(open_secret(mode, &PLACE, &stored, &scene.vault.all(), client).is_err());
    }
}

#[test]
fn commitments_read_back() {
    let mut scene = Scene::set(CustodyMode::MultiHsm2of3);
    scene.sealed.commitment = read_back(&scene.sealed.commitment);
    assert_eq!(scene.open(&scene.vault.all()).unwrap().value.as_slice(), VALUE);
}

#[test]
fn commitments_of_another_length() {
    for length in [0, 32, 63, 65] {
        let error = shroud_custody::Commitments::parse(&vec![0; length]).unwrap_err();
        assert_eq!((error.expected, error.found), (64, length));
    }
}

#[test]
fn empty_value() {
    for mode in CustodyMode::ALL {
        let mut scene = Scene::set(mode);
        scene.sealed = seal_secret(mode, &PLACE, &scene.vault.all(), b"", &mut scene.random).unwrap();
        assert!(scene.open(&scene.vault.all()).unwrap().value.is_empty(), "{mode}");
    }
}

#[test]
fn oversized_value() {
    let mut scene = Scene::set(CustodyMode::MultiHsm2of3);
    let longest = sealed::LONGEST - 29;
    let keks = scene.vault.all();
    let fits = seal_secret(scene.mode, &PLACE, &keks, &vec![5; longest], &mut scene.random).unwrap();
    assert_eq!(fits.value.len(), sealed::LONGEST);
    let over = seal_secret(scene.mode, &PLACE, &keks, &vec![5; longest + 1], &mut scene.random);
    assert!(matches!(over.map(|_| ()), Err(SealSecretError::Oversized(limit)) if limit.limit == longest));
}

#[test]
fn missing_kek_seals_nothing() {
    for mode in CustodyMode::ALL {
        let (vault, mut random) = (Vault::new(&mut Stream::seeded("keks")), Stream::seeded("none"));
        let sealed = seal_secret(mode, &PLACE, &KekSet::new(), VALUE, &mut random);
        assert_eq!(sealed.map(|_| ()).unwrap_err(), SealSecretError::KekMissing(Provider::Gcp));
        let providers = mode.providers();
        let but_one = vault.only(&providers[..providers.len() - 1]);
        let sealed = seal_secret(mode, &PLACE, &but_one, VALUE, &mut random);
        let last = providers[providers.len() - 1];
        assert_eq!(sealed.map(|_| ()).unwrap_err(), SealSecretError::KekMissing(last));
    }
}

#[test]
fn nothing_repeats() {
    let mut random = Stream::seeded("fresh");
    let vault = Vault::new(&mut random);
    let mut seal =
        || seal_secret(CustodyMode::MultiHsm2of3, &PLACE, &vault.all(), VALUE, &mut random).unwrap();
    let (one, other) = (seal(), seal());
    assert_ne!(one.value, other.value);
    assert_ne!(one.commitment.to_bytes(), other.commitment.to_bytes());
    for (left, right) in one.shares.iter().zip(&other.shares) {
        assert_ne!(left.1[..33], right.1[..33], "a salt repeats");
    }
}

/// Shares of one version beside the value and commitments of another version do not open it.
#[test]
fn shares_of_an_older_version() {
    let mut scene = Scene::set(CustodyMode::MultiHsm2of3);
    let newer = SecretContext { version: 2, ..PLACE };
    let sealed = seal_secret(scene.mode, &newer, &scene.vault.all(), b"rotated", &mut scene.random).unwrap();
    let mixed = StoredSecret { shares: &scene.sealed.shares, ..stored(&sealed) };
    assert!(open_secret(scene.mode, &newer, &mixed, &scene.vault.all(), None).is_err());
}
