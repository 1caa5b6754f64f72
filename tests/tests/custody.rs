//! Secrets under every custody mode, over the real processes: who opens what, what is told once, what is gone, and what
//! still works when clouds hang.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use shroud_tests::api::{Api, intent};
use shroud_tests::http::Answer;
use shroud_tests::process::{Signal, signal};
use shroud_tests::role::Role;
use shroud_tests::search::Needle;
use shroud_tests::up::{Folder, Up};
use shroud_tests::wait;

/// How long the enclave waits for a cloud that hangs.
const HANGS: std::time::Duration = std::time::Duration::from_secs(4);

/// A value that exists for this test alone.
const VALUE: &str = "sk_live_custody_test_5d1c7a";
/// The modes with their providers, and whether the client holds a part.
const MODES: [(&str, &[&str], bool); 4] = [
    ("2of2_client_custody", &["gcp", "client"], true),
    ("2of3_multi_hsm", &["gcp", "aws", "azure"], false),
    ("2of3_client_custody", &["gcp", "aws", "client"], true),
    ("2of3_multi_hsm_client", &["gcp", "aws", "azure", "client"], true),
];

#[test]
fn secrets_are_kept_as_their_mode_says() {
    let folder = Folder::new();
    let up = folder.up_with(&["--kek-ttl", "0"]);
    let api = up.api();
    vaults_have_names_and_modes_of_their_own(&api);
    let kept: Vec<Kept> = MODES.iter().map(|(mode, _, client)| a_mode_holds(&api, mode, *client)).collect();
    the_default_envelope_holds(&api);
    versions_come_and_go(&api);
    reads_are_counted_and_expire(&api);
    a_path_has_one_spelling(&api);
    large_values_at_once_are_kept(&api);
    values_made_here_are_not_told(&api);
    the_clients_own_layer_is_marked(&api);
    an_agent_without_a_policy_sees_nothing(&api);
    the_vault_of_agents_keys_stays_shut(&api);
    an_agent_changes_and_ends_at_once(&api);
    a_signing_key_is_replaced_and_ended(&api);
    tokens_end_when_they_are_revoked(&api);
    one_cloud_may_hang(&up, &kept);
    nothing_leaks(&folder, &kept);
    assert!(api.audit_events() > 50, "reads and writes are recorded");
    up.stop();
}

/// The first version of a secret, and what opens it.
struct Kept {
    mode: &'static str,
    path: String,
    share: Option<String>,
}

impl Kept {
    fn read(&self, api: &Api) -> Answer {
        read(api, &self.version(1), self.share.as_deref())
    }

    fn version(&self, number: u64) -> String {
        format!("{}/{number}", self.path.replace("/secrets/", "/secret-version/"))
    }
}

fn read(api: &Api, path: &str, share: Option<&str>) -> Answer {
    let headers: Vec<(&str, &str)> = share.into_iter().map(|share| ("X-Client-Share", share)).collect();
    api.call_with("GET", path, &headers, None).unwrap()
}

fn vault(api: &Api, name: &str) -> String {
    let vault = api.expect(201, "POST", "/v1/vaults", Some(json!({ "name": name })));
    format!("/v1/vaults/{}", vault["id"].as_str().unwrap())
}

fn put(api: &Api, path: &str, body: Value) -> Value {
    api.expect(201, "PUT", path, Some(body))
}

fn status(api: &Api, method: &str, path: &str, body: Option<Value>) -> u16 {
    let answer = api.call(method, path, body);
    if answer.status >= 400 {
        let _ = answer.problem();
    }
    answer.status
}

