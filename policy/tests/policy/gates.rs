//! What an agent may sign at all, simulations, and what a person may open.

use serde_json::{Value, json};
use shroud_policy::{Filling, Intent, Simulation, Step};

use crate::desk::{
    OTHER, TO, TOKEN, denied, hex0x, judged, passes, permit, policy, transfer, typed, unified,
};

fn sign(body: &Value) -> Intent {
    unified(body).unwrap().resolve(Filling::default()).unwrap()
}

fn message() -> Intent {
    sign(&json!({"intent_type": "personal_sign", "chain": "sepolia", "message": "hello"}))
}

fn digest() -> Intent {
    sign(&json!({"intent_type": "digest", "chain": "sepolia", "hash": hex0x(&[9; 32])}))
}

fn reverted() -> Simulation {
    Simulation::Reverted { reason: "no funds".to_owned() }
}

#[test]
fn a_suspended_agent_signs_nothing() {
    let rules = json!({"auto_suspended": true, "message_signing_enabled": true});
    denied(&rules, transfer(&json!({})), Step::Sign, "auto_suspended");
    denied(&rules, message(), Step::Sign, "auto_suspended");
    passes(&json!({"auto_suspended": true, "clear_auto_suspended": true}), transfer(&json!({})));
}

#[test]
fn a_simulation_can_only_deny() {
    let nothing = json!({});
    let asked = || transfer(&json!({"simulate_first": true}));
    denied(&nothing, asked(), Step::Simulation, "none was made");
    denied(&nothing, transfer(&json!({})).requiring_simulation(), Step::Simulation, "none was made");
    passes(
        &nothing,
        asked().with_simulation(Simulation::Passed { id: Some("s".to_owned()), gas_used: None }),
    );
    denied(&nothing, asked().with_simulation(reverted()), Step::Simulation, "no funds");
    denied(&nothing, transfer(&json!({})).with_simulation(reverted()), Step::Simulation, "no funds");
    let down = || Simulation::Unavailable { reason: "down".to_owned() };
    denied(&nothing, asked().with_simulation(down()), Step::Simulation, "down");
    passes(&nothing, transfer(&json!({})).with_simulation(down()));
    let capped = json!({"tx_max_value": "0.1"});
    let passed = asked().with_simulation(Simulation::Passed { id: None, gas_used: None });
    denied(&capped, passed, Step::ValueCap, "tx_max_value");
    passes(&json!({"message_signing_enabled": true}), message().requiring_simulation());
}

#[test]
fn a_person_may_open_what_the_policy_leaves_to_persons() {
    let rows: [(Value, fn() -> Intent); 5] = [
        (json!({"tx_approval_policy": {"mode": "approve"}}), || transfer(&json!({}))),
        (json!({"message_signing_enabled": true, "personal_sign_policy": {"mode": "approve"}}), message),
        (json!({"raw_signing_policy": "approve"}), digest),
        (json!({"simulation_failure_policy": "approve"}), || {
            transfer(&json!({})).with_simulation(reverted())
        }),
        (json!({"address_screening_policy": {"mode": "approve"}}), || transfer(&json!({}))),
    ];
    for (rules, intent) in rows {
        let denial = judged(&rules, intent(), &shroud_policy::NothingSpent).unwrap_err();
        assert!(denial.may_be_approved, "{denial}");
        passes(&rules, intent().with_persons_approval());
    }
}

#[test]
fn a_person_opens_no_other_gate_and_no_limit() {
    for rules in [
        json!({"tx_max_value": "0.1"}),
        json!({"tx_to_allowlist": [OTHER]}),
        json!({"tx_approval_policy": {"mode": "deny"}}),
        json!({"auto_suspended": true}),
    ] {
        let denial =
            judged(&rules, transfer(&json!({})).with_persons_approval(), &shroud_policy::NothingSpent);
        assert!(!denial.unwrap_err().may_be_approved);
    }
}

#[test]
fn typed_data_has_a_gate_of_its_own() {
    let listed = |mode: &str| json!({"eip712_domain_allowlist": [TOKEN], "typed_data_policy": mode});
    let permitted = || typed("sepolia", &permit(11_155_111, TOKEN, TO, "1"));
    passes(&listed("allow"), permitted());
    denied(&listed("deny"), permitted(), Step::Sign, "typed_data_policy");
    denied(&listed("approve"), permitted(), Step::Sign, "typed_data_policy");
    passes(&listed("approve"), permitted().with_persons_approval());
    let asks =
        json!({"eip712_domain_allowlist": [TOKEN], "tx_approval_policy": "approve", "tx_max_per_day": 3});
    denied(
        &json!({"eip712_domain_allowlist": [TOKEN], "tx_approval_policy": "deny"}),
        permitted(),
        Step::Sign,
        "tx_approval_policy",
    );
    denied(&asks, permitted(), Step::Sign, "tx_approval_policy");
}

#[test]
fn a_domain_entry_may_be_narrowed() {
    let rules = |entry: Value| json!({"eip712_domain_allowlist": [entry]});
    let permitted = || typed("sepolia", &permit(11_155_111, TOKEN, TO, "1"));
    passes(
        &rules(
            json!({"verifying_contract": TOKEN.to_lowercase(), "primary_type": "Permit", "chain_id": 11_155_111}),
        ),
        permitted(),
    );
    for entry in [
        json!({"verifying_contract": TOKEN, "primary_type": "Order"}),
        json!({"verifying_contract": TOKEN, "chain_id": 1}),
        json!({"verifying_contract": OTHER}),
    ] {
        denied(&rules(entry), permitted(), Step::AddressAllowlist, "eip712_domain_allowlist");
    }
}

#[test]
fn raw_signing_needs_a_flag_or_the_newer_policy() {
    passes(&json!({"raw_signing_enabled": true}), digest());
    passes(&json!({"raw_signing_policy": "allow"}), digest());
    denied(
        &json!({"raw_signing_policy": "deny", "raw_signing_enabled": true}),
        digest(),
        Step::Sign,
        "raw_signing_policy",
    );
    denied(
        &json!({"raw_signing_policy": "allow", "raw_signing_enabled": false}),
        digest(),
        Step::Sign,
        "raw_signing_enabled",
    );
}

#[test]
fn a_dry_run_explains_an_allow_and_a_denial() {
    let rules = policy(&json!({"tx_max_value": "0.5", "tx_allowed_chains": ["sepolia"]}));
    let run = |value: &str| {
        let intent = transfer(&json!({"value": value}));
        shroud_policy::explain(&intent, &rules, &shroud_policy::NothingSpent, crate::desk::NOW)
    };
    let allowed = run("0.5");
    assert!(allowed.denied.is_none());
    assert!(allowed.steps.iter().all(|one| one.outcome.name() == "passed" && !one.detail.is_empty()));
    assert!(allowed.steps[1].detail.contains("tx_max_value 0.5"), "{}", allowed.steps[1].detail);
    let denied = run("0.6").denied.unwrap();
    let body = denied.to_json();
    assert_eq!(body["step"], "value_cap");
    assert_eq!((&body["limit"], &body["asked"]), (&json!("0.5"), &json!("0.6")));
    assert_eq!(body["steps"].as_array().unwrap().len(), 6);
    assert!(denied.detail().starts_with("value_cap: "), "{}", denied.detail());
    assert!(denied.detail().contains("limit 0.5, asked 0.6"), "{}", denied.detail());
}
