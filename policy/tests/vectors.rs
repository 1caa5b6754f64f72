//! The shared Ethereum vectors: every one that the codec can judge, with the count printed.
//!
//! They live beside the repository (`SHROUD_VECTORS`, else `../../shared/vectors/eth`). Where they are absent, each test
//! says that it was left out.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up must fail")]

use std::{collections::BTreeMap, path::PathBuf};

use k256::ecdsa::{RecoveryId, SigningKey, VerifyingKey};
use serde_json::Value;
use shroud_policy::{
    Address, Chain, Chains, Draft, Filling, Guardrails, Json, NothingSpent, PolicyKey, Signature,
    SignedPolicy, SignedTransaction, Transaction, TypedData, U256, approve,
    transaction::{AccessListEntry, Authorization, Kind},
};

/// The cases of a vector file, or nothing and a loud line.
fn cases(file: &str) -> Vec<Value> {
    let default = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors/eth");
    let folder = std::env::var_os("SHROUD_VECTORS").map_or(default, PathBuf::from);
    match std::fs::read(folder.join(file)) {
        Ok(bytes) => {
            let file: Value = serde_json::from_slice(&bytes).unwrap();
            file["cases"].as_array().unwrap().clone()
        }
        Err(error) => {
            eprintln!("LEFT OUT: {file} is not at {} ({error}); set SHROUD_VECTORS", folder.display());
            println!("LEFT OUT: {file}");
            Vec::new()
        }
    }
}

fn report(what: &str, count: usize) {
    println!("vectors: {count} {what}");
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap_or("0x").trim_start_matches("0x")).unwrap()
}

fn hex0x(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

fn word(value: &Value) -> [u8; 32] {
    bytes(value).try_into().unwrap()
}

/// A number, as the vectors write it: absent, JSON integer, decimal or 0x-hex text.
fn number(value: &Value) -> U256 {
    match value {
        Value::Null => U256::ZERO,
        Value::Number(number) => U256::from(number.as_u64().unwrap_or_else(|| panic!("{number}"))),
        Value::String(text) => text.parse().unwrap(),
        other => panic!("{other}"),
    }
}

fn small(value: &Value) -> u64 {
    number(value).to()
}

fn either<'a>(fields: &'a Value, one: &str, other: &str) -> &'a Value {
    if fields[one].is_null() { &fields[other] } else { &fields[one] }
}

fn access_list(fields: &Value) -> Vec<AccessListEntry> {
    let entry = |entry: &Value| AccessListEntry {
        address: entry["address"].as_str().unwrap().parse().unwrap(),
        storage_keys: entry["storageKeys"].as_array().unwrap().iter().map(word).collect(),
    };
    fields["accessList"].as_array().map(|list| list.iter().map(entry).collect()).unwrap_or_default()
}

fn transaction(fields: &Value, type_id: u8, chain_id: Option<u64>) -> Transaction {
    let max_fee_per_gas = number(&fields["maxFeePerGas"]);
    let max_priority_fee_per_gas = number(&fields["maxPriorityFeePerGas"]);
    let gas_price = number(&fields["gasPrice"]);
    let access_list = access_list(fields);
    let kind = match type_id {
        0 => Kind::Legacy { gas_price },
        1 => Kind::AccessList { gas_price, access_list },
        2 => Kind::DynamicFee { max_fee_per_gas, max_priority_fee_per_gas, access_list },
        3 => Kind::Blob {
            max_fee_per_gas,
            max_priority_fee_per_gas,
            max_fee_per_blob_gas: number(&fields["maxFeePerBlobGas"]),
            access_list,
            blob_versioned_hashes: fields["blobVersionedHashes"]
                .as_array()
                .map(|list| list.iter().map(word).collect())
                .unwrap_or_default(),
        },
        _ => Kind::SetCode {
            max_fee_per_gas,
            max_priority_fee_per_gas,
            access_list,
            authorization_list: Vec::new(),
        },
    };
    Transaction {
        chain_id,
        nonce: small(&fields["nonce"]),
        gas_limit: small(either(fields, "gasLimit", "gas")),
        to: fields["to"].as_str().map(|to| to.parse().unwrap()),
        value: number(&fields["value"]),
        data: bytes(&fields["data"]),
        kind,
    }
}

fn key(case: &Value) -> SigningKey {
    SigningKey::from_slice(&bytes(&case["privateKey"])).unwrap()
}

fn sign(key: &SigningKey, digest: &[u8; 32]) -> Signature {
    let (signature, recovery) = key.sign_prehash_recoverable(digest);
    let (r, s) = signature.split_bytes();
    Signature::new(&r.into(), &s.into(), recovery.is_y_odd()).unwrap()
}