fn vaults_have_names_and_modes_of_their_own(api: &Api) {
    let path = vault(api, "  names  ");
    assert_eq!(api.expect(200, "GET", &path, None)["name"], "names");
    let create = |name: &str| status(api, "POST", "/v1/vaults", Some(json!({ "name": name })));
    assert_eq!(create("names"), 409, "a name is taken once");
    assert_eq!(create("__agent-keys"), 409);
    assert_eq!(create("   "), 400);
    assert_eq!(create(&"n".repeat(256)), 400);
    let mpc = format!("{path}/mpc");
    for wrong in [
        json!({}),
        json!({ "custody_mode": "3of3" }),
        json!({ "custody_mode": "2of3_multi_hsm", "providers": ["gcp"] }),
    ] {
        assert_eq!(status(api, "POST", &mpc, Some(wrong)), 400);
    }
    assert_eq!(status(api, "POST", &mpc, None), 400, "the form without a body");
    let split = api.expect(200, "POST", &mpc, Some(json!({ "mpc_custody": "2of3_multi_hsm" })));
    assert_eq!(split["mpc_threshold"], 2);
    assert_eq!(
        status(api, "POST", &mpc, Some(json!({ "custody_mode": "2of3_multi_hsm" }))),
        409,
        "immutable"
    );
    assert_eq!(status(api, "DELETE", &path, None), 204);
    for method in ["GET", "DELETE"] {
        assert_eq!(status(api, method, &path, None), 404);
    }
    let again = vault(api, "names");
    assert_eq!(status(api, "DELETE", &again, None), 204, "a name is free again");
}

fn a_mode_holds(api: &Api, mode: &'static str, client: bool) -> Kept {
    let path = vault(api, mode);
    let enabled = api.expect(200, "POST", &format!("{path}/mpc"), Some(json!({ "custody_mode": mode })));
    let holders = MODES.iter().find(|(name, ..)| *name == mode).unwrap().1;
    assert_eq!((&enabled["mpc_custody"], &enabled["mpc_providers"]), (&json!(mode), &json!(holders)));
    let path = format!("{path}/secrets/api-keys/stripe");
    let written = put(api, &path, json!({ "type": "api_key", "value": VALUE }));
    assert_eq!((&written["version"], written.get("value")), (&json!(1), None));
    let share = written["client_share"].as_str().map(str::to_owned);
    assert_eq!(share.is_some(), client, "{mode}");
    let kept = Kept { mode, path, share };
    let told = read(api, &kept.path, kept.share.as_deref());
    assert_eq!((told.status, &told.json()["value"]), (200, &json!(VALUE)), "{mode}");
    assert_eq!(told.json().get("client_share"), None, "the share is told once");
    if let Some(share) = &kept.share {
        the_client_is_needed(api, &kept, share);
    }
    kept
}

fn the_client_is_needed(api: &Api, kept: &Kept, share: &str) {
    let missing = read(api, &kept.path, None);
    assert_eq!(missing.status, 400);
    assert!(missing.problem()["detail"].as_str().unwrap().contains("X-Client-Share"));
    for malformed in ["!", "AAAA", "AAAAAAAA=", &share[4..]] {
        assert_eq!(read(api, &kept.path, Some(malformed)).status, 400, "{malformed}");
    }
    let bytes = BASE64_STANDARD.decode(share).unwrap();
    let flipped = |place: usize| {
        let mut bytes = bytes.clone();
        bytes[place] ^= 1;
        read(api, &kept.path, Some(&BASE64_STANDARD.encode(bytes)))
    };
    let (middle, last) = (flipped(bytes.len() / 2), flipped(bytes.len() - 1));
    assert_eq!((middle.status, last.status), (403, 403));
    assert_eq!(middle.body, last.body, "one sentence, wherever the share is wrong");
    // A share belongs to one version.
    let next = put(api, &kept.path, json!({ "type": "api_key", "value": VALUE }));
    let next = next["client_share"].as_str().unwrap();
    assert_ne!(next, share);
    let newest = read(api, &kept.path, Some(share));
    assert_eq!((newest.status, &newest.body), (403, &last.body));
    assert_eq!(read(api, &kept.version(1), Some(share)).status, 200);
    assert_eq!(read(api, &kept.version(1), Some(next)).status, 403);
}

fn the_default_envelope_holds(api: &Api) {
    let path = format!("{}/secrets/plain", vault(api, "default"));
    let written = put(api, &path, json!({ "value": "ä\u{0}\n€" }));
    assert_eq!((&written["type"], written.get("client_share")), (&json!("generic"), None));
    assert_eq!(api.expect(200, "GET", &path, None)["value"], "ä\u{0}\n€", "values come back exactly");
}

