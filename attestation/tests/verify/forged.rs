//! Certificates that are properly signed and say the wrong thing.

use shroud_attestation::Check;

use crate::forge::{Bent, Forge};

/// An extension of AMD's: its identifier from the arc 1 on, and the header of its value.
macro_rules! amd {
    ($($arc:literal),+) => { &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x9c, 0x78, 0x01, $($arc),+] };
}

/// The salt length in the parameters of RSA-PSS.
const SALT: [(&[u8], &[u8]); 1] = [(&[0xa2, 0x03, 0x02, 0x01, 0x30], &[0xa2, 0x03, 0x02, 0x01, 0x20])];

#[test]
fn the_control_is_accepted() {
    assert_eq!(Forge::new().refused(&Bent::default()), []);
}

#[test]
fn reject_chain_with_other_signature_parameters() {
    let forge = Forge::new();
    for bent in [
        Bent { ark: &SALT, ..Bent::default() },
        Bent { ask: &SALT, ..Bent::default() },
        Bent { vek: &SALT, ..Bent::default() },
    ] {
        assert_eq!(forge.refused(&bent), [Check::Chain]);
    }
}

/// An issuer must be an authority, and may sign certificates.
#[test]
fn reject_chain_through_a_certificate_that_is_no_authority() {
    let forge = Forge::new();
    let no_authority: &[(&[u8], &[u8])] =
        &[(&[0x30, 0x06, 0x01, 0x01, 0xff], &[0x30, 0x06, 0x01, 0x01, 0x00])];
    assert_eq!(forge.refused(&Bent { ask: no_authority, ..Bent::default() }), [Check::Chain]);
    let signs_lists_only: &[(&[u8], &[u8])] = &[(&[0x03, 0x02, 0x02, 0x04], &[0x03, 0x02, 0x01, 0x02])];
    assert_eq!(forge.refused(&Bent { ask: signs_lists_only, ..Bent::default() }), [Check::Chain]);
    let root: &[(&[u8], &[u8])] = &[(&[0x30, 0x03, 0x01, 0x01, 0xff], &[0x30, 0x03, 0x01, 0x01, 0x00])];
    assert_eq!(forge.refused(&Bent { ark: root, ..Bent::default() }), [Check::Chain]);
}

#[test]
fn reject_chain_with_an_extension_that_stands_twice() {
    let twice: &[(&[u8], &[u8])] = &[(amd!(3, 5), amd!(3, 4))];
    let refused = Forge::new().refused(&Bent { vek: twice, ..Bent::default() });
    assert!(refused.contains(&Check::Chain), "{refused:?}");
}

/// The dates of every certificate count, not the VEK's alone.
#[test]
fn reject_validity_of_authorities() {
    let (forge, expired): (_, &[(&[u8], &[u8])]) = (Forge::new(), &[(b"250101000000Z", b"260201000000Z")]);
    for bent in [
        Bent { ark: expired, ..Bent::default() },
        Bent { ask: expired, ..Bent::default() },
        Bent { vek: expired, ..Bent::default() },
    ] {
        assert_eq!(forge.refused(&bent), [Check::Validity]);
    }
}

#[test]
fn reject_key_kind_of_a_vcek_that_is_called_vlek() {
    let called: &[(&[u8], &[u8])] = &[(b"SEV-VCEK", b"SEV-VLEK")];
    assert_eq!(Forge::new().refused(&Bent { vek: called, ..Bent::default() }), [Check::KeyKind]);
}

/// A certificate of neither kind: no chip, no provider.
#[test]
fn reject_key_kind_of_neither() {
    let neither: &[(&[u8], &[u8])] = &[(amd!(4), amd!(9))];
    assert_eq!(
        Forge::new().refused(&Bent { vek: neither, ..Bent::default() }),
        [Check::ChipId, Check::KeyKind]
    );
}

/// A VLEK that an ASK issued, although it is a VLEK in everything else.
#[test]
fn vlek_issued_by_an_ask_is_refused() {
    let forge = Forge::new();
    let provider = [&[0x16, 0x3e][..], &[b'p'; 62]].concat();
    let edits: &[(&[u8], &[u8])] =
        &[(b"SEV-VCEK", b"SEV-VLEK"), (amd!(4), amd!(5)), (forge.machine.platform.chip_id(), &provider)];
    let bent = Bent { vek: edits, ..Bent::default() };
    assert_eq!(forge.refused_with(&bent, |input| input.key_info = 1 << 2), [Check::KeyKind]);
}

#[test]
fn reject_product_of_another_certificate() {
    let forge = Forge::new();
    for name in [b"Milan", b"Turin", b"Venic"] {
        let edits: &[(&[u8], &[u8])] = &[(b"\x16\x05Genoa", &[&[0x16, 0x05], &name[..]].concat())];
        assert_eq!(forge.refused(&Bent { vek: edits, ..Bent::default() }), [Check::Product]);
    }
}

/// A structure that is not known, and levels where AMD has none.
#[test]
fn tcb_extensions_that_are_not_known_are_refused() {
    let forge = Forge::new();
    let version: &[(&[u8], &[u8])] = &[(
        &[0x78, 0x01, 0x01, 0x04, 0x03, 0x02, 0x01, 0x00],
        &[0x78, 0x01, 0x01, 0x04, 0x03, 0x02, 0x01, 0x02],
    )];
    assert_eq!(forge.refused(&Bent { vek: version, ..Bent::default() }), [Check::Tcb]);
    let spare: &[(&[u8], &[u8])] =
        &[(&[0x03, 0x04, 0x04, 0x03, 0x02, 0x01, 0x00], &[0x03, 0x04, 0x04, 0x03, 0x02, 0x01, 0x01])];
    assert_eq!(forge.refused(&Bent { vek: spare, ..Bent::default() }), [Check::Tcb]);
    let missing: &[(&[u8], &[u8])] = &[(amd!(3, 3), amd!(3, 99))];
    assert_eq!(forge.refused(&Bent { vek: missing, ..Bent::default() }), [Check::Tcb]);
}

/// A hierarchy of Turin in everything but the length of the chip id.
#[test]
fn turin_chip_id_of_another_length_is_refused() {
    let root: &[(&[u8], &[u8])] = &[(b"ARK-Genoa", b"ARK-Turin")];
    let ask: &[(&[u8], &[u8])] = &[(b"ARK-Genoa", b"ARK-Turin"), (b"SEV-Genoa", b"SEV-Turin")];
    let vek: &[(&[u8], &[u8])] =
        &[(b"SEV-Genoa", b"SEV-Turin"), (b"\x16\x05Genoa", b"\x16\x05Turin"), (amd!(3, 4), amd!(3, 9))];
    let refused = Forge::new().refused_with(&Bent { ark: root, ask, vek }, |input| {
        input.cpuid = [0x1a, 0x02, 1];
        input.policy |= 1 << 24;
        for tcb in
            [&mut input.reported_tcb, &mut input.current_tcb, &mut input.committed_tcb, &mut input.launch_tcb]
        {
            let [bootloader, tee, _, _, _, _, snp, microcode] = *tcb;
            *tcb = [0, bootloader, tee, snp, 0, 0, 0, microcode];
        }
    });
    assert_eq!(refused, [Check::ChipId]);
}
