//! Guardrails from JSON and back: PATCH, aliases, garbage.

use serde_json::{Value, json};
use shroud_policy::{Chains, GuardrailError, Guardrails, Json, PolicyKey, SignedPolicy};

use crate::desk::{OTHER, TO, TOKEN, guardrails, merge};

fn create(body: &Value) -> Result<Guardrails, GuardrailError> {
    Guardrails::create(&Json::from(body), &Chains::built_in())
}

fn patch(guardrails: Guardrails, body: &Value) -> Guardrails {
    guardrails.patch(&Json::from(body), &Chains::built_in()).unwrap()
}

/// Every field, with a value that is not its default.
fn full() -> Value {
    json!({
        "tx_allowed_chains": ["base", "8453", "SEPOLIA", "solana"],
        "tx_to_allowlist": [TO, OTHER.to_lowercase()],
        "tx_token_allowlist": [TOKEN],
        "tx_known_tokens_only": true,
        "tx_max_value": "0.50",
        "tx_daily_limit": "2",
        "tx_max_per_day": 5,
        "per_chain_guardrails": {
            "ethereum": {
                "max_value": "0.4", "daily_limit": "1", "to_allowlist": [TO], "token_allowlist": [TOKEN],
                "max_per_day": 3, "overhead_budget": "0.1", "max_fee_per_gas_gwei": "30.5",
                "max_gas_limit": 1_000_000, "gas_daily_budget_native": "0.2",
            },
            "solana": {"max_value": "1"},
        },
        "tx_overhead_budget": {"base": "0.01"},
        "tx_block_unlimited_approvals": true,
        "tx_per_recipient_max_per_day": 2,
        "tx_per_recipient_daily_limit": "0.3",
        "new_recipient_cap_native": "0.1",
        "tx_max_value_usd": "100",
        "tx_daily_limit_usd": "200",
        "tx_token_limits": {TOKEN: {"decimals": 6, "max_value": "1.5", "daily_limit": "unlimited"}},
        "tx_allowed_calls": [{"address": TO, "selector": "0xdeadbeef"}],
        "tx_max_fee": "0.01",
        "tx_fee_daily_limit": "0.05",
        "message_signing_enabled": true,
        "raw_signing_enabled": true,
        "raw_signing_policy": "approve",
        "typed_data_policy": "approve",
        "personal_sign_policy": {"mode": "approve"},
        "tx_approval_policy": {"mode": "approve"},
        "simulation_failure_policy": "approve",
        "address_screening_policy": {"mode": "deny"},
        "eip712_default_policy": "allow",
        "eip712_domain_allowlist": [{"verifying_contract": TOKEN, "chain_id": 1, "primary_type": "Permit"}],
        "allow_erc4337": true,
        "allow_eip7702": true,
        "intents_require_tee": true,
        "auto_suspended": true,
    })
}

#[test]
fn every_field_is_shown_as_it_was_sent() {
    let shown = guardrails(&full()).to_json();
    for (name, sent) in full().as_object().unwrap() {
        assert_eq!(&shown[name], sent, "{name}");
    }
    assert_eq!(shown["tx_max_value_eth"], "0.50");
    assert_eq!(shown["tx_daily_limit_eth"], "2");
}

#[test]
fn what_is_shown_reads_back() {
    let one = guardrails(&full());
    assert_eq!(guardrails(&Value::Object(one.to_json())), one);
    let none = Guardrails::default();
    assert_eq!(
        guardrails(&Value::Object(none.to_json())).canonical(),
        patch(none, &json!({"raw_signing_enabled": false, "eip712_default_policy": "deny"})).canonical()
    );
}

#[test]
fn every_field_survives_the_signed_policy() {
    let key = PolicyKey::new([9; 32]);
    let one = guardrails(&full());
    let policy = SignedPolicy::open(&key.sign(&one), &key).unwrap();
    assert_eq!(policy.guardrails(), &one);
    assert_eq!(policy.guardrails().canonical(), one.canonical());
}