fn versions_come_and_go(api: &Api) {
    let vault = vault(api, "versions");
    let secret = format!("{vault}/secrets/dir/key");
    assert_eq!(status(api, "GET", &secret, None), 404);
    assert_eq!(status(api, "DELETE", &secret, None), 404);
    for value in ["one", "two"] {
        put(api, &secret, json!({ "value": value, "metadata": { "owner": value } }));
    }
    put(api, &format!("{vault}/secrets/other"), json!({ "value": "x" }));
    assert_eq!(api.expect(200, "GET", &secret, None)["value"], "two");
    let version = |number: u64| format!("{vault}/secret-version/dir/key/{number}");
    assert_eq!(api.expect(200, "GET", &version(1), None)["value"], "one");
    assert_eq!(status(api, "GET", &version(3), None), 404);
    assert_eq!(status(api, "GET", &format!("{vault}/secret-version/dir/key/01"), None), 400);
    let listed = api.expect(200, "GET", &format!("{vault}/secrets?prefix=dir/"), None);
    assert_eq!(listed["secrets"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&listed["secrets"][0]["version"], &listed["secrets"][0]["metadata"]["owner"]),
        (&json!(2), &json!("two"))
    );
    assert_eq!(listed["secrets"][0].get("value"), None);
    let disable = |number: u64| format!("{vault}/secret-version-disable/dir/key/{number}");
    assert_eq!(status(api, "POST", &disable(2), None), 204);
    assert_eq!(status(api, "POST", &disable(9), None), 404);
    assert_eq!(status(api, "GET", &secret, None), 410, "no silent fall-back to an older version");
    assert_eq!(status(api, "GET", &version(1), None), 200);
    let versions = api.expect(200, "GET", &format!("{vault}/secret-versions/dir/key"), None);
    let disabled: Vec<&Value> =
        versions["versions"].as_array().unwrap().iter().map(|one| &one["is_disabled"]).collect();
    assert_eq!(disabled, [&json!(true), &json!(false)]);
    assert_eq!(status(api, "DELETE", &secret, None), 204);
    for gone in [&secret, &version(1), &format!("{vault}/secret-versions/dir/key")] {
        assert_eq!(status(api, "GET", gone, None), 410, "{gone}");
    }
    assert_eq!(
        api.expect(200, "GET", &format!("{vault}/secrets"), None)["secrets"].as_array().unwrap().len(),
        1
    );
    assert_eq!(put(api, &secret, json!({ "value": "again" }))["version"], 3, "a number is never used again");
    assert_eq!(status(api, "GET", &version(1), None), 410);
    assert_eq!(status(api, "DELETE", &vault, None), 204);
    assert_eq!(status(api, "GET", &secret, None), 404);
}

fn reads_are_counted_and_expire(api: &Api) {
    let vault = vault(api, "limits");
    let counted = format!("{vault}/secrets/counted");
    put(api, &counted, json!({ "value": "v", "max_access_count": 3 }));
    let readers: Vec<_> = (0..8)
        .map(|_| {
            let (api, path) = (api.clone(), counted.clone());
            thread::spawn(move || read(&api, &path, None).status)
        })
        .collect();
    let mut answers: Vec<u16> = readers.into_iter().map(|reader| reader.join().unwrap()).collect();
    answers.sort_unstable();
    assert_eq!(
        answers,
        [200, 200, 200, 410, 410, 410, 410, 410],
        "as many reads as allowed, however they race"
    );
    put(api, &counted, json!({ "value": "v", "max_access_count": 0 }));
    assert_eq!(status(api, "GET", &counted, None), 200, "none is unlimited");
    let dated = format!("{vault}/secrets/dated");
    put(api, &dated, json!({ "value": "v", "expires_at": "2020-01-01T00:00:00Z" }));
    assert_eq!(status(api, "GET", &dated, None), 410);
    put(api, &dated, json!({ "value": "v", "expires_at": "2999-01-01T00:00:00Z" }));
    assert_eq!(status(api, "GET", &dated, None), 200);
}

fn a_path_has_one_spelling(api: &Api) {
    let vault = vault(api, "paths");
    put(api, &format!("{vault}/secrets/a%2Fb"), json!({ "value": "one" }));
    assert_eq!(api.expect(200, "GET", &format!("{vault}/secrets/a/b"), None)["value"], "one");
    assert_eq!(api.expect(200, "GET", &format!("{vault}/secret-version/a%2Fb/1"), None)["value"], "one");
    for path in ["a/..%2Fb", "%2e%2e/b", "a%252Fb", "a.b", "a//b", "-a", "a/", "%C3%A4", "a%00b", "a%ff"] {
        for method in ["PUT", "GET"] {
            let body = (method == "PUT").then(|| json!({ "value": "v" }));
            assert_eq!(status(api, method, &format!("{vault}/secrets/{path}"), body), 400, "{path}");
        }
    }
    let two_values = br#"{"value":"a","value":"b"}"#;
    let answer = raw_put(api, &format!("{vault}/secrets/twice"), two_values);
    assert_eq!(answer, 400, "a member that is given twice");
}

