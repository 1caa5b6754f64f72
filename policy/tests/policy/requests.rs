//! What requests become: types, defaults, gaps.

use serde_json::{Value, json};
use shroud_policy::{Filling, Needs, Payload, RequestError, U256, message, transaction::Kind};

use crate::desk::{TO, draft, hex0x, transfer, unified};

fn bare() -> Value {
    json!({"nonce": null, "gas_limit": null, "max_fee_per_gas": null, "max_priority_fee_per_gas": null})
}

#[test]
fn a_minimal_request_says_what_it_needs() {
    let minimal = draft(&bare()).unwrap();
    assert_eq!(minimal.needs(), Needs { nonce: true, gas_limit: false, fees: true });
    let mut with_data = bare();
    with_data["data"] = json!("0x01020304");
    assert_eq!(draft(&with_data).unwrap().needs(), Needs { nonce: true, gas_limit: true, fees: true });
    assert_eq!(draft(&json!({})).unwrap().needs(), Needs::default());
}

#[test]
fn gaps_are_filled_and_stated_members_stay() {
    let filling = Filling {
        nonce: Some(3),
        gas_limit: Some(77_000),
        max_fee_per_gas: Some(U256::from(50)),
        max_priority_fee_per_gas: Some(U256::from(5)),
    };
    let filled = draft(&bare()).unwrap().resolve(filling).unwrap();
    let transaction = filled.transaction().unwrap();
    assert_eq!((transaction.nonce, transaction.gas_limit), (3, 21_000));
    assert_eq!(transaction.highest_gas_price(), U256::from(50));
    let stated = draft(&json!({})).unwrap().resolve(filling).unwrap();
    assert_eq!(stated.transaction().unwrap().nonce, 7);
    assert_eq!(stated.transaction().unwrap().highest_gas_price(), U256::from(2_000_000_000_u64));
}

#[test]
fn unfilled_gaps_are_refused() {
    for (missing, name) in [("nonce", "nonce"), ("max_fee_per_gas", "max_fee_per_gas")] {
        let error = draft(&json!({missing: null, "max_priority_fee_per_gas": null}))
            .unwrap()
            .resolve(Filling::default());
        assert_eq!(error.unwrap_err(), RequestError::Unfilled(name));
    }
    let call = draft(&json!({"data": "0x01020304", "gas_limit": null})).unwrap().resolve(Filling::default());
    assert_eq!(call.unwrap_err(), RequestError::Unfilled("gas_limit"));
}

#[test]
fn the_tip_has_a_default_below_the_fee() {
    for (fee, tip) in [("2000000000", 1_000_000_000_u64), ("7", 7)] {
        let intent = transfer(&json!({"max_fee_per_gas": fee, "max_priority_fee_per_gas": null}));
        let Kind::DynamicFee { max_priority_fee_per_gas, .. } = intent.transaction().unwrap().kind else {
            panic!()
        };
        assert_eq!(max_priority_fee_per_gas, U256::from(tip));
    }
}

#[test]
fn the_type_follows_from_the_members() {
    let fixed = json!({"gas_price": "5", "max_fee_per_gas": null, "max_priority_fee_per_gas": null});
    let kind = |changes: Value| transfer(&changes).transaction().unwrap().type_id();
    assert_eq!(kind(json!({})), 2);
    assert_eq!(kind(fixed.clone()), 0);
    let mut listed = fixed;
    listed["access_list"] = json!([{"address": TO, "storageKeys": [hex0x(&[1; 32])]}]);
    assert_eq!(kind(listed), 1);
    assert_eq!(kind(json!({"max_fee_per_blob_gas": "1", "blob_versioned_hashes": [hex0x(&[1; 32])]})), 3);
    let signed =
        json!({"chainId": 11_155_111, "address": TO, "nonce": 0, "yParity": "0x1", "r": "1", "s": "0x02"});
    assert_eq!(kind(json!({"gas_limit": 90_000, "authorization_list": [signed]})), 4);
    let empty =
        json!({"tx_type": 2, "access_list": [], "authorization_list": [], "blob_versioned_hashes": []});
    assert_eq!(kind(empty), 2);
}

