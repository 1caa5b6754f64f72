//! One row per way past a policy, as far as this crate judges it: each is refused for the stated reason.

use serde_json::{Value, json};
use shroud_policy::{Chains, Draft, Filling, Intent, Step, U256, abi::Token};

use crate::desk::{
    OTHER, SAFE, TO, TOKEN, address, approved, body, call, data, denied, draft, hex0x, merge, passes, permit,
    safe, token_transfer, transfer, typed, unified,
};

/// A policy with every common limit.
fn limited() -> Value {
    json!({
        "tx_to_allowlist": [TO], "tx_max_value": "0.5", "tx_daily_limit": "0.8", "tx_allowed_chains": ["sepolia"],
        "message_signing_enabled": true, "raw_signing_enabled": true, "allow_eip7702": true,
        "eip712_default_policy": "allow",
    })
}

fn with(changes: &Value) -> Value {
    let mut rules = limited();
    merge(&mut rules, changes);
    rules
}

fn sign(body: &Value) -> Intent {
    unified(body).unwrap().resolve(Filling::default()).unwrap()
}

#[test]
fn the_honest_intent_is_approved() {
    passes(&limited(), transfer(&json!({})));
}

/// Requests that are no intent at all: 400, and the error says what is wrong.
#[test]
fn malformed_requests_are_refused() {
    let rows: &[(&str, Value, &str)] = &[
        ("checksum trick", json!({"to": "0x000000000000000000000000000000000000DeaD"}), "checksum"),
        ("prefix trick", json!({"to": "0X000000000000000000000000000000000000dead"}), "0x"),
        ("short address", json!({"to": "0xdead"}), "40 hex digits"),
        (
            "homoglyph in an address",
            json!({"to": "0x000000000000000000000000000000000000dEa\u{0501}"}),
            "hex digits",
        ),
        ("empty recipient", json!({"to": ""}), "0x"),
        ("no recipient", json!({"to": null}), "to is required"),
        ("value in hex", json!({"value": "0x10"}), "not hex"),
        ("value with exponent", json!({"value": "1e-1"}), "exponent"),
        ("negative value", json!({"value": "-1"}), "sign"),
        ("signed value", json!({"value": "+1"}), "sign"),
        ("value with a comma", json!({"value": "0,1"}), "digits"),
        ("value with white space", json!({"value": " 1"}), "white space"),
        ("value as a number", json!({"value": 1}), "a string"),
        ("nineteen fraction digits", json!({"value": "0.0000000000000000001"}), "fraction"),
        (
            "overflow at 2^256",
            json!({"value": "115792089237316195423570985008687907853269984665640564039458"}),
            "2^256",
        ),
        ("unknown chain name", json!({"chain": "sepolla"}), "not registered"),
        ("unknown chain id", json!({"chain": "11155112"}), "not registered"),
        ("chain id with a leading zero", json!({"chain": "011155111"}), "not registered"),
        ("chain and chain id differ", json!({"chain_id": 1}), "chain_id"),
        ("nonce as text", json!({"nonce": "7"}), "whole number"),
        ("negative nonce", json!({"nonce": -1}), "whole number"),
        ("fraction of gas", json!({"gas_limit": 21000.5}), "whole number"),
        ("odd hex data", json!({"data": "0x123"}), "even number"),
        ("data without prefix", json!({"data": "12"}), "0x"),
        ("two fee markets", json!({"gas_price": "1"}), "exclude"),
        ("tip above fee", json!({"max_priority_fee_per_gas": "2000000001"}), "exceeds"),
        ("smart account", json!({"mode": "smart_account"}), "mode is not supported"),
        ("treasury", json!({"mode": "treasury"}), "mode is not supported"),
        ("treasury id", json!({"treasury_id": "x"}), "treasury_id is not supported"),
        ("gasless", json!({"gasless": true}), "gasless is not supported"),
        ("raw transaction", json!({"raw_transaction": "0x02"}), "raw_transaction is not supported"),
        ("other chain family", json!({"memo": "x"}), "memo is not supported"),
        ("unknown type", json!({"tx_type": 5}), "tx_type"),
        (
            "delegations in a plain type",
            json!({"tx_type": 2, "authorization_list": [authorization(1)]}),
            "tx_type 4",
        ),
        (
            "blobs in a plain type",
            json!({"tx_type": 2, "blob_versioned_hashes": [hex0x(&[1; 32])]}),
            "tx_type 3",
        ),
        (
            "access list in a legacy type",
            json!({
                "tx_type": 0, "gas_price": "1", "max_fee_per_gas": null, "max_priority_fee_per_gas": null,
                "access_list": [{"address": TO, "storage_keys": []}],
            }),
            "tx_type 0",
        ),
    ];
    for (row, changes, words) in rows {
        let error = draft(changes).and_then(|draft| draft.resolve(Filling::default()).map(|_| ()));
        let error = error.map(|()| "accepted".to_owned()).unwrap_or_else(|error| error.to_string());
        assert!(error.contains(words), "{row}: {error:?} does not say {words:?}");
    }
}