#[test]
fn every_field_changes_the_digest_and_null_clears_it() {
    let key = PolicyKey::new([9; 32]);
    let digest = |one: &Guardrails| *SignedPolicy::open(&key.sign(one), &key).unwrap().digest();
    for (name, sent) in full().as_object().unwrap() {
        let set = guardrails(&json!({name: sent}));
        assert_ne!(digest(&set), digest(&Guardrails::default()), "{name}");
        assert_eq!(patch(set.clone(), &json!({})), set, "{name}: absent leaves it");
        assert_eq!(patch(set, &json!({name: null})), Guardrails::default(), "{name}: null clears it");
    }
}

#[test]
fn an_empty_list_clears_a_list() {
    let one = patch(guardrails(&full()), &json!({"tx_to_allowlist": [], "tx_allowed_chains": []}));
    assert_eq!(one.to_json()["tx_to_allowlist"], json!([]));
    assert_eq!(one.to_json()["tx_allowed_chains"], json!([]));
}

#[test]
fn deprecated_aliases_mean_the_same() {
    let alias = guardrails(&json!({"tx_max_value_eth": "1", "tx_daily_limit_eth": "2"}));
    assert_eq!(alias, guardrails(&json!({"tx_max_value": "1", "tx_daily_limit": "2"})));
    assert_eq!(
        guardrails(&json!({"tx_max_value": "1", "tx_max_value_eth": "1"})),
        guardrails(&json!({"tx_max_value": "1"}))
    );
    let error = create(&json!({"tx_max_value": "1", "tx_max_value_eth": "2"})).unwrap_err();
    assert_eq!(error.field, "tx_max_value_eth");
    let inner = |name: &str| json!({"per_chain_guardrails": {"ethereum": {name: "1"}}});
    assert_eq!(guardrails(&inner("max_value_eth")), guardrails(&inner("max_value")));
    assert_eq!(
        patch(alias, &json!({"tx_max_value_eth": null, "tx_daily_limit_eth": null})),
        Guardrails::default()
    );
}

#[test]
fn members_that_are_no_guardrails_are_ignored() {
    let body = json!({"name": "a", "scopes": ["x"], "shroud_enabled": false, "vault_ids": [], "unheard_of": {"a": 1.5}});
    assert_eq!(guardrails(&body), Guardrails::default());
}

