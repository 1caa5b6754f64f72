//! A daily limit under concurrency: what it has room for is signed, and not one more, whatever dies meanwhile.
//!
//! `CONCURRENT_CAP_ROUNDS` says how many fresh agents meet their limit, three unless it is set.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

use std::collections::BTreeSet;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use shroud_tests::api::{Agent, Api, RECIPIENT, intent_with};
use shroud_tests::http::Answer;
use shroud_tests::role::Role;
use shroud_tests::up::{Folder, Up};

/// Requests at once.
const CALLERS: u64 = 64;
/// How many of them the limit has room for.
const ROOM: usize = 10;

fn rounds() -> usize {
    std::env::var("CONCURRENT_CAP_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(3)
}

/// An agent whose limit has room for ten intents.
fn limited(api: &Api, name: &str) -> Agent {
    api.agent_with(name, json!({"tx_to_allowlist": [RECIPIENT], "tx_daily_limit": "0.1"}))
}

/// Intents of 0.01 ether each, over these chains in turn.
fn intents(chains: &[&str]) -> Vec<Value> {
    let chains = chains.iter().cycle();
    (0..CALLERS).zip(chains).map(|(nonce, chain)| intent_with(nonce, json!({"chain": chain}))).collect()
}

/// Sends them all at the same moment, each on a connection of its own.
fn at_once(agent: &Agent, intents: &[Value]) -> Vec<std::io::Result<Answer>> {
    at_once_with(agent, &agent.log_in(), intents, || {})
}

/// The same, while something else happens.
fn at_once_with(
    agent: &Agent,
    caller: &Api,
    intents: &[Value],
    meanwhile: impl FnOnce(),
) -> Vec<std::io::Result<Answer>> {
    let (path, start) = (&agent.path("transactions"), &Barrier::new(intents.len() + 1));
    thread::scope(|threads| {
        let ask = |intent: &Value| {
            start.wait();
            caller.try_call("POST", path, Some(intent.clone()))
        };
        let running: Vec<_> = intents.iter().map(|intent| threads.spawn(move || ask(intent))).collect();
        start.wait();
        meanwhile();
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// The hashes of what was signed; everything else was denied for the daily limit.
fn signed_or_denied(answers: Vec<std::io::Result<Answer>>) -> BTreeSet<String> {
    let mut signed = BTreeSet::new();
    for answer in answers {
        let answer = answer.unwrap();
        if answer.status == 201 {
            assert!(signed.insert(text(&answer.json()["tx_hash"])), "a hash twice: {answer:?}");
            continue;
        }
        assert_eq!(answer.status, 403, "{answer:?}");
        let problem = answer.problem();
        assert_eq!(problem["step"], "daily_limit", "{problem}");
        assert_eq!(
            [&problem["limit"], &problem["asked"], &problem["left"]],
            ["0.1", "0.01", "0"],
            "{problem}"
        );
        assert!(problem["frees_at"].is_u64(), "{problem}");
    }
    signed
}

/// What the agent's list shows.
fn listed(agent: &Agent) -> BTreeSet<String> {
    let list = agent.log_in().expect(200, "GET", &agent.path("transactions"), None);
    list["transactions"].as_array().unwrap().iter().map(|one| text(&one["tx_hash"])).collect()
}

fn spent(up: &Up, agent: &Agent) -> String {
    let told = up.api().expect(200, "GET", &format!("/v1/agents/{}", agent.id), None);
    text(&told["tx_spent_today"])
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

#[test]
fn concurrent_cap_signs_exactly_ten() {
    let folder = Folder::new();
    let up = folder.up();
    let mut full = Vec::new();
    for round in 0..rounds() {
        let agent = limited(&up.api(), &format!("one chain {round}"));
        let signed = signed_or_denied(at_once(&agent, &intents(&["sepolia"])));
        assert_eq!(signed.len(), ROOM, "round {round}");
        assert_eq!(listed(&agent), signed);
        assert_eq!(spent(&up, &agent), "0.1");

        let both = limited(&up.api(), &format!("two chains {round}"));
        let signed = signed_or_denied(at_once(&both, &intents(&["sepolia", "base"])));
        assert_eq!(signed.len(), ROOM, "round {round}: one limit over two chains");
        full.extend([agent, both]);
    }
    let chain = up.api().audit_chain();
    assert!(chain.len() > 256, "more than one page: {}", chain.len());
    up.kill(Role::Enclave);
    up.healthy();
    let again = up.api().audit_chain();
    assert_eq!(again[again.len() - chain.len()..], chain, "the audit chain is the same after a SIGKILL");
    for agent in &full {
        let again = signed_or_denied(at_once(agent, &intents(&["sepolia", "base"])));
        assert_eq!(again.len(), 0, "the window is still full after a SIGKILL");
        assert_eq!(listed(agent).len(), ROOM);
        assert_eq!(spent(&up, agent), "0.1");
    }
    up.stop();
}

#[test]
fn concurrent_cap_outlives_a_kill_under_way() {
    let folder = Folder::new();
    let up = folder.up();
    for round in 0..rounds() {
        let agent = limited(&up.api(), &format!("killed under way {round}"));
        let first = at_once_with(&agent, &agent.log_in(), &intents(&["sepolia"]), || {
            thread::sleep(Duration::from_millis(25 + 30 * u64::try_from(round).unwrap() % 240));
            up.kill(Role::Enclave);
        });
        up.healthy();
        let told = first.into_iter().flatten().filter(|answer| answer.status == 201);
        let told: BTreeSet<String> = told.map(|answer| text(&answer.json()["tx_hash"])).collect();
        let recorded = listed(&agent);
        assert!(recorded.is_superset(&told), "round {round}: what was told is recorded");
        let second = signed_or_denied(at_once(&agent, &intents(&["base"])));
        assert_eq!(recorded.len() + second.len(), ROOM, "round {round}: {} before the kill", recorded.len());
        assert_eq!(listed(&agent).len(), ROOM);
    }
    up.stop();
}