fn raw_put(api: &Api, path: &str, body: &[u8]) -> u16 {
    api.send("PUT", path, body).unwrap().status
}

/// Together they are more than one batch may carry to the store.
fn large_values_at_once_are_kept(api: &Api) {
    let vault = vault(api, "large");
    let value = "v".repeat(900 * 1024);
    let writers: Vec<_> = (0..16)
        .map(|number| {
            let (api, path) = (api.clone(), format!("{vault}/secrets/large-{number}"));
            let body = json!({ "value": value });
            thread::spawn(move || (api.call("PUT", &path, Some(body)).status, path))
        })
        .collect();
    for writer in writers {
        let (status, path) = writer.join().unwrap();
        assert_eq!(status, 201, "{path}");
        assert_eq!(api.expect(200, "GET", &path, None)["value"].as_str().unwrap().len(), value.len());
    }
}

fn values_made_here_are_not_told(api: &Api) {
    let vault = vault(api, "rotation");
    let (secret, rotate) = (format!("{vault}/secrets/key"), format!("{vault}/secret-rotate/key"));
    assert_eq!(status(api, "POST", &rotate, Some(json!({}))), 404);
    put(api, &secret, json!({ "value": "first", "type": "password", "metadata": { "a": 1 } }));
    let made = api.expect(201, "POST", &rotate, None);
    assert_eq!((&made["version"], &made["type"], made.get("value")), (&json!(2), &json!("password"), None));
    let value = api.expect(200, "GET", &secret, None);
    assert_eq!(value["metadata"], json!({ "a": 1 }));
    let value = value["value"].as_str().unwrap();
    assert!(value.len() == 32 && value.bytes().all(|byte| byte.is_ascii_hexdigit()), "{value}");
    api.expect(
        201,
        "POST",
        &rotate,
        Some(json!({ "length": 64, "charset": "alphanumeric", "type": "note" })),
    );
    let again = api.expect(200, "GET", &secret, None);
    assert_eq!((again["value"].as_str().unwrap().len(), &again["type"]), (64, &json!("note")));
    for wrong in [json!({ "length": 7 }), json!({ "length": 1025 }), json!({ "charset": "emoji" })] {
        assert_eq!(status(api, "POST", &rotate, Some(wrong)), 400);
    }
}

fn the_clients_own_layer_is_marked(api: &Api) {
    let vault = vault(api, "cmek");
    let (cmek, secret) = (format!("{vault}/cmek"), format!("{vault}/secrets/key"));
    let before = format!("{vault}/secrets/before");
    put(api, &before, json!({ "value": "v" }));
    let fingerprint = "0123456789abcdef".repeat(4);
    assert_eq!(status(api, "POST", &cmek, Some(json!({ "fingerprint": "AB" }))), 400);
    assert_eq!(status(api, "DELETE", &cmek, None), 400);
    let enabled = api.expect(200, "POST", &cmek, Some(json!({ "fingerprint": fingerprint })));
    assert_eq!((&enabled["cmek_enabled"], &enabled["cmek_fingerprint"]), (&json!(true), &json!(fingerprint)));
    put(api, &secret, json!({ "value": "AQ==" }));
    assert_eq!(api.expect(200, "DELETE", &cmek, None)["cmek_enabled"], false);
    assert_eq!(api.expect(200, "GET", &secret, None)["cmek_encrypted"], true, "a version keeps its mark");
    assert_eq!(api.expect(200, "GET", &before, None)["cmek_encrypted"], false);
}

