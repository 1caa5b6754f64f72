//! Every way in which a stored share can be bad: one reason, one test.

use shroud_custody::{
    CustodyMode, Disclosure, Holder, OpenError, Provider, Refusal, SecretContext, ShareFault,
    ShareFaultReason, seal_secret,
};

use crate::scene::{PLACE, Scene, Stream, VALUE};

use Provider::{Aws, Azure, Gcp};

/// Opens with all KEKs although `aws` is bad, and gives the reason that is named for it.
fn worked_around(scene: &Scene) -> ShareFaultReason {
    let opened = scene.open(&scene.vault.all()).unwrap();
    assert_eq!(opened.value.as_slice(), VALUE);
    assert_eq!(opened.faults.len(), 1);
    assert_eq!(opened.faults[0].provider, Aws);
    opened.faults[0].reason
}

fn refused(scene: &Scene, providers: &[Provider]) -> (Refusal, Vec<ShareFault>) {
    match scene.open(&scene.vault.only(providers)) {
        Err(OpenError::Refused { refusal, faults }) => (refusal, faults),
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it opens"),
    }
}

fn multi_hsm() -> Scene {
    Scene::set(CustodyMode::MultiHsm2of3)
}

#[test]
fn hostile_share_wrong() {
    let mut scene = multi_hsm();
    let other = SecretContext { version: 2, ..PLACE };
    let keks = scene.vault.all();
    let newer = seal_secret(scene.mode, &other, &keks, b"newer", &mut Stream::seeded("2")).unwrap();
    *scene.share(Aws) = newer.shares[1].1.clone();
    assert_eq!(worked_around(&scene), ShareFaultReason::Wrong);
}

#[test]
fn hostile_share_of_another_mode() {
    let mut scene = multi_hsm();
    let keks = scene.vault.all();
    let mut random = Stream::seeded("mode");
    let other = seal_secret(CustodyMode::Client2of3, &PLACE, &keks, VALUE, &mut random).unwrap();
    *scene.share(Aws) = other.shares[1].1.clone();
    assert_eq!(worked_around(&scene), ShareFaultReason::Wrong);
}

#[test]
fn hostile_share_flipped() {
    let intact = multi_hsm();
    for position in 0..intact.sealed.shares[1].1.len() {
        let mut scene = multi_hsm();
        scene.share(Aws)[position] ^= 1;
        let expected =
            if position == 0 { ShareFaultReason::UnknownVersion(0) } else { ShareFaultReason::Wrong };
        assert_eq!(worked_around(&scene), expected, "byte {position}");
    }
}

#[test]
fn hostile_share_missing() {
    let mut scene = multi_hsm();
    scene.sealed.shares.remove(1);
    assert_eq!(worked_around(&scene), ShareFaultReason::Missing);
}

#[test]
fn hostile_share_duplicated() {
    let mut scene = multi_hsm();
    let twice = scene.sealed.shares[1].clone();
    scene.sealed.shares.push(twice);
    assert_eq!(worked_around(&scene), ShareFaultReason::Duplicated);
}

#[test]
fn hostile_share_swapped() {
    let mut scene = multi_hsm();
    *scene.share(Aws) = scene.sealed.shares[2].1.clone();
    assert_eq!(worked_around(&scene), ShareFaultReason::Swapped { owner: Azure });
}

#[test]
fn hostile_share_swapped_under_its_own_kek() {
    let mut scene = multi_hsm();
    let gcp = scene.plain_share(Gcp);
    scene.forge(Aws, &gcp);
    assert_eq!(worked_around(&scene), ShareFaultReason::Swapped { owner: Gcp });
}

#[test]
fn hostile_share_zero_index() {
    let mut scene = multi_hsm();
    scene.forge(Aws, &[0; 33]);
    assert_eq!(worked_around(&scene), ShareFaultReason::ZeroIndex);
}

#[test]
fn hostile_share_foreign_index() {
    let mut scene = multi_hsm();
    scene.forge(Aws, &[9; 33]);
    assert_eq!(worked_around(&scene), ShareFaultReason::ForeignIndex { found: 9 });
}

#[test]
fn hostile_share_client_index() {
    let mut scene = Scene::set(CustodyMode::Client2of3);
    scene.forge(Aws, &[3; 33]);
    assert_eq!(worked_around(&scene), ShareFaultReason::ForeignIndex { found: 3 });
}

