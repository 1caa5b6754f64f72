//! One intent, signed end to end by the real processes, and what is refused on the way.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

use std::collections::BTreeSet;

use serde_json::json;
use shroud_tests::api::{Agent, Api, RECIPIENT, STRANGER, intent, intent_with};
use shroud_tests::database::Database;
use shroud_tests::process::{open_files, program_of};
use shroud_tests::role::Role;
use shroud_tests::transaction::{Decoded, decode};
use shroud_tests::up::{Folder, Up};

const SEPOLIA: u64 = 11_155_111;

fn wanted(agent: &Agent, nonce: u64, value: u128, hash: &str) -> Decoded {
    Decoded {
        chain_id: SEPOLIA,
        nonce,
        to: RECIPIENT.to_lowercase(),
        value,
        gas_limit: 21_000,
        max_fee_per_gas: 2_000_000_000,
        max_priority_fee_per_gas: 1_000_000_000,
        signer: agent.address.to_lowercase(),
        hash: hash.to_lowercase(),
    }
}

#[test]
fn an_intent_is_signed_end_to_end_and_others_are_refused() {
    let folder = Folder::new();
    let up = folder.up();
    the_line_keeps_its_contract(&up);
    every_role_is_a_process_of_its_own(&up);
    let agent = up.api().agent("first-light");
    a_signed_transaction_is_what_was_intended(&agent);
    denials_name_their_step(&agent);
    strangers_get_nothing(&up.api(), &agent);
    amounts_are_plain_decimals(&agent);
    assert!(up.api().audit_events() >= 7, "an agent, a key, a signature and four denials are recorded");
    assert!(up.further_lines().is_empty(), "stdout carries one line alone");
}

fn the_line_keeps_its_contract(up: &Up) {
    for member in
        ["base_url", "enclave_url", "admin_api_key", "auth_confirm", "org_id", "reference", "database"]
    {
        assert!(!up.text(member).is_empty(), "{member}");
    }
    assert!(up.text("base_url").starts_with("http://127.0.0.1:"));
    assert_eq!(hex::decode(up.text("measurement")).unwrap().len(), 48);
    assert_eq!(hex::decode(up.text("config_digest")).unwrap().len(), 32);
    for file in ["reference", "database"] {
        assert!(std::path::Path::new(up.text(file)).is_file(), "{file}");
    }
}

fn every_role_is_a_process_of_its_own(up: &Up) {
    let pids = up.pids();
    let pid = |role: Role| role.pid(&pids).unwrap_or_else(|| panic!("{role:?} in {pids}"));
    assert_eq!(Role::ALL.map(pid), Role::ALL.map(|role| role.pid(&up.line["pids"]).unwrap()));
    assert_eq!(Role::ALL.map(pid).into_iter().collect::<BTreeSet<_>>().len(), 6);
    assert_eq!(
        Role::ALL.map(|role| program_of(pid(role))),
        ["shroud-enclave-dev", "shroud-host", "shroud-gateway", "shroud-gateway", "shroud-gateway", "shroud"]
    );
    let database = std::path::Path::new(up.text("database"));
    let held = |role| open_files(pid(role)).iter().any(|file| file.starts_with(database));
    assert!(held(Role::Host) && !held(Role::Enclave), "the host alone holds the database");
}

fn a_signed_transaction_is_what_was_intended(agent: &Agent) {
    let answer = agent.sign(intent_with(7, json!({"value": "0.25"})));
    let told = answer.json();
    assert_eq!(answer.status, 200, "{told}");
    let decoded = decode(told["signed_tx"].as_str().unwrap());
    assert_eq!(decoded, wanted(agent, 7, 250_000_000_000_000_000, told["tx_hash"].as_str().unwrap()));
    assert_eq!(told["from"].as_str().unwrap().to_lowercase(), decoded.signer);
}

fn denials_name_their_step(agent: &Agent) {
    // 0.25 of 0.8 ether are spent by now.
    assert_eq!(agent.sign(intent_with(8, json!({"value": "0.5"}))).status, 200);
    for (step, members) in [
        ("address_allowlist", json!({"to": STRANGER})),
        ("value_cap", json!({"value": "0.51"})),
        ("daily_limit", json!({"value": "0.1"})),
        ("chain_restriction", json!({"chain": "ethereum", "value": "0.01"})),
    ] {
        let denied = agent.sign(intent_with(9, members));
        assert_eq!(denied.status, 403, "{step}: {denied:?}");
        let problem = denied.problem();
        assert_eq!(problem["step"], step, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(step), "{problem}");
        assert!(problem.get("signed_tx").is_none());
    }
    assert_eq!(agent.sign(intent_with(9, json!({"value": "0.05"}))).status, 200, "a denial spends nothing");
}

