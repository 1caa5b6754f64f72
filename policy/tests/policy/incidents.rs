//! What went wrong elsewhere, row by row of the policy part of the incident list.

use serde_json::json;
use shroud_policy::{
    Asset, EffectKind, Filling, Guardrails, Json, NothingSpent, Step, U256, abi::Token, approve,
    spend::Windows,
};

use crate::desk::{
    NOW, OTHER, SAFE, TO, TOKEN, address, call, data, denied, hex0x, judged, number, passes, permit, policy,
    safe, token_transfer, transfer, typed, unified,
};

#[test]
fn erc20_meets_cap_without_a_stated_token_limit() {
    let rules = json!({"tx_max_value": "0.5", "tx_token_allowlist": [TOKEN], "tx_to_allowlist": [TO]});
    let intent = call(TOKEN, &token_transfer(TO, U256::from(1)));
    denied(&rules, intent, Step::ValueCap, "states no limit for it");
}

#[test]
fn erc20_meets_cap_of_its_token() {
    let rules = json!({
        "tx_max_value": "0.5", "tx_token_allowlist": [TOKEN], "tx_to_allowlist": [TO],
        "tx_token_limits": {TOKEN: {"decimals": 6, "max_value": "100", "daily_limit": "150"}},
    });
    passes(&rules, call(TOKEN, &token_transfer(TO, U256::from(100_000_000))));
    let denial = denied(
        &rules,
        call(TOKEN, &token_transfer(TO, U256::from(100_000_001))),
        Step::ValueCap,
        "max_value",
    );
    assert_eq!(denial.limit.as_deref(), Some("100000000"));
    assert_eq!(denial.asked.as_deref(), Some("100000001"));
}

#[test]
fn erc20_meets_cap_whatever_the_function() {
    let rules = json!({
        "tx_max_value": "0.5", "tx_token_allowlist": [TOKEN], "tx_to_allowlist": [TO],
        "tx_token_limits": {TOKEN: {"max_value": "10", "daily_limit": "unlimited"}},
    });
    let amount = || number(11);
    let calls = [
        data("transferFrom(address,address,uint256)", &[address(OTHER), address(TO), amount()]),
        data("approve(address,uint256)", &[address(TO), amount()]),
        data("increaseAllowance(address,uint256)", &[address(TO), amount()]),
        data("setApprovalForAll(address,bool)", &[address(TO), number(1)]),
        data(
            "safeTransferFrom(address,address,uint256,uint256,bytes)",
            &[address(OTHER), address(TO), number(1), amount(), Token::Bytes(Vec::new())],
        ),
        data(
            "safeBatchTransferFrom(address,address,uint256[],uint256[],bytes)",
            &[
                address(OTHER),
                address(TO),
                Token::List(vec![number(1), number(2)]),
                Token::List(vec![number(6), number(5)]),
                Token::Bytes(Vec::new()),
            ],
        ),
        data(
            "permit(address,address,uint256,uint256,uint8,bytes32,bytes32)",
            &[address(OTHER), address(TO), amount(), number(1), number(27), number(1), number(1)],
        ),
        data(
            "multicall(bytes[])",
            &[Token::List(vec![
                Token::Bytes(token_transfer(TO, U256::from(5))),
                Token::Bytes(token_transfer(TO, U256::from(6))),
            ])],
        ),
    ];
    for data in calls {
        denied(&rules, call(TOKEN, &data), Step::ValueCap, "max_value");
    }
}

#[test]
fn typed_data_effect_of_a_permit_meets_every_limit() {
    let rules = json!({
        "tx_max_value": "1", "tx_to_allowlist": [TO], "tx_token_allowlist": [TOKEN],
        "tx_token_limits": {TOKEN: {"max_value": "100", "daily_limit": "150"}},
        "eip712_domain_allowlist": [{"verifying_contract": TOKEN}],
    });
    let permitted = |spender, value| typed("sepolia", &permit(11_155_111, TOKEN, spender, value));
    passes(&rules, permitted(TO, "100"));
    denied(&rules, permitted(OTHER, "100"), Step::AddressAllowlist, "spender");
    denied(&rules, permitted(TO, "101"), Step::ValueCap, "max_value");
    let mut spend = Windows::default();
    spend.add(&shroud_policy::counter::token(11_155_111, TOKEN.parse().unwrap()), U256::from(51), NOW);
    spend.at(NOW);
    assert_eq!(judged(&rules, permitted(TO, "100"), &spend).unwrap_err().step, Step::DailyLimit);
}