#[test]
fn hostile_share_foreign_provider() {
    let mut scene = Scene::set(CustodyMode::Client2of3);
    let stray = scene.sealed.shares[0].1.clone();
    scene.sealed.shares.push((Azure, stray));
    let opened = scene.open(&scene.vault.all()).unwrap();
    let fault = ShareFault { provider: Azure, reason: ShareFaultReason::ForeignProvider };
    assert_eq!((opened.value.as_slice(), opened.faults), (VALUE, vec![fault]));
}

#[test]
fn hostile_share_forged() {
    for mode in [CustodyMode::MultiHsm2of3, CustodyMode::MultiHsmClient2of3, CustodyMode::Client2of3] {
        let mut scene = Scene::set(mode);
        scene.forge(Aws, &[2; 33]);
        assert_eq!(worked_around(&scene), ShareFaultReason::Forged, "{mode}");
    }
}

#[test]
fn hostile_share_forged_with_no_third() {
    let mut scene = multi_hsm();
    scene.forge(Aws, &[2; 33]);
    let (refusal, faults) = refused(&scene, &[Gcp, Aws]);
    let suspects = vec![Holder::Provider(Gcp), Holder::Provider(Aws)];
    assert_eq!((refusal, faults), (Refusal::NotCommitted { suspects }, vec![]));
}

#[test]
fn hostile_share_forged_twice() {
    let mut scene = multi_hsm();
    scene.forge(Gcp, &[1; 33]);
    scene.forge(Aws, &[2; 33]);
    let (refusal, _) = refused(&scene, &Provider::ALL);
    assert!(matches!(refusal, Refusal::NotCommitted { suspects } if suspects.len() == 3));
}

#[test]
fn hostile_share_forged_whole() {
    for mode in [CustodyMode::Unsplit, CustodyMode::Client2of2] {
        let mut scene = Scene::set(mode);
        scene.forge(Gcp, &[1; 33]);
        let (refusal, faults) = refused(&scene, &Provider::ALL);
        assert_eq!(refusal, Refusal::NotCommitted { suspects: vec![Holder::Provider(Gcp)] }, "{mode}");
        assert_eq!(faults, vec![ShareFault { provider: Gcp, reason: ShareFaultReason::Forged }], "{mode}");
    }
}

#[test]
fn hostile_share_truncated() {
    let mut scene = multi_hsm();
    scene.share(Aws).truncate(40);
    assert_eq!(worked_around(&scene), ShareFaultReason::Truncated { length: 40 });
    scene.share(Aws).clear();
    assert_eq!(worked_around(&scene), ShareFaultReason::Truncated { length: 0 });
    scene.sealed.shares[1].1 = vec![1];
    assert_eq!(worked_around(&scene), ShareFaultReason::Truncated { length: 1 });
}

#[test]
fn hostile_share_truncated_under_its_own_kek() {
    let mut scene = multi_hsm();
    for length in [0, 1, 32] {
        scene.forge(Aws, &vec![2; length]);
        assert_eq!(worked_around(&scene), ShareFaultReason::Truncated { length });
    }
}

#[test]
fn hostile_share_oversized() {
    let mut scene = multi_hsm();
    scene.forge(Aws, &[2; 34]);
    assert_eq!(worked_around(&scene), ShareFaultReason::Oversized { length: 34 });
    let length = shroud_custody::sealed::LONGEST + 1;
    *scene.share(Aws) = vec![1; length];
    assert_eq!(worked_around(&scene), ShareFaultReason::Oversized { length });
}

#[test]
fn hostile_share_unknown_version() {
    let mut scene = multi_hsm();
    scene.share(Aws)[0] = 2;
    assert_eq!(worked_around(&scene), ShareFaultReason::UnknownVersion(2));
}

#[test]
fn hostile_share_wrong_client_share() {
    let last =
        [(CustodyMode::Client2of2, 31), (CustodyMode::Client2of3, 64), (CustodyMode::MultiHsmClient2of3, 31)];
    for (mode, position) in last {
        let scene = Scene::set(mode);
        let wrong = scene.wrong_client_share(position);
        let error = scene.open_with(&scene.vault.all(), Some(&wrong)).map(|_| ()).unwrap_err();
        let refused = OpenError::Refused { refusal: Refusal::WrongClientShare, faults: vec![] };
        assert_eq!(error, refused, "{mode}");
    }
}

#[test]
fn hostile_share_wrong_client_point_is_named_when_two_clouds_agree() {
    let scene = Scene::set(CustodyMode::Client2of3);
    let wrong = scene.wrong_client_share(1);
    let error = scene.open_with(&scene.vault.all(), Some(&wrong)).map(|_| ()).unwrap_err();
    assert_eq!(error, OpenError::Refused { refusal: Refusal::WrongClientShare, faults: vec![] });
}

