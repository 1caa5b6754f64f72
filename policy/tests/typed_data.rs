//! Typed data: each value as exactly its type, and each refusal under its name.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up must fail")]

use proptest::prelude::*;
use serde_json::{Value as Sent, json};
use shroud_policy::{
    Json, TypedData, U256,
    typed_data::{TypedDataError, Value},
};

fn read(typed: &Sent) -> Result<TypedData, TypedDataError> {
    TypedData::parse(&Json::parse(typed.to_string().as_bytes()).unwrap())
}

/// A message with one member of a type.
fn one(kind: &str, value: &Sent) -> Sent {
    json!({
        "types": {"One": [{"name": "value", "type": kind}]}, "primaryType": "One",
        "domain": {"name": "x"}, "message": {"value": value},
    })
}

fn value(kind: &str, sent: Sent) -> Result<Value, TypedDataError> {
    read(&one(kind, &sent)).map(|data| data.member("value").unwrap().clone())
}

fn integer(value: u64) -> Result<Value, TypedDataError> {
    Ok(Value::Integer(U256::from(value)))
}

#[test]
fn integers_are_decimal_hex_or_numbers() {
    for sent in [json!(255), json!("255"), json!("0xff")] {
        assert_eq!(value("uint8", sent.clone()), integer(255));
        assert_eq!(value("int16", sent), integer(255));
    }
    assert_eq!(value("int8", json!(-128)), Ok(Value::Integer(U256::MAX - U256::from(127))));
    assert_eq!(value("int256", json!("-1")), Ok(Value::Integer(U256::MAX)));
}

#[test]
fn value_out_of_range_is_refused() {
    for (kind, sent) in [
        ("uint8", json!(256)),
        ("uint8", json!(-1)),
        ("uint256", json!("115792089237316195423570985008687907853269984665640564039457584007913129639936")),
        ("int8", json!(128)),
        ("int8", json!(-129)),
        ("int8", json!("0x80")),
        ("uint8", json!(1.0)),
        ("uint8", json!("1e2")),
        ("uint8", json!("")),
        ("uint8", json!("0x")),
        ("uint8", json!(" 1")),
        ("uint8", json!("--1")),
        ("int8", json!("-0x1")),
        ("uint8", json!(true)),
        ("bool", json!(1)),
        ("bool", json!("true")),
        ("string", json!(1)),
        ("string", json!(null)),
        ("address", json!("0xdead")),
        ("address", json!("0x000000000000000000000000000000000000DeaD")),
        ("bytes", json!("ff")),
        ("bytes", json!("0xf")),
        ("bytes2", json!("0xff")),
        ("bytes2", json!("0xffffff")),
        ("uint8[2]", json!([1])),
        ("uint8[]", json!({})),
        ("uint8[]", json!([256])),
        ("uint8[][1]", json!([1])),
    ] {
        assert!(matches!(value(kind, sent.clone()), Err(TypedDataError::Value { .. })), "{kind} {sent}");
    }
}

#[test]
fn undefined_type_is_refused() {
    for kind in [
        "uint7",
        "uint0",
        "uint264",
        "uint08",
        "uint",
        "int",
        "bytes0",
        "bytes33",
        "Missing",
        "uint8[0]",
        "uint8[01]",
        "uint8[-1]",
        "uint8[",
        "[]",
        "",
        "Uint8",
        "uint8 ",
    ] {
        assert!(matches!(value(kind, json!(1)), Err(TypedDataError::UndefinedType(_))), "{kind}");
    }
    let mut typed = one("uint8", &json!(1));
    typed["primaryType"] = json!("Two");
    assert_eq!(read(&typed), Err(TypedDataError::UndefinedType("Two".to_owned())));
}

#[test]
fn name_that_would_be_ambiguous_is_refused() {
    for name in ["", "a,b", "a(b", "a)b", "a[b", "a]", " a", "a ", "a\n"] {
        let typed = json!({
            "types": {"One": [{"name": name, "type": "bool"}]}, "primaryType": "One", "domain": {}, "message": {name: true},
        });
        assert_eq!(read(&typed), Err(TypedDataError::Name(name.to_owned())));
    }
    for name in ["uint256", "address", "bytes32", "string"] {
        let mut typed = one("bool", &json!(true));
        typed["types"][name] = json!([{"name": "a", "type": "bool"}]);
        assert_eq!(read(&typed), Err(TypedDataError::Name(name.to_owned())));
    }
}

