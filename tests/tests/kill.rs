//! Processes die and gateways go away: what was acknowledged is still there, and service resumes by itself.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use shroud_tests::api::{Agent, intent, intent_with};
use shroud_tests::process::{self, Signal};
use shroud_tests::role::Role;
use shroud_tests::transaction::decode;
use shroud_tests::up::{AGAIN, Folder, Up};
use shroud_tests::wait;

/// The contract: a request that cannot be completed is told so within ten seconds. One for the way.
const TOLD: Duration = Duration::from_secs(11);

/// Signs worthless intents until told to stop; gives the hashes of what was acknowledged.
fn sign_until(agent: &Agent, nonces: &AtomicU64, stop: &AtomicBool) -> Vec<String> {
    let mut acknowledged = Vec::new();
    let mut api = agent.log_in();
    while !stop.load(Ordering::SeqCst) {
        let intent = intent_with(nonces.fetch_add(1, Ordering::SeqCst), json!({"value": "0"}));
        let Ok(answer) = api.try_call("POST", &agent.path("transactions/sign"), Some(intent)) else {
            continue;
        };
        match answer.status {
            200 => acknowledged.push(decode(answer.json()["signed_tx"].as_str().unwrap()).hash),
            401 => api = agent.log_in(),
            _ => {}
        }
    }
    acknowledged
}

/// Kills a role while intents are being signed; gives what was acknowledged meanwhile.
fn kill_under_load(up: &Up, agent: &Agent, nonces: &AtomicU64, role: Role) -> Vec<String> {
    let stop = AtomicBool::new(false);
    std::thread::scope(|threads| {
        let signing = threads.spawn(|| sign_until(agent, nonces, &stop));
        let begun = nonces.load(Ordering::SeqCst);
        wait::until("intents are being signed", AGAIN, || {
            (nonces.load(Ordering::SeqCst) > begun + 5).then_some(())
        });
        up.kill(role);
        up.healthy();
        stop.store(true, Ordering::SeqCst);
        signing.join().unwrap()
    })
}

#[test]
fn what_was_acknowledged_outlives_the_kill_of_each_role() {
    let folder = Folder::new();
    let up = folder.up();
    let agent = up.api().agent("killed");
    let (nonces, mut acknowledged, mut restarts) = (AtomicU64::new(1), BTreeSet::new(), 0);
    let base_url = up.text("base_url").to_owned();
    let before = up.api().audit_events();
    for role in Role::ALL {
        let hashes = kill_under_load(&up, &agent, &nonces, role);
        assert!(!hashes.is_empty(), "{role:?}: nothing was signed before it was killed");
        acknowledged.extend(hashes);
        restarts += u64::from(role == Role::Enclave);
        let nonce = nonces.fetch_add(1, Ordering::SeqCst);
        let again = wait::until(&format!("signing after {role:?} was killed"), AGAIN, || {
            let answer = agent.exchange();
            if answer.status != 200 {
                return None;
            }
            let answer = agent.sign(intent_with(nonce, json!({"value": "0"})));
            (answer.status == 200).then(|| decode(answer.json()["signed_tx"].as_str().unwrap()))
        });
        assert_eq!(again.signer, agent.address.to_lowercase(), "{role:?}");
        acknowledged.insert(again.hash);
        let events = up.api().audit_events();
        let least = before + restarts + u64::try_from(acknowledged.len()).unwrap();
        assert!(events >= least, "{role:?}: {events} events, at least {least} were acknowledged");
    }
    assert_eq!(up.text("base_url"), base_url);
    up.stop();
}

#[test]
fn any_two_gateways_suffice() {
    let folder = Folder::new();
    let up = folder.up();
    let agent = up.api().agent("one away");
    for place in 0..3 {
        let away = up.pid(Role::Gateway(place));
        process::signal(away, Signal::STOP);
        for nonce in 0..4 {
            let answer = agent.sign(intent_with(nonce, json!({"value": "0"})));
            assert_eq!(answer.status, 200, "gateway {place} is stopped: {answer:?}");
        }
        process::signal(up.pid(Role::Enclave), Signal::KILL);
        up.healthy();
        assert_eq!(agent.sign(intent(9)).status, 200, "after a boot without gateway {place}");
        process::signal(away, Signal::CONT);
        assert_eq!(up.pid(Role::Gateway(place)), away, "a process that hangs is not restarted");
    }
}

