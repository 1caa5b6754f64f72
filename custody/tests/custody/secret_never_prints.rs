//! No secret type prints, copies, compares or serializes: held at compile time. No error carries a secret.

use core::fmt::{Debug, Display, LowerHex};

use shroud_custody::{
    ClientShare, CustodyMode, Dek, Kek, KekSet, Opened, Provider, Rebuilt, RebuiltDek, SealedSecret, Secret,
    Share, StateKey,
};
use static_assertions::{assert_impl_all, assert_not_impl_any, assert_type_ne_all};
use zeroize::ZeroizeOnDrop;

use crate::scene::Scene;

macro_rules! mute {
    ($($secret:ty),+ $(,)?) => {
        $(assert_not_impl_any!(
            $secret: Debug, Display, LowerHex, Clone, Copy, PartialEq, PartialOrd, AsRef<[u8]>, serde::Serialize,
            core::hash::Hash
        );)+
    };
}

mute!(Secret<32>, Secret<33>, StateKey, Kek, Dek, RebuiltDek, Share, Rebuilt, ClientShare);
assert_not_impl_any!(Opened: Debug, Clone, serde::Serialize);
assert_not_impl_any!(SealedSecret: Debug, Clone, serde::Serialize);
assert_not_impl_any!(KekSet<'static>: Debug, serde::Serialize);
assert_impl_all!(Secret<32>: ZeroizeOnDrop);
assert_type_ne_all!(StateKey, Kek, Dek, RebuiltDek, Rebuilt, Share, ClientShare, Secret<32>);

#[test]
fn secret_never_prints() {
    for mode in CustodyMode::ALL {
        let mut scene = Scene::set(mode);
        let share = scene.plain_share(Provider::Gcp);
        scene.forge(Provider::Gcp, &[&share[..8], &[0; 25][..]].concat());
        let just_enough = &mode.providers()[..mode.provider_shares_needed()];
        let error = scene.open(&scene.vault.only(just_enough)).map(|_| ()).unwrap_err();
        let printed = format!("{error} {error:?}");
        assert!(!printed.contains(&format!("{:?}", &share[1..8]).trim_matches(['[', ']']).to_owned()));
        assert!(!printed.contains(&hex::encode(&share[1..8])));
    }
}