#[test]
fn a_type_without_its_members_is_refused() {
    let refused = |changes: Value| draft(&changes).unwrap_err();
    assert_eq!(refused(json!({"tx_type": 4})), RequestError::Missing("authorization_list"));
    assert_eq!(refused(json!({"tx_type": 3})), RequestError::Missing("max_fee_per_blob_gas"));
    let none = json!({"tx_type": 0, "max_fee_per_gas": null, "max_priority_fee_per_gas": null});
    assert_eq!(refused(none), RequestError::Missing("gas_price"));
    assert_eq!(refused(json!({"max_fee_per_gas": null})), RequestError::Missing("max_fee_per_gas"));
    assert!(matches!(refused(json!({"tx_type": 1})), RequestError::Conflict(_)));
}

#[test]
fn unknown_and_null_members_are_ignored() {
    let changes =
        json!({"unheard_of": [1.5, {"a": null}], "mode": "eoa", "gasless": false, "description": "x"});
    let with = transfer(&changes);
    assert_eq!(with.payload(), transfer(&json!({})).payload());
    let text =
        crate::desk::body(&json!({})).to_string().replacen('{', r#"{"treasury_id":null,"data":null,"#, 1);
    let nulls =
        shroud_policy::Draft::transaction(text.as_bytes(), &shroud_policy::Chains::built_in()).unwrap();
    assert_eq!(nulls.resolve(Filling::default()).unwrap().payload(), with.payload());
}

#[test]
fn a_message_is_text_or_bytes() {
    let payload = |text: &str| {
        let body = json!({"intent_type": "personal_sign", "chain": "sepolia", "message": text});
        unified(&body).unwrap().resolve(Filling::default()).unwrap().payload().clone()
    };
    assert_eq!(payload("hello"), Payload::Message(b"hello".to_vec()));
    assert_eq!(payload("0x0102"), Payload::Message(vec![1, 2]));
    assert_eq!(payload("0x123"), Payload::Message(b"0x123".to_vec()));
    assert_eq!(payload("0x"), Payload::Message(Vec::new()));
    assert_eq!(payload("hello").digest(), message::hash(b"hello"));
}

#[test]
fn missing_inputs_are_named() {
    for (kind, missing) in [
        ("personal_sign", "message"),
        ("typed_data", "typed_data"),
        ("eip712_digest", "hash"),
        ("transaction", "to"),
    ] {
        let error = unified(&json!({"intent_type": kind, "chain": "sepolia"})).unwrap_err();
        assert_eq!(error, RequestError::Missing(missing));
    }
    assert_eq!(unified(&json!({"chain": "sepolia"})).unwrap_err(), RequestError::Missing("intent_type"));
    assert_eq!(
        unified(&json!({"intent_type": "personal_sign"})).unwrap_err(),
        RequestError::Missing("chain")
    );
    assert!(matches!(
        unified(&json!({"intent_type": "x", "chain": "sepolia"})),
        Err(RequestError::Wrong { .. })
    ));
    let short = json!({"intent_type": "digest", "chain": "sepolia", "hash": "0x01"});
    assert!(matches!(unified(&short), Err(RequestError::Wrong { .. })));
}

#[test]
fn a_body_that_is_no_object_is_refused() {
    let chains = shroud_policy::Chains::built_in();
    let refused = |body: &[u8]| shroud_policy::Draft::transaction(body, &chains).unwrap_err();
    assert_eq!(refused(b"[]"), RequestError::Body("an array"));
    assert!(matches!(refused(b"{"), RequestError::Json(_)));
    assert!(matches!(refused(b""), RequestError::Json(_)));
}