fn an_agent_without_a_policy_sees_nothing(api: &Api) {
    let vault = vault(api, "agents-see-nothing");
    put(api, &format!("{vault}/secrets/key"), json!({ "type": "private_key", "value": VALUE }));
    let agent = api.keyless_agent("no-policy").log_in();
    let absent = "/v1/vaults/00000000-0000-4000-8000-000000000000";
    let nonsense = format!("/v1/vaults/{}", "%C3%A4".repeat(300));
    let places = [vault.as_str(), absent, nonsense.as_str()].map(|vault| format!("{vault}/secrets/key"));
    let mut bodies: Vec<Vec<u8>> = [format!("{vault}/secrets/none")]
        .iter()
        .chain(&places)
        .map(|path| {
            let answer = agent.call("GET", path, None);
            assert_eq!(answer.status, 403, "{path}");
            answer.body
        })
        .collect();
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "403 tells nothing of what exists");
    for (method, path) in [
        ("PUT", format!("{vault}/secrets/key")),
        ("DELETE", format!("{vault}/secrets/key")),
        ("GET", format!("{vault}/secrets")),
        ("GET", format!("{vault}/secret-versions/key")),
        ("GET", format!("{vault}/secret-version/key/1")),
        ("POST", format!("{vault}/secret-rotate/key")),
        ("GET", vault.clone()),
        ("DELETE", vault.clone()),
        ("POST", "/v1/vaults".to_owned()),
        ("GET", "/v1/org/agent-keys-vault".to_owned()),
    ] {
        assert_eq!(
            status(&agent, method, &path, Some(json!({ "name": "x", "value": "x" }))),
            403,
            "{method} {path}"
        );
    }
    assert_eq!(agent.expect(200, "GET", "/v1/vaults", None)["vaults"], json!([]));
}

fn the_vault_of_agents_keys_stays_shut(api: &Api) {
    let keys = api.expect(200, "GET", "/v1/org/agent-keys-vault", None);
    let id = keys["id"].as_str().unwrap();
    let listed = api.expect(200, "GET", "/v1/vaults", None);
    assert!(listed["vaults"].as_array().unwrap().iter().all(|vault| vault["id"] != id), "it is not listed");
    let agent = api.agent("shut");
    let key = format!("/v1/vaults/{id}/secrets/agents/{}/chains/ethereum/private_key", agent.id);
    for method in ["GET", "PUT", "DELETE"] {
        assert_eq!(status(api, method, &key, Some(json!({ "value": "v" }))), 403, "{method}");
    }
    assert_eq!(status(api, "GET", &format!("/v1/vaults/{id}/secrets"), None), 403);
    assert_eq!(status(api, "DELETE", &format!("/v1/vaults/{id}"), None), 403);
}

fn an_agent_changes_and_ends_at_once(api: &Api) {
    let agent = api.agent("changing");
    let record = format!("/v1/agents/{}", agent.id);
    let token = agent.log_in();
    let changed =
        api.expect(200, "PATCH", &record, Some(json!({ "tx_max_value": "0.001", "tx_daily_limit": null })));
    assert_eq!((&changed["tx_max_value"], changed.get("tx_daily_limit")), (&json!("0.001"), None));
    assert_eq!(changed["tx_to_allowlist"].as_array().unwrap().len(), 1, "absent is unchanged");
    let signs = agent.path("transactions/sign");
    let sign = |api: &Api| api.call("POST", &signs, Some(intent(0))).status;
    assert_eq!(sign(&token), 403, "the new limit bites at once");
    assert_eq!(status(api, "PATCH", &record, Some(json!({ "tx_max_value": "1e3" }))), 400);
    assert_eq!(status(&token, "PATCH", &record, Some(json!({ "tx_max_value": "9" }))), 403);
    api.expect(200, "PATCH", &record, Some(json!({ "tx_max_value": "0.5" })));
    assert_eq!(sign(&token), 200);
    api.expect(200, "PATCH", &record, Some(json!({ "is_active": false })));
    assert_eq!((sign(&token), agent.exchange().status), (401, 401));
    api.expect(200, "PATCH", &record, Some(json!({ "is_active": true })));
    let rotated = api.expect(200, "POST", &format!("{record}/rotate-key"), None);
    assert_eq!(agent.exchange().status, 401, "the old key is dead");
    let mut agent = agent;
    agent.api_key = rotated["api_key"].as_str().unwrap().to_owned();
    assert_eq!(status(&token, "POST", "/v1/auth/refresh", None), 401, "and its tokens are not renewed");
    let token = agent.log_in();
    assert_eq!(status(&token, "DELETE", &record, None), 403);
    assert_eq!(status(api, "DELETE", &record, None), 204);
    assert_eq!((sign(&token), agent.exchange().status), (401, 401));
    for method in ["GET", "PATCH", "DELETE"] {
        assert_eq!(status(api, method, &record, Some(json!({}))), 404);
    }
}