#[test]
fn typed_data_effect_of_permit2_eip3009_and_safe() {
    let domain = json!({"chainId": 11_155_111, "verifyingContract": SAFE});
    let uint = |name: &str| json!({"name": name, "type": "uint256"});
    let addr = |name: &str| json!({"name": name, "type": "address"});
    let messages = [
        json!({
            "types": {
                "PermitSingle": [{"name": "details", "type": "PermitDetails"}, addr("spender"), uint("sigDeadline")],
                "PermitDetails": [addr("token"), {"name": "amount", "type": "uint160"}, {"name": "expiration", "type": "uint48"}, {"name": "nonce", "type": "uint48"}],
            },
            "primaryType": "PermitSingle", "domain": domain,
            "message": {"details": {"token": TOKEN, "amount": "11", "expiration": 1, "nonce": 0}, "spender": TO, "sigDeadline": 1},
        }),
        json!({
            "types": {
                "PermitBatchTransferFrom": [{"name": "permitted", "type": "TokenPermissions[]"}, addr("spender"), uint("nonce"), uint("deadline")],
                "TokenPermissions": [addr("token"), uint("amount")],
            },
            "primaryType": "PermitBatchTransferFrom", "domain": domain,
            "message": {"permitted": [{"token": TOKEN, "amount": "5"}, {"token": TOKEN, "amount": "6"}], "spender": TO, "nonce": 0, "deadline": 1},
        }),
        json!({
            "types": {
                "PermitWitnessTransferFrom": [{"name": "permitted", "type": "TokenPermissions"}, addr("spender"), uint("nonce"), uint("deadline"), {"name": "witness", "type": "Order"}],
                "TokenPermissions": [addr("token"), uint("amount")], "Order": [uint("anything")],
            },
            "primaryType": "PermitWitnessTransferFrom", "domain": domain,
            "message": {"permitted": {"token": TOKEN, "amount": "11"}, "spender": TO, "nonce": 0, "deadline": 1, "witness": {"anything": 1}},
        }),
        json!({
            "types": {"TransferWithAuthorization": [addr("from"), addr("to"), uint("value"), uint("validAfter"), uint("validBefore"), {"name": "nonce", "type": "bytes32"}]},
            "primaryType": "TransferWithAuthorization", "domain": {"chainId": 11_155_111, "verifyingContract": TOKEN},
            "message": {"from": OTHER, "to": TO, "value": "11", "validAfter": 0, "validBefore": 1, "nonce": hex0x(&[7; 32])},
        }),
        json!({
            "types": {"SafeTx": [addr("to"), uint("value"), {"name": "data", "type": "bytes"}, {"name": "operation", "type": "uint8"}, uint("safeTxGas"), uint("baseGas"), uint("gasPrice"), addr("gasToken"), addr("refundReceiver"), uint("nonce")]},
            "primaryType": "SafeTx", "domain": domain,
            "message": {"to": TOKEN, "value": 0, "data": hex0x(&token_transfer(TO, U256::from(11))), "operation": 0, "safeTxGas": 0, "baseGas": 0, "gasPrice": 0, "gasToken": "0x0000000000000000000000000000000000000000", "refundReceiver": "0x0000000000000000000000000000000000000000", "nonce": 0},
        }),
    ];
    let rules = |cap: &str| {
        json!({
            "tx_max_value": "1", "tx_to_allowlist": [TO], "tx_token_allowlist": [TOKEN],
            "tx_token_limits": {TOKEN: {"max_value": cap, "daily_limit": "unlimited"}},
            "eip712_domain_allowlist": [{"verifying_contract": TOKEN}, {"verifying_contract": SAFE}],
        })
    };
    for message in messages {
        passes(&rules("11"), typed("sepolia", &message));
        denied(&rules("10"), typed("sepolia", &message), Step::ValueCap, "max_value");
    }
}

#[test]
fn typed_data_effect_unknown_is_refused_under_limits() {
    let order = json!({
        "types": {"Login": [{"name": "everything", "type": "bool"}]}, "primaryType": "Login",
        "domain": {"chainId": 11_155_111, "verifyingContract": SAFE}, "message": {"everything": true},
    });
    let open = json!({"eip712_default_policy": "allow"});
    passes(&open, typed("sepolia", &order));
    let limited = json!({"eip712_default_policy": "allow", "tx_max_value": "1"});
    denied(&limited, typed("sepolia", &order), Step::AddressAllowlist, "unknown_typed_data");
    let listed = json!({"tx_max_value": "1", "eip712_domain_allowlist": [SAFE]});
    passes(&listed, typed("sepolia", &order));
}