#[test]
fn json_duplicates_are_refused() {
    let text = body(&json!({})).to_string();
    for twice in [
        r#"{"value":"0.1","#,
        r#"{"to":"0x1111111111111111111111111111111111111111","#,
        r#"{"\u0074o":null,"#,
    ] {
        let text = text.replacen('{', twice, 1);
        let error = Draft::transaction(text.as_bytes(), &Chains::built_in()).unwrap_err();
        assert!(error.to_string().contains("twice"), "{error}");
    }
}

fn authorization(chain_id: u64) -> Value {
    json!({"chain_id": chain_id, "address": OTHER, "nonce": 0, "y_parity": 0, "r": "0x1", "s": "0x1"})
}

#[test]
fn delegation_meets_the_allowlist_and_the_chain() {
    let delegate = |chain_id: u64, address: &str| {
        let mut one = authorization(chain_id);
        one["address"] = json!(address);
        transfer(&json!({"gas_limit": 100_000, "authorization_list": [one]}))
    };
    passes(&limited(), delegate(11_155_111, TO));
    denied(&limited(), delegate(11_155_111, OTHER), Step::AddressAllowlist, "delegate");
    denied(&limited(), delegate(0, TO), Step::ChainRestriction, "every chain");
    denied(&limited(), delegate(1, TO), Step::ChainRestriction, "chain 1");
    let shut = with(&json!({"allow_eip7702": null}));
    denied(&shut, delegate(11_155_111, TO), Step::Sign, "allow_eip7702");
    denied(&json!({"allow_eip7702": false}), delegate(11_155_111, TO), Step::Sign, "allow_eip7702");
}

#[test]
fn case_tricks_do_not_pass_or_block_the_allowlist() {
    let upper = format!("0x{}", TO[2..].to_uppercase());
    for listed in [TO.to_lowercase(), upper.clone(), TO.to_owned()] {
        let rules = with(&json!({"tx_to_allowlist": [listed]}));
        passes(&rules, transfer(&json!({"to": upper})));
        passes(&rules, transfer(&json!({"to": TO.to_lowercase()})));
        denied(&rules, transfer(&json!({"to": OTHER})), Step::AddressAllowlist, "recipient");
    }
}

#[test]
fn approve_then_transfer_from_is_stopped_at_the_approval() {
    let rules = with(&json!({
        "tx_token_allowlist": [TOKEN], "tx_token_limits": {TOKEN: {"max_value": "10", "daily_limit": "15"}},
    }));
    let approve = |spender: &str, amount: u64| {
        call(TOKEN, &data("approve(address,uint256)", &[address(spender), Token::Word(U256::from(amount))]))
    };
    passes(&rules, approve(TO, 10));
    denied(&rules, approve(OTHER, 10), Step::AddressAllowlist, "spender");
    denied(&rules, approve(TO, 11), Step::ValueCap, "max_value");
}