fn strangers_get_nothing(admin: &Api, agent: &Agent) {
    let sign = agent.path("transactions/sign");
    let denied = admin.anonymous().call("POST", &sign, Some(intent(20)));
    assert_eq!(denied.problem()["status"], 401);
    let other = admin.agent("another");
    let crossed = agent.log_in().call("POST", &other.path("transactions/sign"), Some(intent(20)));
    assert!([403, 404].contains(&crossed.status), "{crossed:?}");
    let _ = crossed.problem();
    let unknown = sign.replace(&agent.id, "00000000-0000-4000-8000-000000000000");
    let absent = agent.log_in().call("POST", &unknown, Some(intent(20)));
    assert!([403, 404].contains(&absent.status), "{absent:?}");
    let create = agent.log_in().call("POST", "/v1/agents", Some(json!({"name": "made by an agent"})));
    assert_eq!(create.status, 403, "{create:?}");
    let mut wrong = agent.clone();
    wrong.api_key = other.api_key;
    assert_eq!(wrong.exchange().problem()["status"], 401);
}

fn amounts_are_plain_decimals(agent: &Agent) {
    for value in
        ["1e-1", "-0.1", "0x1", "", " 0.1", "0.1 ", "NaN", "0.0000000000000000001", "+0.1", ".", "1_0"]
    {
        let refused = agent.sign(intent_with(21, json!({"value": value})));
        assert!([400, 422].contains(&refused.status), "{value:?}: {refused:?}");
        let _ = refused.problem();
    }
    for value in [json!(0.1), json!(1), json!(null), json!(["0.1"])] {
        let refused = agent.sign(intent_with(21, json!({"value": value.clone()})));
        assert!([400, 422].contains(&refused.status), "{value}: {refused:?}");
    }
}

#[test]
fn a_second_up_opens_the_same_state() {
    let folder = Folder::new();
    let up = folder.up();
    let agent = up.api().agent("lasting");
    let spent = intent_with(0, json!({"value": "0.5"}));
    assert_eq!(decode(&agent.signs(spent.clone())).signer, agent.address.to_lowercase());
    let events = up.api().audit_events();
    let line = up.line.clone();

    let busy = folder.try_up().unwrap_err();
    assert_eq!(busy.kind, "busy", "{busy:?}");
    assert_eq!(agent.sign(intent(1)).status, 200, "the first one is unharmed");
    up.stop();

    let up = folder.up();
    for member in
        ["base_url", "admin_api_key", "auth_confirm", "org_id", "measurement", "config_digest", "database"]
    {
        assert_eq!(up.line[member], line[member], "{member}");
    }
    assert!(up.api().audit_events() > events, "records are kept, and the boot is one more");
    let decoded = decode(&agent.signs(intent(2)));
    assert_eq!(decoded.signer, agent.address.to_lowercase(), "the key is the same");
    let denied = agent.sign(spent);
    assert_eq!(denied.problem()["step"], "daily_limit", "what was spent stays spent");
    up.stop();
}

#[test]
fn the_host_keeps_sealed_rows_and_readable_projections() {
    let folder = Folder::new();
    let up = folder.up();
    let agent = up.api().agent("sealed");
    let _ = agent.signs(intent(0));
    let database = Database::open(up.text("database"));
    assert_eq!(database.column("vaults", "mpc_custody"), ["2of3_multi_hsm"]);
    let mut providers = database.column("vault_mpc_keks", "provider");
    providers.sort();
    assert_eq!(providers, ["aws", "azure", "gcp"]);
    assert_eq!(database.rows("secret_dek_shares").len(), 3);
    for table in ["agents", "signing_keys", "secrets", "transactions", "credentials"] {
        for row in database.rows(table) {
            let seen = [row.key.as_bytes(), &row.body].concat();
            for plain in ["sealed", &agent.id, &agent.address, "sepolia"] {
                assert_eq!(
                    shroud_tests::search::Needle::text(plain).within(&seen),
                    None,
                    "{plain} in {table}"
                );
            }
        }
    }
}
