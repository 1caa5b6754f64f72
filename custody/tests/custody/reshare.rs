//! Resharing and rewrapping, in every mode.

use shroud_custody::{
    CustodyMode, OpenError, Provider, ReshareError, RewrapError, SealSecretError, ShareFaultReason,
    StoredSecret, open_secret, reshare_secret, rewrap_share,
};

use crate::scene::{PLACE, Scene, Stream, VALUE, Vault, stored};

/// The providers of the mode without the last, where that still opens it.
fn survivors(mode: CustodyMode) -> &'static [Provider] {
    match mode.providers() {
        [rest @ .., _] if rest.len() >= mode.provider_shares_needed() => rest,
        all => all,
    }
}

struct Fresh {
    scene: Scene,
    new: Vault,
    sealed: shroud_custody::SealedSecret,
}

fn reshared(mode: CustodyMode) -> Fresh {
    let (mut scene, new) = (Scene::set(mode), Vault::new(&mut Stream::seeded("fresh KEKs")));
    let (old, client) = (scene.vault.only(survivors(mode)), scene.sealed.client_share.as_ref());
    let outcome =
        reshare_secret(mode, &PLACE, &stored(&scene.sealed), &old, client, &new.all(), &mut scene.random);
    let reshared = outcome.unwrap();
    assert_eq!(reshared.faults, vec![]);
    Fresh { scene, new, sealed: reshared.sealed }
}

#[test]
fn provider_loss_reshare_opens() {
    for mode in CustodyMode::ALL {
        let Fresh { new, sealed, .. } = reshared(mode);
        let opened = open_secret(mode, &PLACE, &stored(&sealed), &new.all(), sealed.client_share.as_ref());
        let opened = opened.unwrap();
        assert_eq!((opened.value.as_slice(), opened.faults), (VALUE, vec![]), "{mode}");
    }
}

#[test]
fn old_client_share_is_refused_after_a_reshare() {
    for mode in CustodyMode::ALL.into_iter().filter(|mode| mode.needs_client_share()) {
        let Fresh { scene, new, sealed } = reshared(mode);
        let old = scene.sealed.client_share.as_ref();
        let error = open_secret(mode, &PLACE, &stored(&sealed), &new.all(), old).map(|_| ()).unwrap_err();
        assert!(matches!(error, OpenError::Refused { .. }), "{mode}");
    }
}

#[test]
fn old_shares_give_nothing_with_new_ones() {
    for mode in [CustodyMode::MultiHsm2of3, CustodyMode::MultiHsmClient2of3] {
        let Fresh { mut scene, new, sealed } = reshared(mode);
        let old = scene.plain_share(Provider::Gcp);
        scene.vault = new;
        scene.sealed = sealed;
        scene.forge(Provider::Gcp, &old);
        let pair = [Provider::Gcp, Provider::Aws];
        assert!(matches!(scene.open(&scene.vault.only(&pair)).map(|_| ()), Err(OpenError::Refused { .. })));
        let faults = scene.open(&scene.vault.all()).unwrap().faults;
        assert_eq!(faults[0].reason, ShareFaultReason::Forged, "{mode}");
    }
}

#[test]
fn old_keks_do_not_open_the_reshared() {
    for mode in CustodyMode::ALL {
        let Fresh { scene, sealed, .. } = reshared(mode);
        let client = sealed.client_share.as_ref();
        assert!(open_secret(mode, &PLACE, &stored(&sealed), &scene.vault.all(), client).is_err(), "{mode}");
    }
}

#[test]
fn reshare_needs_the_old_client_share() {
    for mode in CustodyMode::ALL.into_iter().filter(|mode| mode.needs_client_share()) {
        let mut scene = Scene::set(mode);
        let keks = scene.vault.all();
        let wrong = scene.wrong_client_share(31);
        for client in [None, Some(&wrong)] {
            let outcome =
                reshare_secret(mode, &PLACE, &stored(&scene.sealed), &keks, client, &keks, &mut scene.random);
            assert!(matches!(outcome.map(|_| ()), Err(ReshareError::Open(_))), "{mode}");
        }
    }
}

#[test]
fn reshare_needs_all_new_keks() {
    let mut scene = Scene::set(CustodyMode::MultiHsm2of3);
    let two = scene.vault.only(&[Provider::Gcp, Provider::Aws]);
    let old = scene.vault.all();
    let outcome =
        reshare_secret(scene.mode, &PLACE, &stored(&scene.sealed), &old, None, &two, &mut scene.random);
    let missing = SealSecretError::KekMissing(Provider::Azure);
    assert_eq!(outcome.map(|_| ()).unwrap_err(), ReshareError::Seal(missing));
}

/// A forged share does not survive a reshare, and is named on the way.
#[test]
fn reshare_heals_a_forged_share() {
    let mut scene = Scene::set(CustodyMode::MultiHsm2of3);
    scene.forge(Provider::Aws, &[2; 33]);
    let keks = scene.vault.all();
    let outcome =
        reshare_secret(scene.mode, &PLACE, &stored(&scene.sealed), &keks, None, &keks, &mut scene.random);
    let reshared = outcome.unwrap();
    assert_eq!(reshared.faults[0].provider, Provider::Aws);
    let opened = open_secret(scene.mode, &PLACE, &stored(&reshared.sealed), &keks, None).unwrap();
    assert_eq!(opened.faults, vec![]);
}

#[test]
fn kek_rotation_rewraps_one_share() {
    for mode in CustodyMode::ALL {
        let (mut scene, new) = (Scene::set(mode), Vault::new(&mut Stream::seeded("rotated")));
        let (old, fresh) = (scene.vault.kek(Provider::Gcp), new.kek(Provider::Gcp));
        let sealed = &scene.sealed.shares[0].1;
        let moved =
            rewrap_share(mode, &PLACE, Provider::Gcp, sealed, old, fresh, &mut Stream::seeded("rewrap"))
                .unwrap();
        scene.sealed.shares[0].1 = moved;
        let keks = scene.vault.all().with(Provider::Gcp, fresh);
        assert_eq!(scene.open(&keks).unwrap().faults, vec![], "{mode}");
    }
}

#[test]
fn rewrap_refuses_a_faulty_share() {
    let mut scene = Scene::set(CustodyMode::MultiHsm2of3);
    scene.forge(Provider::Gcp, &[2; 33]);
    let kek = scene.vault.kek(Provider::Gcp);
    let sealed = &scene.sealed.shares[0].1;
    let outcome =
        rewrap_share(scene.mode, &PLACE, Provider::Gcp, sealed, kek, kek, &mut Stream::seeded("rewrap"));
    let swapped = ShareFaultReason::Swapped { owner: Provider::Aws };
    assert_eq!(outcome.unwrap_err(), RewrapError::Fault(swapped));
}

/// Unsplit secrets move into a split mode by opening them in the old and sealing them in the new.
#[test]
fn resplit_from_unsplit() {
    let mut scene = Scene::set(CustodyMode::Unsplit);
    let keks = scene.vault.all();
    let value = scene.open(&keks).unwrap().value;
    let mode = CustodyMode::MultiHsm2of3;
    let split = shroud_custody::seal_secret(mode, &PLACE, &keks, &value, &mut scene.random).unwrap();
    let two = scene.vault.only(&[Provider::Aws, Provider::Azure]);
    assert_eq!(open_secret(mode, &PLACE, &stored(&split), &two, None).unwrap().value.as_slice(), VALUE);
    let crossed = StoredSecret { shares: &scene.sealed.shares, ..stored(&split) };
    assert!(open_secret(mode, &PLACE, &crossed, &keks, None).is_err());
}