#[test]
fn counter_per_asset_never_adds_up_different_tokens() {
    let rules = json!({
        "tx_daily_limit": "1",
        "tx_token_limits": {
            TOKEN: {"max_value": "100", "daily_limit": "100"}, OTHER: {"max_value": "100", "daily_limit": "100"},
        },
    });
    let mut spend = Windows::default();
    for token in [TOKEN, OTHER] {
        let taken = judged(&rules, call(token, &token_transfer(TO, U256::from(100))), &spend).unwrap();
        for one in taken.reservations() {
            spend.add(&one.counter, one.amount, NOW);
        }
        spend.at(NOW);
    }
    assert!(judged(&rules, transfer(&json!({"value": "1"})), &spend).is_ok());
    let again = judged(&rules, call(TOKEN, &token_transfer(TO, U256::from(1))), &spend).unwrap_err();
    assert_eq!(again.step, Step::DailyLimit);
    assert_eq!(again.left.as_deref(), Some("0"));
}

#[test]
fn approve_a_sign_b_is_impossible() {
    let intent = transfer(&json!({}));
    let digest = intent.transaction().unwrap().signing_hash();
    let approved = approve(intent, &policy(&json!({})), &NothingSpent, NOW).unwrap();
    assert_eq!(approved.digest(), &digest);
    let word = |byte: u8| [byte; 32];
    let signature = shroud_policy::Signature::new(&word(1), &word(1), false).unwrap();
    let signed = approved.finish(signature);
    assert_eq!(signed.transaction().unwrap().transaction().signing_hash(), digest);
    assert_eq!(signed.digest(), &digest);
}

#[test]
fn fail_closed_on_an_absent_limit() {
    let limited = json!({"tx_max_value": "1"});
    denied(&limited, call(TOKEN, &token_transfer(TO, U256::from(1))), Step::ValueCap, "states no limit");
    denied(&limited, call(TO, &[1, 2, 3, 4]), Step::AddressAllowlist, "unknown_call");
    denied(&limited, call(TO, &[1, 2]), Step::AddressAllowlist, "unknown_call");
    passes(&json!({}), call(TO, &[1, 2, 3, 4]));
}

#[test]
fn fail_closed_where_nothing_can_judge() {
    let dollars = json!({"tx_max_value_usd": "1000000"});
    denied(&dollars, transfer(&json!({})), Step::ValueCap, "tx_max_value_usd");
    let daily = json!({"tx_daily_limit_usd": "1000000"});
    denied(&daily, transfer(&json!({})), Step::DailyLimit, "tx_daily_limit_usd");
    let screened = json!({"address_screening_policy": {"mode": "deny"}});
    denied(&screened, transfer(&json!({})), Step::AddressAllowlist, "address_screening_policy");
    passes(&json!({"address_screening_policy": {"mode": "off"}}), transfer(&json!({})));
}

#[test]
fn fail_closed_for_typed_data_messages_and_digests_by_default() {
    let nothing = json!({});
    denied(
        &nothing,
        typed("sepolia", &permit(11_155_111, TOKEN, TO, "1")),
        Step::AddressAllowlist,
        "eip712_domain_allowlist",
    );
    let sign = |body| unified(&body).unwrap().resolve(Filling::default()).unwrap();
    let message = json!({"intent_type": "personal_sign", "chain": "sepolia", "message": "hello"});
    denied(&nothing, sign(message), Step::Sign, "message_signing_enabled");
    let digest = json!({"intent_type": "eip712_digest", "chain": "sepolia", "hash": hex0x(&[1; 32])});
    denied(&nothing, sign(digest), Step::Sign, "raw_signing_enabled");
}

