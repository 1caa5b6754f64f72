//! Every way in which a provider can answer with a bad share of the state key.

use shroud_custody::state_key::RebuildError;
use shroud_custody::{Provider, ShareFault, ShareFaultReason, StateKey};

use crate::scene::{PLACE, Stream};

use Provider::{Aws, Azure, Gcp};

/// A state key, its commitment, and the plain shares as the gateways would unwrap them.
struct Boot {
    key: StateKey,
    shares: Vec<(Provider, Vec<u8>)>,
}

impl Boot {
    fn new() -> Self {
        let mut random = Stream::seeded("boot");
        let key = StateKey::generate(&mut random);
        let split = key.split(&mut random);
        let shares = split.map(|(provider, share)| (provider, share.to_bytes().expose().to_vec())).into();
        Self { key, shares }
    }

    fn rebuild(&self) -> Result<(StateKey, Vec<ShareFault>), RebuildError> {
        let shares: Vec<_> =
            self.shares.iter().map(|(provider, bytes)| (*provider, bytes.as_slice())).collect();
        StateKey::rebuild(PLACE.origin, &self.key.commitment(PLACE.origin), &shares)
    }

    /// Rebuilds although aws is bad, and gives the reason that is named for it.
    fn worked_around(&self) -> ShareFaultReason {
        let (key, faults) = self.rebuild().unwrap();
        assert_eq!(key.commitment("x"), self.key.commitment("x"));
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].provider, Aws);
        faults[0].reason
    }
}

#[test]
fn state_key_opens_with_any_two() {
    let boot = Boot::new();
    let sealed = boot.key.seal(b"row", b"body", &mut Stream::seeded("row")).unwrap();
    for missing in 0..3 {
        let mut two = Boot { key: Boot::new().key, shares: boot.shares.clone() };
        two.shares.remove(missing);
        let (key, faults) = two.rebuild().unwrap();
        assert_eq!(key.open(b"row", &sealed).unwrap().as_slice(), b"body");
        assert_eq!(faults, vec![]);
    }
}

#[test]
fn hostile_state_key_share_missing() {
    for provider in 0..3 {
        let mut boot = Boot::new();
        boot.shares = vec![boot.shares.remove(provider)];
        let error = boot.rebuild().map(|_| ()).unwrap_err();
        assert_eq!(error, RebuildError::NotEnough { usable: 1, faults: vec![] });
    }
}

#[test]
fn hostile_state_key_share_duplicated() {
    let mut boot = Boot::new();
    boot.shares.push(boot.shares[1].clone());
    assert_eq!(boot.worked_around(), ShareFaultReason::Duplicated);
}

#[test]
fn hostile_state_key_share_swapped() {
    let mut boot = Boot::new();
    boot.shares[1].1 = boot.shares[2].1.clone();
    assert_eq!(boot.worked_around(), ShareFaultReason::Swapped { owner: Azure });
}

#[test]
fn hostile_state_key_share_zero_index() {
    let mut boot = Boot::new();
    boot.shares[1].1[0] = 0;
    assert_eq!(boot.worked_around(), ShareFaultReason::ZeroIndex);
}

#[test]
fn hostile_state_key_share_foreign_index() {
    let mut boot = Boot::new();
    boot.shares[1].1[0] = 4;
    assert_eq!(boot.worked_around(), ShareFaultReason::ForeignIndex { found: 4 });
}

#[test]
fn hostile_state_key_share_truncated() {
    let mut boot = Boot::new();
    boot.shares[1].1.truncate(32);
    assert_eq!(boot.worked_around(), ShareFaultReason::Truncated { length: 32 });
}

#[test]
fn hostile_state_key_share_oversized() {
    let mut boot = Boot::new();
    boot.shares[1].1.push(0);
    assert_eq!(boot.worked_around(), ShareFaultReason::Oversized { length: 34 });
}

#[test]
fn hostile_state_key_share_forged() {
    let mut boot = Boot::new();
    boot.shares[1].1[7] ^= 1;
    assert_eq!(boot.worked_around(), ShareFaultReason::Forged);
}

#[test]
fn hostile_state_key_share_forged_with_no_third() {
    let mut boot = Boot::new();
    boot.shares[1].1[7] ^= 1;
    boot.shares.remove(2);
    let error = boot.rebuild().map(|_| ()).unwrap_err();
    assert_eq!(error, RebuildError::Substituted { suspects: vec![Gcp, Aws], faults: vec![] });
}

/// The host plants shares of a state key of its own: they fit one another, and not what the gateways registered.
#[test]
fn hostile_state_key_planted() {
    let (boot, mut random) = (Boot::new(), Stream::seeded("host"));
    let planted = StateKey::generate(&mut random).split(&mut random);
    let planted = planted.map(|(provider, share)| (provider, share.to_bytes()));
    let shares = planted.each_ref().map(|(provider, share)| (*provider, share.expose().as_slice()));
    let error =
        StateKey::rebuild(PLACE.origin, &boot.key.commitment(PLACE.origin), &shares).map(|_| ()).unwrap_err();
    assert_eq!(error, RebuildError::Substituted { suspects: Provider::ALL.to_vec(), faults: vec![] });
}

/// A key that is registered for one origin is not accepted for another.
#[test]
fn state_key_commitment_names_the_origin() {
    let boot = Boot::new();
    let shares: Vec<_> = boot.shares.iter().map(|(provider, bytes)| (*provider, bytes.as_slice())).collect();
    let other = StateKey::rebuild("another.invalid", &boot.key.commitment(PLACE.origin), &shares);
    assert!(matches!(other, Err(RebuildError::Substituted { .. })));
}

/// A reshare is a further split: its shares give the same key, and none together with the old ones.
#[test]
fn state_key_reshare() {
    let mut boot = Boot::new();
    let fresh = boot.key.split(&mut Stream::seeded("reshare"));
    let fresh = fresh.map(|(provider, share)| (provider, share.to_bytes().expose().to_vec()));
    let mixed = vec![boot.shares[0].clone(), fresh[1].clone()];
    boot.shares = fresh.into();
    assert_eq!(boot.rebuild().unwrap().1, vec![]);
    boot.shares = mixed;
    assert!(matches!(boot.rebuild(), Err(RebuildError::Substituted { .. })));
}

#[test]
fn derived_keys_differ_by_label() {
    let key = Boot::new().key;
    assert_eq!(key.derive("journal").expose(), key.derive("journal").expose());
    assert_ne!(key.derive("journal").expose(), key.derive("policy").expose());
}