fn a_signing_key_is_replaced_and_ended(api: &Api) {
    let agent = api.agent("keys");
    let (keys, key) = (agent.path("signing-keys"), agent.path("signing-keys/ethereum"));
    let rotated = api.expect(200, "POST", &format!("{key}/rotate"), None);
    assert_eq!(rotated["key_version"], 2);
    assert_ne!(rotated["address"], json!(agent.address));
    let signed = agent.sign(intent(0)).json();
    assert_eq!(signed["from"], rotated["address"]);
    let listed = api.expect(200, "GET", &keys, None);
    let active: Vec<&Value> =
        listed["keys"].as_array().unwrap().iter().map(|key| &key["is_active"]).collect();
    assert_eq!(active, [&json!(true), &json!(false)]);
    assert_eq!(status(api, "DELETE", &key, None), 204);
    assert_eq!(agent.sign(intent(1)).status, 409);
    for (method, path) in [("DELETE", key.clone()), ("POST", format!("{key}/rotate"))] {
        assert_eq!(status(api, method, &path, None), 404);
    }
    assert_eq!(api.expect(201, "POST", &keys, Some(json!({ "chain": "ethereum" })))["key_version"], 3);
}

fn tokens_end_when_they_are_revoked(api: &Api) {
    let agent = api.keyless_agent("tokens");
    let (token, other) = (agent.log_in(), agent.log_in());
    let fresh = token.expect(200, "POST", "/v1/auth/refresh", None);
    assert!(fresh["access_token"].is_string() && fresh["expires_in"].is_u64());
    assert_eq!(status(&token, "DELETE", "/v1/auth/token", None), 204);
    for (method, path) in
        [("GET", "/v1/agents/me"), ("POST", "/v1/auth/refresh"), ("DELETE", "/v1/auth/token")]
    {
        assert_eq!(status(&token, method, path, None), 401, "{path}");
    }
    assert_eq!(status(&other, "GET", "/v1/agents/me", None), 200, "other tokens go on");
    assert_eq!(status(&api.anonymous(), "POST", "/v1/auth/refresh", None), 401);
}

fn one_cloud_may_hang(up: &Up, kept: &[Kept]) {
    let api = up.api();
    let alive: Vec<&Kept> = kept.iter().filter(|kept| kept.mode.starts_with("2of3")).collect();
    let (aws, azure) = (up.pid(Role::Gateway(1)), up.pid(Role::Gateway(2)));
    signal(aws, Signal::STOP);
    for kept in &alive {
        let began = Instant::now();
        let told = kept.read(&api);
        assert_eq!(told.status, 200, "{}: {told:?}", kept.mode);
        assert!(began.elapsed() < HANGS, "a read does not wait for the cloud that hangs");
        let write = api.call("PUT", &kept.path, Some(json!({ "value": "w" })));
        assert_eq!(write.status, 503, "a write needs every cloud of its mode");
        assert!(
            write.problem()["detail"].as_str().unwrap().contains("aws"),
            "and names the one that is away"
        );
    }
    signal(azure, Signal::STOP);
    for kept in &alive {
        let began = Instant::now();
        let told = kept.read(&api);
        assert!(told.status >= 500 && told.json().get("value").is_none(), "{}: {told:?}", kept.mode);
        assert!(began.elapsed() < Duration::from_secs(10));
    }
    signal(azure, Signal::CONT);
    signal(aws, Signal::CONT);
    for kept in &alive {
        wait::until("the secret opens again", Duration::from_secs(30), || {
            (kept.read(&api).status == 200).then_some(())
        });
    }
}

/// The value and the shares that were told once are nowhere in what the host keeps or anybody logs.
fn nothing_leaks(folder: &Folder, kept: &[Kept]) {
    let shares = kept.iter().filter_map(|kept| kept.share.as_deref());
    for secret in shares.chain([VALUE]) {
        let needle = Needle::text(secret);
        assert_eq!(needle.in_folder(&folder.state()), [], "{secret}");
        assert_eq!(needle.in_file(&folder.log()), None, "{secret}");
    }
}