#[test]
fn garbage_is_named_with_field_expectation_and_finding() {
    let chain = |value: Value| json!({"per_chain_guardrails": {"ethereum": value}});
    let token = |value: Value| json!({"tx_token_limits": {TOKEN: value}});
    let rows = [
        (json!({"tx_max_value": "lots"}), "tx_max_value", "lots"),
        (json!({"tx_max_value": "1e3"}), "tx_max_value", "1e3"),
        (json!({"tx_max_value": -1}), "tx_max_value", "-1"),
        (json!({"tx_max_value": 1}), "tx_max_value", "1"),
        (json!({"tx_daily_limit": ""}), "tx_daily_limit", ""),
        (json!({"tx_daily_limit": true}), "tx_daily_limit", "true"),
        (json!({"tx_max_per_day": "5"}), "tx_max_per_day", "5"),
        (json!({"tx_max_per_day": -5}), "tx_max_per_day", "-5"),
        (json!({"tx_max_per_day": 1.5}), "tx_max_per_day", "1.5"),
        (json!({"tx_to_allowlist": TO}), "tx_to_allowlist", TO),
        (json!({"tx_to_allowlist": [TO, "0xdead"]}), "tx_to_allowlist[1]", "0xdead"),
        (json!({"tx_to_allowlist": [5]}), "tx_to_allowlist[0]", "5"),
        (json!({"tx_allowed_chains": ["nowhere"]}), "tx_allowed_chains[0]", "nowhere"),
        (json!({"tx_allowed_chains": [1]}), "tx_allowed_chains[0]", "1"),
        (json!({"tx_known_tokens_only": "yes"}), "tx_known_tokens_only", "yes"),
        (json!({"per_chain_guardrails": []}), "per_chain_guardrails", "an array"),
        (json!({"per_chain_guardrails": {"nowhere": {}}}), "per_chain_guardrails.nowhere", "nowhere"),
        (chain(json!({"max_valu": "1"})), "per_chain_guardrails.ethereum.max_valu", "1"),
        (
            chain(json!({"max_fee_per_gas_gwei": "1.0000000001"})),
            "per_chain_guardrails.ethereum.max_fee_per_gas_gwei",
            "1.0000000001",
        ),
        (json!({"tx_overhead_budget": {"base": 1}}), "tx_overhead_budget.base", "1"),
        (token(json!({"max_value": "1"})), &format!("tx_token_limits.{TOKEN}.daily_limit"), "null"),
        (
            token(json!({"max_value": "1.5", "daily_limit": "1"})),
            &format!("tx_token_limits.{TOKEN}.max_value"),
            "1.5",
        ),
        (
            token(json!({"max_value": "1", "daily_limit": "1", "decimals": 78})),
            &format!("tx_token_limits.{TOKEN}.decimals"),
            "object",
        ),
        (
            json!({"tx_token_limits": {"0x1": {"max_value": "1", "daily_limit": "1"}}}),
            "tx_token_limits.0x1",
            "0x1",
        ),
        (
            json!({"tx_allowed_calls": [{"address": TO, "selector": "0x12"}]}),
            "tx_allowed_calls[0].selector",
            "0x12",
        ),
        (json!({"tx_allowed_calls": [{"selector": "0x12345678"}]}), "tx_allowed_calls[0].address", "null"),
        (json!({"eip712_domain_allowlist": [{}]}), "eip712_domain_allowlist[0].verifying_contract", "null"),
        (json!({"eip712_domain_allowlist": ["0x1"]}), "eip712_domain_allowlist[0]", "0x1"),
        (
            json!({"eip712_domain_allowlist": [{"verifying_contract": TO, "salt": "x"}]}),
            "eip712_domain_allowlist[0].salt",
            "x",
        ),
        (json!({"eip712_default_policy": "maybe"}), "eip712_default_policy", "maybe"),
        (json!({"raw_signing_policy": 1}), "raw_signing_policy", "1"),
        (json!({"tx_approval_policy": {"when": "later"}}), "tx_approval_policy.mode", "null"),
        (json!({"simulation_failure_policy": "allow"}), "simulation_failure_policy", "allow"),
        (json!({"tx_max_value_usd": "$5"}), "tx_max_value_usd", "$5"),
    ];
    for (body, field, found) in rows {
        let error = create(&body).map(|_| ()).unwrap_err();
        assert_eq!(error.field, field, "{body}");
        assert!(error.found.contains(found), "{body}: {error}");
        assert!(!error.expected.is_empty());
    }
}

#[test]
fn one_token_has_one_limit_whatever_its_spelling() {
    let limit = json!({"max_value": "1", "daily_limit": "1"});
    let mixed = "0x1c7D4B196Cb0C7B01d743Fbc6116a902379C7238";
    let body = json!({"tx_token_limits": {mixed: limit, mixed.to_lowercase(): limit}});
    assert_eq!(create(&body).unwrap_err().expected, "each token once");
}

#[test]
fn block_is_another_word_for_deny() {
    assert_eq!(
        guardrails(&json!({"eip712_default_policy": "block"})),
        guardrails(&json!({"eip712_default_policy": "deny"}))
    );
}

#[test]
fn a_patch_that_fails_changes_nothing() {
    let mut body = full();
    merge(&mut body, &json!({"tx_max_value": "garbage"}));
    assert!(guardrails(&full()).patch(&Json::from(&body), &Chains::built_in()).is_err());
    let not_an_object = Guardrails::default().patch(&Json::from(&json!([])), &Chains::built_in());
    assert_eq!(not_an_object.unwrap_err().found, "an array");
}