fn address_of(key: &VerifyingKey) -> Address {
    let point = key.to_sec1_point(false);
    Address::from_public_key(point.as_bytes()[1..].try_into().unwrap())
}

fn recover(digest: &[u8; 32], r: U256, s: U256, odd: bool) -> Address {
    let signature =
        k256::ecdsa::Signature::from_scalars(r.to_be_bytes::<32>(), s.to_be_bytes::<32>()).unwrap();
    address_of(&VerifyingKey::recover_from_prehash(digest, &signature, RecoveryId::new(odd, false)).unwrap())
}

fn sender(signed: &SignedTransaction) -> Address {
    let signature = signed.signature();
    recover(&signed.transaction().signing_hash(), signature.r(), signature.s(), signature.y_parity() == 1)
}

/// Raw bytes decode to a transaction that encodes to the same bytes.
fn decoded(raw: &[u8]) -> SignedTransaction {
    let signed = SignedTransaction::decode(raw).unwrap_or_else(|e| panic!("{e}: {}", hex0x(raw)));
    assert_eq!(hex0x(&signed.to_bytes()), hex0x(raw));
    signed
}

#[test]
fn accounts() {
    let cases = cases("ethers-accounts.json");
    for case in &cases {
        assert_eq!(address_of(key(case).verifying_key()).to_checksum(), case["address"].as_str().unwrap());
    }
    report("private keys give their EIP-55 address", cases.len());
}

#[test]
fn eip_155_example() {
    let cases = cases("eip-155-example.json");
    for case in &cases {
        let unsigned = transaction(&case["fields"], 0, Some(1));
        assert_eq!(unsigned.unsigned_bytes(), bytes(&case["signing_data"]));
        assert_eq!(unsigned.signing_hash(), word(&case["signing_hash"]));
        let digest = unsigned.signing_hash();
        let signed = unsigned.with_signature(sign(&key(case), &digest));
        assert_eq!(hex0x(&signed.to_bytes()), case["raw"].as_str().unwrap());
        assert_eq!(signed.hash(), word(&case["tx_hash"]));
        assert_eq!(decoded(&bytes(&case["raw"])), signed);
    }
    report("EIP-155 example signed to the same bytes", cases.len());
}

#[test]
fn eip_155_vitalik() {
    let cases = cases("eip-155-vitalik.json");
    for case in &cases {
        let signed = decoded(&bytes(&case["raw"]));
        assert_eq!(signed.transaction().signing_hash(), word(&case["signing_hash"]));
        assert_eq!(sender(&signed), case["sender"].as_str().unwrap().parse().unwrap());
    }
    report("EIP-155 transactions decoded and recovered", cases.len());
}

#[test]
fn ethers_transactions() {
    let mut counts = BTreeMap::new();
    for case in cases("ethers-transactions.json") {
        let fields = &case["fields"];
        let chain_id = Some(small(&fields["chainId"]));
        for (name, expected) in case["signed"].as_object().unwrap() {
            let (type_id, chain_id) = match name.as_str() {
                "legacy" => (0, None),
                "eip155" => (0, chain_id),
                "berlin" => (1, chain_id),
                "london" => (2, chain_id),
                "cancun" => (3, chain_id),
                other => panic!("unknown form {other}"),
            };
            let label = format!("{} {name}", case["name"]);
            let unsigned = transaction(fields, type_id, chain_id);
            assert_eq!(hex0x(&unsigned.unsigned_bytes()), expected["unsigned"].as_str().unwrap(), "{label}");
            let digest = unsigned.signing_hash();
            assert_eq!(digest, word(&expected["signing_hash"]), "{label}");
            let signed = unsigned.with_signature(sign(&key(&case), &digest));
            assert_eq!(hex0x(&signed.to_bytes()), expected["raw"].as_str().unwrap(), "{label}");
            assert_eq!(signed.hash(), word(&expected["tx_hash"]), "{label}");
            if type_id == 3 && signed.transaction().to.is_none() {
                *counts.entry("cancun without recipient, not decoded".to_owned()).or_insert(0) += 1;
                assert!(SignedTransaction::decode(&signed.to_bytes()).is_err());
                continue;
            }
            assert_eq!(decoded(&signed.to_bytes()), signed, "{label}");
            assert_eq!(sender(&signed), case["address"].as_str().unwrap().parse().unwrap(), "{label}");
            *counts.entry(name.clone()).or_insert(0) += 1;
        }
    }
    for (name, count) in counts {
        report(
            &format!("ethers transactions signed to the same bytes, decoded and recovered: {name}"),
            count,
        );
    }
}

