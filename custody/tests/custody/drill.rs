//! The drill says of every smallest set of holders whether it suffices.

use shroud_custody::{Coalition, CustodyMode, Holder, OpenError, Provider, Standing, drill_secret};

use crate::scene::{PLACE, Scene, stored};

fn drill(scene: &Scene, with_client: bool) -> Vec<Coalition> {
    let client = scene.sealed.client_share.as_ref().filter(|_| with_client);
    drill_secret(scene.mode, &PLACE, &stored(&scene.sealed), &scene.vault.all(), client)
}

fn names(coalition: &Coalition) -> String {
    coalition.holders.iter().copied().map(Holder::name).collect::<Vec<_>>().join("+")
}

#[test]
fn drill_names_the_smallest_sets() {
    let sets = |mode| drill(&Scene::set(mode), true).iter().map(names).collect::<Vec<_>>().join(" ");
    assert_eq!(sets(CustodyMode::Unsplit), "gcp");
    assert_eq!(sets(CustodyMode::Client2of2), "gcp+client");
    assert_eq!(sets(CustodyMode::MultiHsm2of3), "gcp+aws gcp+azure aws+azure");
    assert_eq!(sets(CustodyMode::Client2of3), "gcp+client aws+client");
    assert_eq!(sets(CustodyMode::MultiHsmClient2of3), "gcp+aws+client gcp+azure+client aws+azure+client");
}

#[test]
fn drill_of_an_intact_secret() {
    for mode in CustodyMode::ALL {
        let scene = Scene::set(mode);
        assert!(drill(&scene, true).iter().all(|c| c.standing == Ok(Standing::Suffices)), "{mode}");
        let expected = if mode.needs_client_share() { Standing::ProvidersSound } else { Standing::Suffices };
        assert!(drill(&scene, false).iter().all(|c| c.standing == Ok(expected)), "{mode}");
    }
}

#[test]
fn drill_finds_the_pairs_that_a_forged_share_spoils() {
    let mut scene = Scene::set(CustodyMode::MultiHsm2of3);
    scene.forge(Provider::Aws, &[2; 33]);
    let sound = drill(&scene, true).iter().map(|c| c.standing.is_ok()).collect::<Vec<_>>();
    assert_eq!(sound, [false, true, false]);
}

#[test]
fn drill_says_which_cloud_is_out_of_reach() {
    let scene = Scene::set(CustodyMode::Client2of3);
    let gcp = scene.vault.only(&[Provider::Gcp]);
    let standings = drill_secret(scene.mode, &PLACE, &stored(&scene.sealed), &gcp, None);
    let [Coalition { standing: Err(OpenError::Unavailable { absent, .. }), .. }] = standings.as_slice()
    else {
        panic!("{standings:?}")
    };
    assert_eq!(absent, &[Provider::Aws]);
}
