//! Boot judgement: every attack of the host by its name.

use aws_lc_rs::signature::Ed25519KeyPair;

use super::*;
use crate::checkpoint::{Checkpoint, Origin};
use crate::entry::Entry;
use crate::kind::Kind;

/// A history of `size` entries: genesis, boot, then signatures; those from `split` on belong to `fork`.
fn state(size: u64, split: u64, fork: u8) -> State {
    let mut state = State::new();
    for sequence in 0..size {
        let next = state.next();
        let kind = [Kind::Genesis, Kind::Boot]
            .get(usize::try_from(sequence).unwrap())
            .copied()
            .unwrap_or(Kind::Sign);
        let entry = Entry {
            sequence,
            previous: next.previous,
            time: 1000,
            term: next.term + u64::from(kind == Kind::Boot),
            kind,
            id: [0; 16],
            actor: "x".into(),
            subject: String::new(),
            policy_digest: None,
            rows: vec![],
            spends: vec![],
            details: vec![],
            blinding: [if sequence < split { 0 } else { fork }; 32],
        };
        state.apply(&entry).unwrap();
    }
    state
}

fn registered() -> Registered {
    let genesis = *state(1, 9, 0).genesis().unwrap();
    Registered { journal_key: [1; 32], state_key_commitment: [2; 32], genesis }
}

fn checkpoint(state: &State) -> SignedCheckpoint {
    let key = Ed25519KeyPair::from_seed_unchecked(&[1; 32]).unwrap();
    let origin = Origin::new("o").unwrap();
    Checkpoint { origin, size: state.size(), root: state.tree().root(), term: state.term() }.sign(&key)
}

fn says(gateway: &str, registered: Option<Registered>, newest: Option<&State>) -> Testimony {
    Testimony { gateway: gateway.into(), registered, newest: newest.map(checkpoint) }
}

fn remembers(gateway: &str, newest: &State) -> Testimony {
    says(gateway, Some(registered()), Some(newest))
}

fn quorum() -> Quorum {
    Quorum::new(3, 2, 2, 0).unwrap()
}

fn judged(state: &State, testimonies: &[Testimony]) -> Result<Ground, BootRefused> {
    judge(state, testimonies, &quorum())
}

fn kind(state: &State, testimonies: &[Testimony]) -> &'static str {
    judged(state, testimonies).unwrap_err().kind()
}

#[test]
fn a_store_that_extends_what_is_remembered_is_ground() {
    let testimonies = [remembers("gcp", &state(4, 9, 0)), remembers("aws", &state(6, 9, 0))];
    assert_eq!(judged(&state(6, 9, 0), &testimonies), Ok(Ground::Extends { remembered: 6, term: 2 }));
    assert_eq!(judged(&state(8, 9, 0), &testimonies), Ok(Ground::Extends { remembered: 6, term: 2 }));
}

#[test]
fn a_gateway_that_never_cosigned_remembers_nothing() {
    let testimonies = [says("gcp", Some(registered()), None), remembers("aws", &state(3, 9, 0))];
    assert_eq!(judged(&state(3, 9, 0), &testimonies), Ok(Ground::Extends { remembered: 3, term: 2 }));
}

#[test]
fn rollback_is_refused() {
    let testimonies = [remembers("gcp", &state(4, 9, 0)), remembers("aws", &state(6, 9, 0))];
    let refused = judged(&state(5, 9, 0), &testimonies).unwrap_err();
    assert_eq!(refused, BootRefused::Rollback { gateway: "aws".into(), remembered: 6, store: 5 });
    assert_eq!(refused.kind(), "rollback");
}

#[test]
fn fork_is_refused() {
    let testimonies = [remembers("gcp", &state(4, 9, 0)), remembers("aws", &state(6, 9, 0))];
    let refused = judged(&state(8, 4, 1), &testimonies).unwrap_err();
    assert_eq!(refused, BootRefused::Fork { gateway: "aws".into(), size: 6 });
    assert_eq!(refused.kind(), "fork");
}