#[test]
fn hostile_share_wrong_client_point_with_one_cloud() {
    let scene = Scene::set(CustodyMode::Client2of3);
    let wrong = scene.wrong_client_share(1);
    let error = scene.open_with(&scene.vault.only(&[Gcp]), Some(&wrong)).map(|_| ()).unwrap_err();
    let suspects = vec![Holder::Provider(Gcp), Holder::Client];
    assert_eq!(error, OpenError::Refused { refusal: Refusal::NotCommitted { suspects }, faults: vec![] });
}

#[test]
fn hostile_share_missing_client_share() {
    for mode in CustodyMode::ALL.into_iter().filter(|mode| mode.needs_client_share()) {
        let scene = Scene::set(mode);
        let error = scene.open_with(&scene.vault.all(), None).map(|_| ()).unwrap_err();
        assert_eq!(error, OpenError::ClientShareMissing, "{mode}");
        assert_eq!(error.disclosure(mode), Disclosure::ClientShareNeeded);
    }
}

#[test]
fn hostile_share_client_share_of_another_mode() {
    let (bound, half) = (Scene::set(CustodyMode::Client2of3), Scene::set(CustodyMode::Client2of2));
    let crossed = [(&bound, &half), (&half, &bound)];
    for (scene, other) in crossed {
        let foreign = other.sealed.client_share.as_ref();
        let error = scene.open_with(&scene.vault.all(), foreign).map(|_| ()).unwrap_err();
        assert_eq!(error, OpenError::ClientShareForeign);
    }
}

/// A wrong client share and damaged data look alike to the peer.
#[test]
fn hostile_share_no_oracle() {
    for mode in CustodyMode::ALL.into_iter().filter(|mode| mode.needs_client_share()) {
        let disclosure = |scene: &Scene, wrong: bool| {
            let client = wrong.then(|| scene.wrong_client_share(31));
            let client = client.as_ref().or(scene.sealed.client_share.as_ref());
            scene.open_with(&scene.vault.all(), client).map(|_| ()).unwrap_err().disclosure(mode)
        };
        let intact = Scene::set(mode);
        let mut value = Scene::set(mode);
        value.sealed.value[40] ^= 1;
        let mut shares = Scene::set(mode);
        mode.providers().iter().for_each(|provider| shares.share(*provider)[60] ^= 1);
        let mut commitment = Scene::set(mode);
        commitment.sealed.commitment.split = commitment.sealed.commitment.value;
        let seen = [
            disclosure(&intact, true),
            disclosure(&value, false),
            disclosure(&shares, false),
            disclosure(&commitment, false),
        ];
        assert_eq!(seen, [Disclosure::Refused; 4], "{mode}");
    }
}

#[test]
fn too_few_clouds_are_unavailable() {
    for mode in CustodyMode::ALL {
        let scene = Scene::set(mode);
        let error = scene.open(&scene.vault.only(&[])).map(|_| ()).unwrap_err();
        assert_eq!(error.disclosure(mode), Disclosure::Unavailable, "{mode}");
        let OpenError::Unavailable { needed, usable: 0, absent, .. } = error else { panic!("{error:?}") };
        assert_eq!((needed, absent.as_slice()), (mode.provider_shares_needed(), mode.providers()));
    }
}

#[test]
fn a_damaged_value_is_told_from_a_wrong_key() {
    let mut scene = multi_hsm();
    scene.sealed.value[40] ^= 1;
    let error = scene.open(&scene.vault.all()).map(|_| ()).unwrap_err();
    assert!(matches!(&error, OpenError::Refused { refusal: Refusal::Value(_), .. }));
    assert_eq!(error.disclosure(scene.mode), Disclosure::Damaged);
}

#[test]
fn too_few_sound_shares() {
    for mode in CustodyMode::ALL {
        let mut scene = Scene::set(mode);
        mode.providers().iter().for_each(|provider| scene.share(*provider).truncate(5));
        let (refusal, faults) = refused(&scene, &Provider::ALL);
        let needed = mode.provider_shares_needed();
        assert_eq!(refusal, Refusal::TooFewSound { needed, usable: 0 }, "{mode}");
        let truncated = ShareFaultReason::Truncated { length: 5 };
        assert!(
            faults.len() == mode.providers().len() && faults.iter().all(|fault| fault.reason == truncated)
        );
    }
}