#[test]
fn recipients_inside_calls_meet_the_allowlist() {
    let rules = with(&json!({
        "tx_to_allowlist": [TO, SAFE, TOKEN],
        "tx_token_limits": {TOKEN: {"max_value": "unlimited", "daily_limit": "unlimited"}},
    }));
    let theft = token_transfer(OTHER, U256::from(1));
    let multicall = |calls: Vec<Vec<u8>>| {
        data("multicall(bytes[])", &[Token::List(calls.into_iter().map(Token::Bytes).collect())])
    };
    let aggregate = |target: &str, inner: &[u8]| {
        let one = Token::List(vec![address(target), Token::Word(U256::ZERO), Token::Bytes(inner.to_vec())]);
        data("aggregate3((address,bool,bytes)[])", &[Token::List(vec![one])])
    };
    let rows = [
        ("transfer", call(TOKEN, &theft)),
        ("multicall", call(TOKEN, &multicall(vec![token_transfer(TO, U256::from(1)), theft.clone()]))),
        ("nested multicall", call(TOKEN, &multicall(vec![multicall(vec![theft.clone()])]))),
        ("safe", call(SAFE, &safe(TOKEN, 0, &theft, 0, 0))),
        ("multicall in a safe", call(SAFE, &safe(TOKEN, 0, &multicall(vec![theft.clone()]), 0, 0))),
        ("aggregate", call(SAFE, &aggregate(TOKEN, &theft))),
        ("aggregate to another contract", call(SAFE, &aggregate(OTHER, &token_transfer(TO, U256::from(1))))),
    ];
    for (row, intent) in rows {
        let denial = denied(&rules, intent, Step::AddressAllowlist, OTHER);
        assert!(denial.reason.to_string().contains("tx_to_allowlist"), "{row}");
    }
    passes(&rules, call(SAFE, &safe(TOKEN, 0, &token_transfer(TO, U256::from(1)), 0, 0)));
}

#[test]
fn delegatecall_in_a_safe_is_refused_unless_named() {
    let rules = with(&json!({"tx_to_allowlist": [TO, SAFE]}));
    let delegate = call(SAFE, &safe(TO, 0, &[1, 2, 3, 4], 1, 0));
    denied(&rules, delegate.clone(), Step::AddressAllowlist, "delegate_call");
    let named = with(&json!({
        "tx_to_allowlist": [TO, SAFE], "tx_allowed_calls": [{"address": TO, "selector": "0x01020304"}],
    }));
    passes(&named, delegate);
}

#[test]
fn unknown_call_is_refused_unless_address_and_selector_are_named() {
    let intent = || call(TO, &[0xde, 0xad, 0xbe, 0xef, 1]);
    denied(&limited(), intent(), Step::AddressAllowlist, "unknown_call");
    for (address, selector, named) in [
        (TO, "0xdeadbeef", true),
        (TO, "0xDEADBEEF", true),
        (TO, "0xdeadbee0", false),
        (OTHER, "0xdeadbeef", false),
    ] {
        let rules = with(&json!({"tx_allowed_calls": [{"address": address, "selector": selector}]}));
        match named {
            true => passes(&rules, intent()),
            false => drop(denied(&rules, intent(), Step::AddressAllowlist, "unknown_call")),
        }
    }
}

#[test]
fn permit_for_another_chain_is_refused() {
    let rules = with(&json!({
        "tx_token_limits": {TOKEN: {"max_value": "unlimited", "daily_limit": "unlimited"}},
        "eip712_domain_allowlist": [{"verifying_contract": TOKEN}],
    }));
    passes(&rules, typed("sepolia", &permit(11_155_111, TOKEN, TO, "1")));
    denied(&rules, typed("sepolia", &permit(1, TOKEN, TO, "1")), Step::ChainRestriction, "chain 1");
    let mut anywhere = permit(1, TOKEN, TO, "1");
    anywhere["domain"].as_object_mut().unwrap().remove("chainId");
    denied(&rules, typed("sepolia", &anywhere), Step::ChainRestriction, "every chain");
    denied(
        &rules,
        typed("ethereum", &permit(1, TOKEN, TO, "1")),
        Step::ChainRestriction,
        "tx_allowed_chains",
    );
}

#[test]
fn permit_needs_a_listed_domain_even_where_the_default_allows() {
    let rules = json!({"eip712_default_policy": "allow"});
    denied(
        &rules,
        typed("sepolia", &permit(11_155_111, TOKEN, TO, "1")),
        Step::AddressAllowlist,
        "eip712_domain_allowlist",
    );
    let mut renamed = permit(11_155_111, TOKEN, TO, "1");
    renamed["types"] = json!({"PermitEverything": [{"name": "all", "type": "bool"}]});
    renamed["primaryType"] = json!("PermitEverything");
    renamed["message"] = json!({"all": true});
    denied(&rules, typed("sepolia", &renamed), Step::AddressAllowlist, "eip712_domain_allowlist");
}