#[test]
fn fork_of_the_term_alone_is_refused() {
    let key = Ed25519KeyPair::from_seed_unchecked(&[1; 32]).unwrap();
    let state = state(4, 9, 0);
    let later = Checkpoint { term: 5, ..checkpoint(&state).checkpoint().clone() }.sign(&key);
    let raised = Testimony { newest: Some(later), ..remembers("aws", &state) };
    assert_eq!(kind(&state, &[remembers("gcp", &state), raised]), "fork");
}

#[test]
fn an_empty_store_of_a_registered_origin_is_refused() {
    let testimonies = [remembers("gcp", &state(4, 9, 0)), remembers("aws", &state(4, 9, 0))];
    assert_eq!(kind(&State::new(), &testimonies), "genesis");
}

#[test]
fn another_deployments_store_is_refused() {
    let testimonies = [remembers("gcp", &state(4, 9, 0)), remembers("aws", &state(4, 9, 0))];
    assert_eq!(kind(&state(8, 0, 1), &testimonies), "genesis");
}

#[test]
fn a_history_that_nobody_knows_is_refused() {
    let testimonies = [says("gcp", None, None), says("aws", None, None)];
    assert_eq!(kind(&state(2, 9, 0), &testimonies), "genesis");
}

#[test]
fn an_empty_store_of_an_unknown_origin_makes_a_genesis() {
    let testimonies = [says("gcp", None, None), says("aws", None, None)];
    assert_eq!(judged(&State::new(), &testimonies), Ok(Ground::Genesis));
    assert_eq!(judged(&state(1, 9, 0), &testimonies), Ok(Ground::Unregistered));
}

#[test]
fn a_genesis_cut_short_registers_on() {
    let partly = [says("gcp", Some(registered()), None), says("aws", None, None)];
    assert_eq!(judged(&state(1, 9, 0), &partly), Err(BootRefused::Waiting { have: 2, need: 3 }));
    let all = [partly.as_slice(), &[says("azure", None, None)]].concat();
    assert_eq!(Agreed::from(&all, &quorum()), Ok(Agreed::Partly(registered())));
    assert_eq!(judged(&state(1, 9, 0), &all), Ok(Ground::Unregistered));
    assert_eq!(kind(&State::new(), &all), "genesis");
    assert_eq!(kind(&state(1, 0, 1), &all), "genesis");
    assert_eq!(kind(&state(2, 9, 0), &all), "genesis");
}

#[test]
fn gateways_that_forgot_are_not_registered_again() {
    let one = remembers("gcp", &state(4, 9, 0));
    let all = [one, says("aws", None, None), says("azure", None, None)];
    assert_eq!(judged(&state(1, 9, 0), &all), Err(BootRefused::Disagreement { need: 2 }));
}

#[test]
fn disagreement_is_refused() {
    let other = Registered { journal_key: [9; 32], ..registered() };
    let all =
        [says("gcp", Some(registered()), None), says("aws", Some(other), None), says("azure", None, None)];
    let refused = judged(&state(1, 9, 0), &all).unwrap_err();
    assert_eq!((refused.kind(), refused), ("genesis", BootRefused::Disagreement { need: 2 }));
}

#[test]
fn one_liar_does_not_unmake_an_agreement() {
    let other = Registered { journal_key: [9; 32], ..registered() };
    let newest = state(4, 9, 0);
    let all = [says("azure", Some(other), None), remembers("gcp", &newest), remembers("aws", &newest)];
    assert_eq!(Agreed::from(&all, &quorum()), Ok(Agreed::Registered(registered())));
    assert_eq!(judged(&newest, &all), Ok(Ground::Extends { remembered: 4, term: 2 }));
}

#[test]
fn too_few_gateways_are_waited_for() {
    let one = remembers("gcp", &state(4, 9, 0));
    let refused = judged(&state(4, 9, 0), &[one.clone(), one]).unwrap_err();
    assert_eq!((refused.kind(), refused), ("waiting", BootRefused::Waiting { have: 1, need: 2 }));
}

#[test]
fn a_registration_of_other_widths_is_not_read() {
    let mut message = Registration {
        origin: "o".into(),
        state_key_commitment: vec![2; 32],
        journal_key: vec![1; 32],
        genesis: registered().genesis.to_vec(),
    };
    assert_eq!(Registered::read(&message), Some(registered()));
    message.genesis.pop();
    assert_eq!(Registered::read(&message), None);
}