#[test]
fn typed_raw() {
    let cases = cases("eth-account-typed-raw.json");
    for case in &cases {
        let raw = bytes(&case["raw"]);
        let signed = decoded(&raw);
        assert_eq!(u64::from(signed.transaction().type_id()), case["type"].as_u64().unwrap());
        assert_eq!(signed.transaction().signing_hash(), word(&case["signing_hash"]));
        assert_eq!(signed.hash(), word(&case["raw_keccak"]));
        if let Some(expected) = case["sender_recovered_by_eth_account"].as_str() {
            assert_eq!(sender(&signed).to_checksum(), expected);
        }
    }
    report("typed transactions (1 to 4) decoded, encoded and recovered", cases.len());
}

#[test]
fn eip_7702() {
    let (mut decodable, mut authorizations) = (0, 0);
    for case in cases("eip-7702-signed.json") {
        let signed = case["authorizations"].as_array().or(case["fields"]["authorizationList"].as_array());
        for one in signed.unwrap() {
            let authorization = Authorization {
                chain_id: number(&one["chainId"]),
                address: one["address"].as_str().unwrap().parse().unwrap(),
                nonce: small(&one["nonce"]),
                y_parity: u8::try_from(small(&one["yParity"])).unwrap(),
                r: number(&one["r"]),
                s: number(&one["s"]),
            };
            let odd = authorization.y_parity == 1;
            let authority = recover(&authorization.signing_hash(), authorization.r, authorization.s, odd);
            let keys = case["authority_keys"].as_array();
            let known = keys.map(|keys| keys.iter().map(|k| SigningKey::from_slice(&bytes(k)).unwrap()));
            let mut known = known.map_or_else(|| vec![key(&case)], Iterator::collect);
            known.retain(|key| address_of(key.verifying_key()) == authority);
            assert_eq!(known.len(), 1, "{}", case["name"]);
            authorizations += 1;
        }
        let raw = bytes(&case["raw"]);
        if case["fields"]["to"].is_null() {
            assert!(SignedTransaction::decode(&raw).is_err(), "a delegation cannot create a contract");
            continue;
        }
        let signed = decoded(&raw);
        assert_eq!(signed.hash(), word(&case["tx_hash"]));
        assert_eq!(sender(&signed), case["address"].as_str().unwrap().parse().unwrap());
        let digest = signed.transaction().signing_hash();
        let again = signed.transaction().clone().with_signature(sign(&key(&case), &digest));
        assert_eq!(hex0x(&again.to_bytes()), hex0x(&raw));
        decodable += 1;
    }
    report("EIP-7702 authorizations recovered", authorizations);
    report("EIP-7702 transactions decoded and signed to the same bytes", decodable);
}

/// The contract's request for a vector, where it can express one: a recipient and a chain.
fn request(fields: &Value, type_id: u8) -> Option<Value> {
    let text = |name: &str| Value::String(number(&fields[name]).to_string());
    let chain = small(&fields["chainId"]);
    let value = shroud_policy::amount::format_ether(number(&fields["value"]));
    let mut body = serde_json::json!({
        "intent_type": "transaction", "chain": chain.to_string(), "tx_type": type_id,
        "to": fields["to"].as_str()?, "value": value, "data": hex0x(&bytes(&fields["data"])),
        "nonce": small(&fields["nonce"]), "gas_limit": small(either(fields, "gasLimit", "gas")),
    });
    let members = body.as_object_mut().unwrap();
    if type_id < 2 {
        members.insert("gas_price".to_owned(), text("gasPrice"));
    } else {
        members.insert("max_fee_per_gas".to_owned(), text("maxFeePerGas"));
        members.insert("max_priority_fee_per_gas".to_owned(), text("maxPriorityFeePerGas"));
    }
    if type_id > 0 {
        members.insert("access_list".to_owned(), fields["accessList"].clone());
    }
    if type_id == 3 {
        members.insert("max_fee_per_blob_gas".to_owned(), text("maxFeePerBlobGas"));
        members.insert("blob_versioned_hashes".to_owned(), fields["blobVersionedHashes"].clone());
    }
    if type_id == 4 {
        members.insert("authorization_list".to_owned(), fields["authorizationList"].clone());
    }
    (chain > 0).then_some(body)
}