#[test]
fn two_gateways_away_is_said_in_time_and_passes() {
    let folder = Folder::new();
    let up = folder.up();
    let agent = up.api().agent("two away");
    let caller = agent.log_in();
    let sign = |nonce| caller.call("POST", &agent.path("transactions/sign"), Some(intent(nonce)));
    assert_eq!(sign(0).status, 200);
    let away = [1, 2].map(|place| up.pid(Role::Gateway(place)));
    for pid in away {
        process::signal(pid, Signal::STOP);
    }
    for nonce in 1..3 {
        let asked = Instant::now();
        let answer = sign(nonce);
        assert!(asked.elapsed() < TOLD, "{:?}", asked.elapsed());
        assert_eq!(answer.problem()["status"], 503);
    }
    wait::until("the health says so", AGAIN, || {
        (up.api().call("GET", "/v1/health", None).status == 503).then_some(())
    });
    for pid in away {
        process::signal(pid, Signal::CONT);
    }
    up.healthy();
    assert_eq!(sign(3).status, 200);
    assert!(up.api().audit_events() >= 4, "an agent, a key and two signatures at least");
}

#[test]
fn boot_waits_for_two_gateways_and_says_which_are_missing() {
    let folder = Folder::new();
    let up = folder.up();
    let agent = up.api().agent("patient");
    up.stop();
    std::fs::remove_file(folder.state().join("pids.json")).unwrap();
    let said_before = folder.said().len();

    let starting = folder.begin();
    let away = [1, 2].map(|place| {
        let pid =
            wait::until("the gateway is started", AGAIN, || Role::Gateway(place).pid(&starting.pids()?));
        process::signal(pid, Signal::STOP);
        pid
    });
    let line = wait::until("it is said which gateways are missing", AGAIN, || {
        let said = folder.said().split_off(said_before);
        let line = said
            .lines()
            .find(|line| line.contains("enclave:") && line.contains("aws") && line.contains("azure"));
        line.map(str::to_owned)
    });
    assert!(!line.contains("gcp"), "{line}");
    assert!(starting.is_waiting());
    process::signal(away[0], Signal::CONT);
    let up = starting.ready().unwrap();
    assert_eq!(agent.sign(intent(0)).status, 200, "with the third one still away");
    process::signal(away[1], Signal::CONT);
    up.stop();
}

/// The long form of the above: `SOAK_KILLS` kills (a thousand by default) of roles drawn from `SOAK_SEED`, under load.
#[test]
#[ignore = "runs for hours: cargo xtask soak"]
fn a_thousand_kills_lose_nothing_acknowledged() {
    let number = |name: &str, default: u64| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    let (kills, mut seed) = (number("SOAK_KILLS", 1000), number("SOAK_SEED", 1));
    println!("{kills} kills, seed {seed}");
    let folder = Folder::new();
    let up = folder.up();
    let agent = up.api().agent("soaked");
    let (nonces, mut acknowledged) = (AtomicU64::new(1), BTreeSet::new());
    for _ in 0..kills {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let drawn = usize::try_from(seed >> 33).unwrap() % Role::ALL.len();
        acknowledged.extend(kill_under_load(&up, &agent, &nonces, Role::ALL[drawn]));
    }
    let told = up.api().expect(200, "GET", &agent.path("transactions"), None);
    let listed = told["transactions"].as_array().unwrap().iter();
    let kept: BTreeSet<String> = listed.map(|one| one["tx_hash"].as_str().unwrap().to_owned()).collect();
    let lost: Vec<&String> = acknowledged.difference(&kept).collect();
    assert!(lost.is_empty(), "{} of {} lost: {lost:?}", lost.len(), acknowledged.len());
    let verified = up.api().expect(200, "GET", "/v1/audit/verify?limit=10000", None);
    assert_eq!(verified["chain_valid"], json!(true), "{verified}");
    println!("{} acknowledged, none lost", acknowledged.len());
}
