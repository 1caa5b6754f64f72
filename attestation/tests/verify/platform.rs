//! The platform policy, demand by demand.

use std::collections::BTreeMap;

use shroud_attestation::platform::TcbBounds;
use shroud_attestation::report::Tcb;
use shroud_attestation::{Check, PlatformPolicy, Product, verify};

use crate::fixture::{Case, Machine, NOW};

/// Milan's root seed is out: production does not trust it unless the operators say so.
#[test]
fn platform_policy_refuses_milan() {
    let Some(case) = Case::named("milan-v3-dstack") else { return };
    let values = case.values(PlatformPolicy::default());
    let rejected = verify(&case.evidence(), &Machine::purpose(), &values, NOW).unwrap_err();
    let milan = rejected.rejections.iter().find(|rejection| rejection.check == Check::Product).unwrap();
    assert!(milan.remedy.contains("2605.12990"), "{milan:?}");
}

#[test]
fn platform_policy_alias_check() {
    let machine = Machine::new();
    assert_eq!(machine.refused(|input| input.platform_info &= !(1 << 5)), [Check::Policy]);
}

#[test]
fn platform_policy_mitigation_vectors() {
    let mut machine = Machine::new();
    machine.policy.required_mitigations = 0b101;
    assert_eq!(machine.refused(|_| {}), [Check::Policy]);
    assert_eq!(
        machine.refused(|input| input.launch_mitigations = 0b111),
        [Check::Policy],
        "not in force now"
    );
    assert_eq!(machine.refused(|input| input.current_mitigations = 0b111), [Check::Policy], "not at launch");
    let both =
        machine.refused(|input| (input.launch_mitigations, input.current_mitigations) = (0b111, 0b101));
    assert_eq!(both, []);
    let old = machine.refused(|input| {
        (input.version, input.launch_mitigations, input.current_mitigations) = (3, 0b111, 0b111);
    });
    assert_eq!(old, [Check::Policy], "a report that cannot say is refused");
}

/// Bits that production forbids.
#[test]
fn platform_policy_forbidden_bits() {
    let mut machine = Machine::new();
    for bit in [18, 21] {
        assert_eq!(machine.refused(|input| input.policy |= 1 << bit), [Check::Policy], "bit {bit}");
    }
    machine.policy.allow_smt = false;
    assert_eq!(machine.refused(|_| {}), [Check::Policy]);
    assert_eq!(machine.refused(|input| input.policy &= !(1 << 16)), []);
}

/// Bits that production demands on Genoa, and one that a policy may demand.
#[test]
fn platform_policy_demanded_bits() {
    let mut machine = Machine::new();
    for bit in [22, 23] {
        assert_eq!(machine.refused(|input| input.policy &= !(1 << bit)), [Check::Policy], "bit {bit}");
    }
    machine.policy.require_ciphertext_hiding = vec![Product::Genoa];
    machine.policy.require_page_swap_off = vec![Product::Genoa];
    machine.policy.require_single_socket = true;
    assert_eq!(machine.refused(|_| {}), [Check::Policy]);
    for bit in [20, 24, 25] {
        let all_but_one = (1 << 20 | 1 << 24 | 1 << 25) & !(1 << bit);
        assert_eq!(machine.refused(|input| input.policy |= all_but_one), [Check::Policy], "bit {bit}");
    }
    assert_eq!(machine.refused(|input| input.policy |= 1 << 20 | 1 << 24 | 1 << 25), []);
}

#[test]
fn platform_policy_guest_svn() {
    let mut machine = Machine::new();
    machine.policy.minimum_guest_svn = 2;
    assert_eq!(machine.refused(|input| input.guest_svn = 1), [Check::Policy]);
    assert_eq!(machine.refused(|input| input.guest_svn = 2), []);
}

#[test]
fn platform_policy_debug_and_vmpl_can_be_admitted() {
    let mut machine = Machine::new();
    (machine.policy.allow_debug, machine.policy.vmpl) = (true, vec![0, 2]);
    assert_eq!(machine.refused(|input| (input.policy, input.vmpl) = (input.policy | 1 << 19, 2)), []);
}

/// Each of the four TCB versions has a bound of its own.
#[test]
fn tcb_bounds_are_told_apart() {
    let bound = Some(Tcb { snp: 25, microcode: 84, ..Tcb::default() });
    let with = |bounds| {
        let minimum_tcb = BTreeMap::from([(Product::Genoa, bounds)]);
        Machine { policy: PlatformPolicy { minimum_tcb, ..PlatformPolicy::default() }, ..Machine::new() }
    };
    let committed = with(TcbBounds { committed: bound, ..TcbBounds::default() });
    assert_eq!(committed.refused(|_| {}), []);
    assert_eq!(committed.refused(|input| input.committed_tcb[6] = 24), [Check::Tcb]);
    assert_eq!(committed.refused(|input| (input.current_tcb[6], input.launch_tcb[7]) = (0, 0)), []);
    let launch = with(TcbBounds { launch: bound, ..TcbBounds::default() });
    assert_eq!(launch.refused(|input| input.launch_tcb[7] = 83), [Check::Tcb]);
    let current = with(TcbBounds { current: bound, ..TcbBounds::default() });
    assert_eq!(current.refused(|input| input.current_tcb[6] = 24), [Check::Tcb]);
    let higher = Some(Tcb { snp: 26, ..Tcb::default() });
    let reported = with(TcbBounds { reported: higher, ..TcbBounds::default() });
    assert_eq!(reported.refused(|_| {}), [Check::Tcb]);
}

/// All four are shown, with or without a bound.
#[test]
fn tcb_versions_are_all_shown() {
    let machine = Machine::new();
    let verified = machine.verify(&machine.genuine()).unwrap();
    for field in ["REPORTED_TCB", "COMMITTED_TCB", "CURRENT_TCB", "LAUNCH_TCB"] {
        let shown = verified.checks().iter().any(|c| c.check == Check::Tcb && c.found.starts_with(field));
        assert!(shown, "{field}");
    }
}
