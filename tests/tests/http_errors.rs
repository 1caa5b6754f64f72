//! Requests that are wrong get the right status in problem format, and the connection stays usable.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

use serde_json::json;
use shroud_tests::api::intent_with;
use shroud_tests::http::{Answer, Connection};
use shroud_tests::role::Role;
use shroud_tests::up::Folder;

const BODY_LIMIT: usize = 1024 * 1024;

struct Case<'a> {
    name: &'static str,
    method: &'static str,
    path: &'a str,
    token: Option<&'a str>,
    body: Vec<u8>,
    status: u16,
}

fn send(connection: &mut Connection, case: &Case<'_>) -> Answer {
    let credential = case.token.map(|token| format!("Bearer {token}"));
    let mut headers = vec![("Content-Type", "application/json")];
    headers.extend(credential.as_ref().map(|credential| ("Authorization", credential.as_str())));
    connection
        .send(case.method, case.path, &headers, &case.body)
        .unwrap_or_else(|error| panic!("{}: the connection ended: {error}", case.name))
}

#[test]
fn wrong_requests_are_named_and_the_connection_stays_usable() {
    let folder = Folder::new();
    let up = folder.up();
    let agent = up.api().agent("wrong requests");
    let token = agent.exchange().json()["access_token"].as_str().unwrap().to_owned();
    let admin = Some(up.text("admin_api_key"));
    let sign = agent.path("transactions/sign");
    let body = |value: serde_json::Value| value.to_string().into_bytes();
    let large = body(json!({"name": "n".repeat(BODY_LIMIT)}));
    let case = |name, method, path, token, body, status| Case { name, method, path, token, body, status };
    let agents = "/v1/agents";
    let cases = [
        case("malformed JSON", "POST", agents, admin, b"{\"name\":".to_vec(), 400),
        case("no JSON at all", "POST", agents, admin, vec![0xff; 64], 400),
        case("a body that is missing", "POST", agents, admin, vec![], 400),
        case(
            "two members of one name",
            "POST",
            &sign,
            Some(&token),
            b"{\"to\":\"a\",\"to\":\"b\"}".to_vec(),
            400,
        ),
        case("a field of another type", "POST", agents, admin, body(json!({"name": 7})), 400),
        case(
            "an intent of another type",
            "POST",
            &sign,
            Some(&token),
            body(intent_with(0, json!({"nonce": "0"}))),
            400,
        ),
        case("a body over the limit", "POST", agents, admin, large, 413),
        case("a wrong method", "DELETE", "/v1/health", None, vec![], 405),
        case("a wrong method of a closed resource", "PUT", agents, admin, body(json!({})), 405),
        case("an unknown path", "GET", "/v1/nothing/here", admin, vec![], 404),
        case("an unknown path without a token", "GET", "/nothing", None, vec![], 404),
        case("no token", "GET", agents, None, vec![], 401),
        case("no token with a body", "POST", &sign, None, body(json!({})), 401),
        case("a token that is none", "GET", agents, Some("not-a-token"), vec![], 401),
        case(
            "a token that was changed",
            "POST",
            &sign,
            Some(&token[..token.len() - 2]),
            body(json!({})),
            401,
        ),
    ];
    let mut connection = Connection::open(up.text("base_url")).unwrap();
    for case in cases {
        let answer = send(&mut connection, &case);
        assert_eq!(answer.status, case.status, "{}: {answer:?}", case.name);
        let _ = answer.problem();
        assert_eq!(answer.header("allow").is_some(), case.status == 405, "{}: {answer:?}", case.name);
        let health = connection.send("GET", "/v1/health", &[], &[]);
        assert_eq!(health.unwrap_or_else(|error| panic!("after {}: {error}", case.name)).status, 200);
    }
    assert_eq!(up.pid(Role::Enclave), up.line["pids"]["enclave"], "nothing had to be restarted");
}