/// Approves a request under a policy without limits and signs it; the raw bytes.
fn through_the_intent(body: &Value, key: &SigningKey) -> String {
    let mut chains = Chains::built_in();
    let chain_id: u64 = body["chain"].as_str().unwrap().parse().unwrap();
    if chains.by_id(chain_id).is_none() {
        chains
            .add(Chain {
                name: "vector".to_owned(),
                display_name: "Vector".to_owned(),
                chain_id,
                native_currency: "ETH".to_owned(),
                is_testnet: true,
                aliases: Vec::new(),
            })
            .unwrap();
    }
    let policy_key = PolicyKey::new([3; 32]);
    let policy = SignedPolicy::open(&policy_key.sign(&Guardrails::default()), &policy_key).unwrap();
    let draft =
        Draft::unified(body.to_string().as_bytes(), &chains).unwrap_or_else(|e| panic!("{e}: {body}"));
    let approved = approve(draft.resolve(Filling::default()).unwrap(), &policy, &NothingSpent, 0).unwrap();
    let signature = sign(key, approved.digest());
    hex0x(&approved.finish(signature).transaction().unwrap().to_bytes())
}

#[test]
fn through_intents() {
    let mut counts = BTreeMap::new();
    for case in cases("ethers-transactions.json") {
        for (name, type_id) in [("eip155", 0), ("berlin", 1), ("london", 2), ("cancun", 3)] {
            let Some(expected) = case["signed"][name]["raw"].as_str() else { continue };
            let fee =
                number(&case["fields"]["maxFeePerGas"]) < number(&case["fields"]["maxPriorityFeePerGas"]);
            let Some(body) = request(&case["fields"], type_id).filter(|_| type_id < 2 || !fee) else {
                continue;
            };
            assert_eq!(through_the_intent(&body, &key(&case)), expected, "{} {name}", case["name"]);
            *counts.entry(name).or_insert(0) += 1;
        }
    }
    for case in cases("eip-7702-signed.json") {
        let Some(body) = request(&case["fields"], 4) else { continue };
        assert_eq!(through_the_intent(&body, &key(&case)), case["raw"].as_str().unwrap());
        *counts.entry("prague").or_insert(0) += 1;
    }
    for (name, count) in counts {
        report(
            &format!("transactions parsed from the contract's request, approved and signed: {name}"),
            count,
        );
    }
}

fn typed(value: &Value) -> Result<TypedData, String> {
    let json = Json::parse(value.to_string().as_bytes()).map_err(|e| e.to_string())?;
    TypedData::parse(&json).map_err(|e| e.to_string())
}

#[test]
fn eip_712_mail() {
    let cases = cases("eip-712-mail.json");
    for case in &cases {
        let data = typed(&case["typed_data"]).unwrap();
        assert_eq!(data.encoded_type(), case["encode_type"].as_str().unwrap());
        assert_eq!(data.domain_separator(), &word(&case["domain_separator"]));
        assert_eq!(data.struct_hash(), &word(&case["struct_hash"]));
        assert_eq!(data.digest(), word(&case["digest"]));
        let signature = sign(&key(case), &data.digest());
        assert_eq!(signature.r(), number(&case["r"]));
        assert_eq!(signature.s(), number(&case["s"]));
        assert_eq!(u64::from(signature.to_bytes()[64]), case["v"].as_u64().unwrap());
    }
    report("EIP-712 example hashed and signed", cases.len());
}

#[test]
fn eip_712_ethers() {
    let cases = cases("ethers-typed-data.json");
    for case in &cases {
        let whole = serde_json::json!({
            "types": case["types"], "primaryType": case["primaryType"],
            "domain": case["domain"], "message": case["message"],
        });
        let data = typed(&whole).unwrap_or_else(|e| panic!("{}: {e}", case["name"]));
        assert_eq!(hex0x(&data.digest()), case["digest"].as_str().unwrap(), "{}", case["name"]);
        if case["privateKey"].is_string() && case["signature"].is_string() {
            let signature = sign(&key(case), &data.digest()).to_bytes();
            assert_eq!(hex0x(&signature), case["signature"].as_str().unwrap());
        }
    }
    report("EIP-712 digests of ethers, domain types derived", cases.len());
}

#[test]
fn eip_712_valid() {
    let mut count = 0;
    for file in ["eip712-valid-for-all.json", "eip712-valid-py-and-ethers.json"] {
        for case in cases(file) {
            let data = typed(&case["message"]).unwrap_or_else(|e| panic!("{}: {e}", case["name"]));
            assert_eq!(
                hex0x(&data.digest()),
                case["digest_by_eth_account"].as_str().unwrap(),
                "{}",
                case["name"]
            );
            count += 1;
        }
    }
    report("EIP-712 valid cases hashed", count);
}

#[test]
fn eip_712_invalid() {
    let mut count = 0;
    for file in ["eip712-invalid.json", "eip712-one-arg-invalid.json"] {
        for case in cases(file) {
            assert!(typed(&case["message"]).is_err(), "{}", case["name"]);
            count += 1;
        }
    }
    report("EIP-712 invalid cases refused", count);
}