#[test]
fn the_digest_of_a_transaction_is_not_signed_raw() {
    let stolen = transfer(&json!({"to": OTHER, "value": "100"})).payload().digest();
    let raw = json!({"intent_type": "eip712_digest", "chain": "sepolia", "hash": hex0x(&stolen)});
    denied(&limited(), sign(&raw), Step::Sign, "raw digest");
    passes(&json!({"raw_signing_enabled": true}), sign(&raw));
    for limit in [
        json!({"tx_max_per_day": 5}),
        json!({"tx_allowed_chains": ["sepolia"]}),
        json!({"per_chain_guardrails": {"ethereum": {"max_value": "1"}}}),
        json!({"tx_overhead_budget": {"ethereum": "1"}}),
        json!({"tx_block_unlimited_approvals": true}),
        json!({"tx_known_tokens_only": true}),
    ] {
        let mut rules = json!({"raw_signing_enabled": true});
        merge(&mut rules, &limit);
        denied(&rules, sign(&raw), Step::Sign, "raw digest");
    }
}

#[test]
fn the_digest_of_a_safe_transaction_is_not_signed_as_a_message() {
    let message = json!({"intent_type": "personal_sign", "chain": "sepolia", "message": hex0x(&[7; 32])});
    denied(&limited(), sign(&message), Step::Sign, "raw digest");
    passes(&json!({"message_signing_enabled": true}), sign(&message));
    let text = json!({"intent_type": "personal_sign", "chain": "sepolia", "message": "log me in"});
    passes(&limited(), sign(&text));
}

#[test]
fn fee_drain_to_a_builder_is_refused() {
    let drains = [
        json!({"max_fee_per_gas": "10000000000000", "max_priority_fee_per_gas": "10000000000000"}),
        json!({"gas_limit": 30_000_000, "max_fee_per_gas": "100000000000"}),
        json!({"gas_price": "10000000000000", "max_fee_per_gas": null, "max_priority_fee_per_gas": null}),
        json!({
            "tx_type": 3, "max_fee_per_blob_gas": "1000000000000", "blob_versioned_hashes": [hex0x(&[1; 32])],
        }),
        json!({"max_fee_per_gas": U256::MAX.to_string()}),
    ];
    for drain in drains {
        let denial = denied(&limited(), transfer(&drain), Step::ValueCap, "fee");
        assert_eq!(denial.limit.as_deref(), Some("0.05"));
    }
}

#[test]
fn fee_drain_by_many_small_fees_meets_the_daily_bound() {
    let mut spend = shroud_policy::spend::Windows::default();
    spend.add(
        &shroud_policy::counter::fee(),
        shroud_policy::amount::parse_ether("0.07998").unwrap(),
        crate::desk::NOW,
    );
    spend.at(crate::desk::NOW);
    let denial = crate::desk::judged(&limited(), transfer(&json!({"value": "0"})), &spend).unwrap_err();
    assert_eq!(denial.step, Step::DailyLimit);
    assert!(denial.to_string().contains("default daily fee bound"), "{denial}");
}

#[test]
fn replay_across_chains_is_impossible() {
    let rules = json!({"tx_to_allowlist": [TO]});
    for legacy in
        [json!({}), json!({"gas_price": "1", "max_fee_per_gas": null, "max_priority_fee_per_gas": null})]
    {
        let mut elsewhere = legacy.clone();
        elsewhere["chain"] = json!("base");
        let here = approved(&rules, transfer(&legacy));
        assert!(here.intent().transaction().unwrap().chain_id.is_some());
        assert_ne!(here.digest(), approved(&rules, transfer(&elsewhere)).digest());
    }
}

#[test]
fn contract_wallet_operations_are_refused() {
    let operation = json!({
        "types": {"PackedUserOperation": [{"name": "sender", "type": "address"}]}, "primaryType": "PackedUserOperation",
        "domain": {"chainId": 11_155_111, "verifyingContract": SAFE}, "message": {"sender": OTHER},
    });
    let open = json!({"eip712_default_policy": "allow"});
    denied(&open, typed("sepolia", &operation), Step::Sign, "allow_erc4337");
    passes(&json!({"eip712_default_policy": "allow", "allow_erc4337": true}), typed("sepolia", &operation));
}
