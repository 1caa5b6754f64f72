//! Intents beyond the first light: submitted once under a key, signed in every form, found in the audit chain.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

use std::collections::BTreeSet;
use std::str::FromStr as _;
use std::sync::Barrier;
use std::thread;

use ethers_core::types::{H256, Signature};
use ethers_core::utils::{hash_message, keccak256};
use serde_json::{Value, json};
use shroud_tests::api::{Agent, Api, RECIPIENT, STRANGER, intent, intent_with};
use shroud_tests::database::Database;
use shroud_tests::http::Answer;
use shroud_tests::role::Role;
use shroud_tests::transaction::decode;
use shroud_tests::up::{Folder, Up};

/// keccak256("cow"), the key of EIP-712's own example.
const COW: &str = "c85ef7d79691fe79573b1a7064c19c1a9819ebdbd1faaab1a8ec92344438aaf4";
const COW_ADDRESS: &str = "0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826";
/// What everybody's tests have for that example, signed by that key.
const MAIL_HASH: &str = "0xbe609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2";
const MAIL_SIGNATURE: &str = "0x4355c47d63924e8a72e509b65029052eb6c299d53a04e167c5775fd466751c9d07299936d304c153f6443dfa05f40ff007d72911b6f72307f996231605b915621c";

#[test]
fn intents_are_submitted_once_and_signed_in_every_form() {
    let folder = Folder::new();
    let up = folder.up();
    let agent = up.api().agent("submitter");
    let finished = a_key_stands_for_one_request(&agent);
    concurrent_requests_with_one_key_sign_once(&agent);
    a_denial_leaves_its_key_free(&agent);
    keys_belong_to_one_agent(&up.api(), &agent, &finished);
    only_the_agents_own_key_signs(&agent);
    every_form_is_signed(&up);
    closed_gates_stay_closed(&agent);
    let hashes = the_audit_chain_holds(&up.api());

    up.kill(Role::Enclave);
    up.healthy();
    let again = submit(&agent, "first", &finished.0);
    assert_eq!((again.status, again.json()), (200, finished.1), "a key outlives a SIGKILL");
    let after = the_audit_chain_holds(&up.api());
    assert!(after.is_superset(&hashes), "the chain is the same after a restart");
    an_altered_entry_is_named(&up);
    up.stop();
}

fn submit(agent: &Agent, key: &str, intent: &Value) -> Answer {
    let headers = [("Idempotency-Key", key)];
    agent.log_in().call_with("POST", &agent.path("transactions"), &headers, Some(intent.clone())).unwrap()
}

fn listed(agent: &Agent) -> Vec<Value> {
    let list = agent.log_in().expect(200, "GET", &agent.path("transactions?include_signed_tx=1"), None);
    list["transactions"].as_array().unwrap().clone()
}

fn a_key_stands_for_one_request(agent: &Agent) -> (Value, Value) {
    let wanted = intent(0);
    let first = submit(agent, "first", &wanted);
    assert_eq!(first.status, 201, "{first:?}");
    let told = first.json();
    assert_eq!(told["status"], "signed", "nothing is broadcast: {told}");
    let decoded = decode(told["signed_tx"].as_str().unwrap());
    assert_eq!(decoded.signer, agent.address.to_lowercase());
    assert_eq!(told["tx_hash"], decoded.hash);
    assert_eq!(listed(agent), std::slice::from_ref(&told));

    let again = submit(agent, "first", &wanted);
    assert_eq!((again.status, again.json()), (200, told.clone()));
    let other = submit(agent, "first", &intent(1));
    assert_eq!(other.problem()["status"], 409, "{other:?}");
    assert_eq!(listed(agent).len(), 1, "one signature");
    for wrong in ["", "   ", &"k".repeat(256)] {
        assert_eq!(submit(agent, wrong, &wanted).problem()["status"], 400, "{wrong:?}");
    }
    let twice = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")];
    let twice = agent.log_in().call_with("POST", &agent.path("transactions"), &twice, Some(wanted.clone()));
    assert_eq!(twice.unwrap().problem()["status"], 400);
    (wanted, told)
}