#[test]
fn declared_twice_is_refused() {
    let mut typed = one("bool", &json!(true));
    typed["types"]["One"] = json!([{"name": "value", "type": "bool"}, {"name": "value", "type": "bool"}]);
    assert_eq!(read(&typed), Err(TypedDataError::Declared("One.value".to_owned())));
}

#[test]
fn missing_and_unknown_members_are_refused() {
    for part in ["types", "primaryType", "domain", "message"] {
        let mut typed = one("bool", &json!(true));
        typed.as_object_mut().unwrap().remove(part);
        assert_eq!(read(&typed), Err(TypedDataError::Missing(part.to_owned())));
    }
    let mut typed = one("bool", &json!(true));
    typed["message"] = json!({});
    assert_eq!(read(&typed), Err(TypedDataError::Missing("message.value".to_owned())));
    typed["message"] = json!({"value": true, "more": 1});
    assert_eq!(read(&typed), Err(TypedDataError::Unknown("message.more".to_owned())));
}

#[test]
fn domain_members_are_the_standard_ones() {
    let mut typed = one("bool", &json!(true));
    typed["domain"] = json!({"name": "x", "colour": "red"});
    assert_eq!(read(&typed), Err(TypedDataError::Domain("colour".to_owned())));
    typed["domain"] = json!({"chainId": "1"});
    typed["types"]["EIP712Domain"] = json!([{"name": "chainId", "type": "string"}]);
    assert_eq!(read(&typed), Err(TypedDataError::Domain("chainId".to_owned())));
}

#[test]
fn domain_declared_and_derived_hash_the_same() {
    let mut typed = one("bool", &json!(true));
    typed["domain"] = json!({"salt": format!("0x{}", "11".repeat(32)), "name": "x", "chainId": 1});
    let derived = read(&typed).unwrap();
    typed["types"]["EIP712Domain"] = json!([
        {"name": "name", "type": "string"}, {"name": "chainId", "type": "uint256"}, {"name": "salt", "type": "bytes32"},
    ]);
    assert_eq!(read(&typed).unwrap().digest(), derived.digest());
    assert_eq!(
        (derived.chain_id(), derived.domain_name(), derived.verifying_contract()),
        (Some(U256::from(1)), Some("x"), None)
    );
}

#[test]
fn shape_is_checked() {
    for (part, sent) in [
        ("types", json!([])),
        ("primaryType", json!(1)),
        ("primaryType", json!("EIP712Domain")),
        ("domain", json!("x")),
    ] {
        let mut typed = one("bool", &json!(true));
        typed[part] = sent.clone();
        assert!(matches!(read(&typed), Err(TypedDataError::Shape(_))), "{part} {sent}");
    }
    assert!(matches!(read(&json!([])), Err(TypedDataError::Shape(_))));
}

#[test]
fn too_many_members_are_refused() {
    let mut typed = one("bool", &json!(true));
    let members: Vec<_> = (0..513).map(|at| json!({"name": format!("m{at}"), "type": "bool"})).collect();
    typed["types"]["Two"] = json!(members);
    assert_eq!(read(&typed), Err(TypedDataError::TooMany(512)));
}

#[test]
fn recursive_types_hash_and_end() {
    let typed = json!({
        "types": {"Node": [{"name": "children", "type": "Node[]"}]}, "primaryType": "Node", "domain": {},
        "message": {"children": [{"children": []}, {"children": [{"children": []}]}]},
    });
    let data = read(&typed).unwrap();
    assert_eq!(data.encoded_type(), "Node(Node[] children)");
    assert_eq!(data.member("children").unwrap().items().unwrap().len(), 2);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_integer_reads_as_itself(limbs: [u64; 4]) {
        let number = U256::from_limbs(limbs);
        prop_assert_eq!(value("uint256", json!(number.to_string())), Ok(Value::Integer(number)));
        prop_assert_eq!(value("uint256", json!(format!("{number:#x}"))), Ok(Value::Integer(number)));
    }

    #[test]
    fn another_value_has_another_digest(one_value: u64, other: u64) {
        let digest = |value: u64| read(&one("uint64", &json!(value))).unwrap().digest();
        prop_assert_eq!(digest(one_value) == digest(other), one_value == other);
    }

    #[test]
    fn hostile_types_never_panic(kind in "[a-z0-9\\[\\]]{0,12}", text: String) {
        let _ = value(&kind, json!(text));
        let _ = value(&kind, json!([text]));
    }
}