#[test]
fn typed_data_strict_about_duplicates_and_unknowns() {
    let wrap =
        |typed: &str| format!(r#"{{"intent_type":"typed_data","chain":"sepolia","typed_data":{typed}}}"#);
    let read = |typed: &str| {
        shroud_policy::Draft::unified(wrap(typed).as_bytes(), &shroud_policy::Chains::built_in())
    };
    let good = permit(1, TOKEN, TO, "1").to_string();
    assert!(read(&good).is_ok());
    let changed = [
        (r#""value":"1""#, r#""value":"1","value":"999""#, "twice"),
        (r#""value":"1""#, r#""value":"1","extra":"999""#, "extra"),
        (r#""primaryType":"Permit""#, r#""primaryType":"Permit","note":1"#, "note"),
        (r#""chainId":1"#, r#""chainId":1,"extra":1"#, "extra"),
        (r#""value":"1""#, r#""valve":"1""#, "valve"),
        (r#""primaryType":"Permit""#, r#""primaryType":"Permut""#, "Permut"),
        (
            r#"{"name":"nonce","type":"uint256"}"#,
            r#"{"name":"nonce","type":"uint256","note":1}"#,
            "{name, type}",
        ),
        (r#"{"name":"nonce","type":"uint256"}"#, r#"{"name":"value","type":"uint256"}"#, "declared twice"),
        (r#"{"name":"nonce","type":"uint256"}"#, r#"{"name":"nonce","type":"uint"}"#, "uint"),
        (
            r#"{"name":"nonce","type":"uint256"}"#,
            r#"{"name":"nonce,x","type":"uint256"}"#,
            "cannot be a name",
        ),
    ];
    for (from, to, words) in changed {
        let text = good.replace(from, to);
        assert_ne!(text, good, "{from}");
        let error = read(&text).unwrap_err().to_string();
        assert!(error.contains(words), "{error} does not say {words}");
    }
}

#[test]
fn abi_canonical_or_refused() {
    let rules = json!({
        "tx_max_value": "1", "tx_token_limits": {TOKEN: {"max_value": "unlimited", "daily_limit": "unlimited"}},
        "tx_allowed_calls": [{"address": TOKEN, "selector": "0xa9059cbb"}],
    });
    let good = token_transfer(TO, U256::from(1));
    passes(&rules, call(TOKEN, &good));
    let trailing = [good.as_slice(), &[0]].concat();
    let truncated = good[..good.len() - 1].to_vec();
    let mut dirty = good.clone();
    dirty[4] = 1;
    for data in [trailing, truncated, dirty] {
        denied(&rules, call(TOKEN, &data), Step::AddressAllowlist, "malformed_call");
    }
}

#[test]
fn abi_canonical_unwrapping_is_bounded() {
    let rules = json!({
        "tx_max_value": "1", "tx_token_limits": {TOKEN: {"max_value": "unlimited", "daily_limit": "unlimited"}},
    });
    let nest = |depth| {
        (0..depth).fold(token_transfer(TO, U256::from(1)), |inner, _| {
            data("multicall(bytes[])", &[Token::List(vec![Token::Bytes(inner)])])
        })
    };
    let intent = call(TOKEN, &nest(3));
    assert!(intent.effects().iter().any(|effect| effect.asset == Some(Asset::Token(TOKEN.parse().unwrap()))));
    passes(&rules, intent);
    denied(&rules, call(TOKEN, &nest(4)), Step::AddressAllowlist, "malformed_call");
    let many = vec![Token::Bytes(token_transfer(TO, U256::from(1))); 400];
    let many = call(TOKEN, &data("multicall(bytes[])", &[Token::List(many)]));
    assert!(many.effects().iter().any(|effect| matches!(effect.kind, EffectKind::MalformedCall { .. })));
    denied(&rules, many, Step::AddressAllowlist, "malformed_call");
}

#[test]
fn fail_closed_inside_a_safe() {
    let rules = json!({
        "tx_to_allowlist": [SAFE, TO], "tx_max_value": "0.5",
    });
    passes(&rules, call(SAFE, &safe(TO, 1, &[], 0, 0)));
    denied(&rules, call(SAFE, &safe(OTHER, 1, &[], 0, 0)), Step::AddressAllowlist, "recipient");
    denied(&rules, call(SAFE, &safe(TO, u64::MAX, &[], 0, 0)), Step::ValueCap, "tx_max_value");
    denied(&rules, call(SAFE, &safe(TO, 0, &[], 1, 0)), Step::AddressAllowlist, "delegate_call");
    denied(&rules, call(SAFE, &safe(TO, 0, &[], 0, 1)), Step::AddressAllowlist, "recipient");
}

#[test]
fn typed_data_strict_numbers_pass_through_no_float() {
    let large = "115792089237316195423570985008687907853269984665640564039457584007913129639935";
    let text =
        permit(1, TOKEN, TO, "1").to_string().replace(r#""value":"1""#, &format!(r#""value":{large}"#));
    let json = Json::parse(text.as_bytes()).unwrap();
    let data = shroud_policy::TypedData::parse(&json).unwrap();
    assert_eq!(data.member("value").unwrap().integer(), Some(U256::MAX));
    let _ = Guardrails::default();
}

#[test]
fn typed_data_effect_of_an_unusual_permit_needs_its_type_named() {
    let mut unusual = permit(11_155_111, TOKEN, TO, "1");
    unusual["types"]["Permit"] = json!([{"name": "everything", "type": "bool"}]);
    unusual["message"] = json!({"everything": true});
    let rules = |entry| json!({"tx_max_value": "1", "eip712_domain_allowlist": [entry]});
    let listed = rules(json!({"verifying_contract": TOKEN}));
    denied(&listed, typed("sepolia", &unusual), Step::AddressAllowlist, "unknown_typed_data");
    let named = rules(json!({"verifying_contract": TOKEN, "primary_type": "Permit"}));
    passes(&named, typed("sepolia", &unusual));
}

#[test]
fn fail_closed_on_native_value_where_only_tokens_are_limited() {
    let rules = json!({"tx_token_limits": {TOKEN: {"max_value": "5", "daily_limit": "5"}}});
    denied(&rules, transfer(&json!({})), Step::ValueCap, "states no limit for native value");
    passes(&rules, transfer(&json!({"value": "0"})));
    passes(&rules, call(TOKEN, &token_transfer(TO, U256::from(5))));
}