fn concurrent_requests_with_one_key_sign_once(agent: &Agent) {
    let (before, wanted, start) = (listed(agent).len(), intent(2), Barrier::new(16));
    let answers: Vec<Answer> = thread::scope(|threads| {
        let ask = || {
            start.wait();
            submit(agent, "crowd", &wanted)
        };
        let running: Vec<_> = (0..16).map(|_| threads.spawn(ask)).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let created: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 201).collect();
    assert_eq!(created.len(), 1, "{answers:?}");
    for answer in &answers {
        match answer.status {
            200 | 201 => assert_eq!(answer.json(), created[0].json()),
            status => assert_eq!(status, 409, "{answer:?}"),
        }
    }
    assert_eq!(listed(agent).len(), before + 1);
}

fn a_denial_leaves_its_key_free(agent: &Agent) {
    let denied = submit(agent, "denied", &intent_with(3, json!({"to": STRANGER})));
    assert_eq!(denied.problem()["step"], "address_allowlist");
    assert_eq!(submit(agent, "denied", &intent(3)).status, 201);
}

fn keys_belong_to_one_agent(admin: &Api, agent: &Agent, finished: &(Value, Value)) {
    let other = admin.agent("another submitter");
    let answer = submit(&other, "first", &finished.0);
    assert_eq!(answer.status, 201, "{answer:?}");
    assert_ne!(answer.json()["tx_hash"], finished.1["tx_hash"]);
    assert_eq!(submit(agent, "first", &finished.0).json(), finished.1);
}

fn only_the_agents_own_key_signs(agent: &Agent) {
    let own = format!("agents/{}/chains/ethereum/private_key", agent.id);
    assert_eq!(agent.sign(intent_with(4, json!({"signing_key_path": own}))).status, 200);
    let denied = agent.sign(intent_with(5, json!({"signing_key_path": "keys/ethereum-signer"})));
    assert_eq!(denied.problem()["step"], "sign", "{denied:?}");
    assert!(denied.problem()["event_id"].is_string(), "a denial names its record: {denied:?}");
}

fn sign(agent: &Agent, intent: Value) -> Value {
    agent.log_in().expect(200, "POST", &agent.path("sign"), Some(intent))
}

fn every_form_is_signed(up: &Up) {
    let gates = json!({
        "message_signing_enabled": true, "raw_signing_enabled": true, "eip712_default_policy": "allow",
    });
    let agent = up.api().keyless_agent_with("every form", gates);
    assert_eq!(up.api().import_key(&agent, up.text("auth_confirm"), COW).status, 201);
    let before = listed(&agent).len();
    messages_are_signed(&agent);
    let typed = sign(&agent, json!({"intent_type": "typed_data", "chain": "ethereum", "typed_data": mail()}));
    assert_eq!(typed["typed_data_hash"], MAIL_HASH);
    assert_eq!(typed["signature"], MAIL_SIGNATURE);
    for name in ["eip712_digest", "digest"] {
        let told = sign(&agent, json!({"intent_type": name, "chain": "ethereum", "hash": MAIL_HASH}));
        assert_eq!(told["signature"], MAIL_SIGNATURE);
        assert_eq!(told["intent_type"], "eip712_digest");
    }
    assert_eq!(listed(&agent).len(), before, "only transactions are listed");
    transactions_of_every_type_are_signed(&agent);
    for action in ["signing_key.message_sign", "signing_key.raw_digest_sign", "transaction.submit"] {
        let path = format!("/v1/audit/events?action={action}&actor_id={}", agent.id);
        let events = up.api().expect(200, "GET", &path, None);
        let details = &events["events"][0]["details"];
        assert_eq!(details["result"], "signed", "{action}: {events}");
        assert_eq!(details["from"], COW_ADDRESS);
    }
}

fn messages_are_signed(agent: &Agent) {
    for (message, bytes) in
        [("hello world", "hello world".as_bytes()), ("0x00ff", &[0, 255]), ("0x0", b"0x0")]
    {
        let told =
            sign(agent, json!({"intent_type": "personal_sign", "chain": "sepolia", "message": message}));
        assert_eq!(told["intent_type"], "personal_sign");
        assert_eq!(told["from"], COW_ADDRESS);
        assert_eq!(told["message_hash"], format!("{:#x}", hash_message(bytes)), "{message}");
        let signature = Signature::from_str(told["signature"].as_str().unwrap()).unwrap();
        assert!([27, 28].contains(&signature.v));
        assert_eq!(format!("{:#x}", signature.recover(bytes).unwrap()), COW_ADDRESS.to_lowercase());
    }
}

fn transactions_of_every_type_are_signed(agent: &Agent) {
    let key = format!("0x{}", "01".repeat(32));
    let access = json!([{"address": RECIPIENT, "storage_keys": [key]}]);
    let authorization =
        json!([{"chain_id": 1, "address": RECIPIENT, "nonce": 0, "y_parity": 1, "r": "0x1", "s": "0x1"}]);
    let base = |nonce: u64| {
        json!({
            "intent_type": "transaction", "chain": "ethereum", "to": RECIPIENT, "value": "1.5", "nonce": nonce,
            "gas_limit": 90_000,
        })
    };
    let forms = [
        json!({"gas_price": "7"}),
        json!({"tx_type": 1, "gas_price": "7", "access_list": access}),
        json!({"max_fee_per_gas": "7", "max_priority_fee_per_gas": "1"}),
        json!({"max_fee_per_gas": "7", "max_fee_per_blob_gas": "9", "blob_versioned_hashes": [key]}),
        json!({"max_fee_per_gas": "7", "authorization_list": authorization}),
    ];
    for (form, tx_type) in forms.iter().zip(0_u64..) {
        let mut wanted = base(tx_type);
        wanted.as_object_mut().unwrap().extend(form.as_object().unwrap().clone());
        let told = sign(agent, wanted);
        assert_eq!(told["tx_type"], tx_type, "{told}");
        let raw = hex::decode(&told["signed_tx"].as_str().unwrap()[2..]).unwrap();
        assert_eq!(told["tx_hash"], format!("{:#x}", H256(keccak256(&raw))));
        assert!(told.get("signature").is_none());
        match tx_type {
            0 => assert!(raw[0] >= 0xc0),
            _ => assert_eq!(u64::from(raw[0]), tx_type),
        }
    }
    assert!(listed(agent).iter().all(|one| one["status"] == "sign_only"));
}

fn mail() -> Value {
    let person = json!([{"name": "name", "type": "string"}, {"name": "wallet", "type": "address"}]);
    let mail = json!([
        {"name": "from", "type": "Person"}, {"name": "to", "type": "Person"}, {"name": "contents", "type": "string"},
    ]);
    json!({
        "types": {"Person": person, "Mail": mail},
        "primaryType": "Mail",
        "domain": {
            "name": "Ether Mail", "version": "1", "chainId": 1,
            "verifyingContract": "0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC",
        },
        "message": {
            "from": {"name": "Cow", "wallet": COW_ADDRESS},
            "to": {"name": "Bob", "wallet": "0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB"},
            "contents": "Hello, Bob!",
        },
    })
}

fn closed_gates_stay_closed(agent: &Agent) {
    for intent in [
        json!({"intent_type": "personal_sign", "chain": "sepolia", "message": "hello"}),
        json!({"intent_type": "typed_data", "chain": "ethereum", "typed_data": mail()}),
        json!({"intent_type": "digest", "chain": "sepolia", "hash": MAIL_HASH}),
        intent_with(6, json!({"intent_type": "transaction", "to": STRANGER})),
    ] {
        let denied = agent.log_in().call("POST", &agent.path("sign"), Some(intent));
        assert_eq!(denied.status, 403, "{denied:?}");
        assert!(denied.problem()["step"].is_string());
    }
    for wrong in [
        json!({"intent_type": "personal_sign", "chain": "sepolia"}),
        json!({"intent_type": "digest", "chain": "sepolia", "hash": "0x01"}),
        json!({"intent_type": "typed_data", "chain": "sepolia"}),
        json!({"intent_type": "solana_sign", "chain": "sepolia"}),
        json!({"chain": "sepolia", "message": "hello"}),
    ] {
        let refused = agent.log_in().call("POST", &agent.path("sign"), Some(wrong));
        assert_eq!(refused.problem()["status"], 400, "{refused:?}");
    }
}

fn hash(event: &Value) -> String {
    event["integrity_hash"].as_str().unwrap_or_else(|| panic!("no hash: {event}")).to_owned()
}

/// Checks pages, filters and the verification; gives all hashes.
fn the_audit_chain_holds(admin: &Api) -> BTreeSet<String> {
    let get = |path: &str| admin.expect(200, "GET", path, None);
    let all = admin.audit_chain();
    let hashes: BTreeSet<String> = all.iter().map(hash).collect();
    assert_eq!(hashes.len(), all.len());
    let page = get("/v1/audit/events?limit=5&offset=7")["events"].as_array().unwrap().clone();
    assert_eq!(page, all[7..12]);
    let action = all[3]["action"].as_str().unwrap();
    for event in get(&format!("/v1/audit/events?action={action}"))["events"].as_array().unwrap() {
        assert!(hashes.contains(&hash(event)), "a filter changes no hash");
    }
    times_bound_both(&get, &all);
    hashes
}

fn an_altered_entry_is_named(up: &Up) {
    let database = Database::open(up.text("database"));
    database.alter_entry(4);
    let found = up.api().expect(200, "GET", "/v1/audit/verify", None);
    assert_eq!((&found["chain_valid"], &found["broken_at_sequence"]), (&json!(false), &json!(4)), "{found}");
    assert!(found["broken_at_event_id"].is_string());
    assert_eq!((&found["events_verified"], &found["events_checked"]), (&json!(4), &json!(5)));
    let hidden = up.api().call("GET", "/v1/audit/events", None);
    assert_eq!(hidden.problem()["kind"], "entry_altered", "{hidden:?}");
    database.alter_entry(4);
    assert!(up.api().audit_events() > 4);
}

fn times_bound_both(get: &dyn Fn(&str) -> Value, all: &[Value]) {
    let time = all[all.len() / 2]["created_at"].as_str().unwrap();
    let at = |event: &&Value| event["created_at"].as_str().unwrap().to_owned();
    for (bounds, wanted) in [
        (format!("from={time}"), all.iter().filter(|event| at(event).as_str() >= time).count()),
        (format!("to={time}"), all.iter().filter(|event| at(event).as_str() <= time).count()),
        ("from=2999-01-01T00:00:00Z".to_owned(), 0),
    ] {
        let found = get(&format!("/v1/audit/events?limit=1000&{bounds}"));
        assert_eq!(found["count"], wanted, "{bounds}");
        let verified = get(&format!("/v1/audit/verify?limit=10000&{bounds}"));
        assert_eq!(verified["events_verified"], wanted, "{bounds}");
    }
    let verified = get("/v1/audit/verify?limit=3");
    assert_eq!((&verified["events_checked"], &verified["chain_valid"]), (&json!(3), &json!(true)));
    assert_eq!(verified["broken_at_event_id"], Value::Null);
    assert_eq!(verified["scheme"]["algorithm"], "HMAC-SHA256");
}
