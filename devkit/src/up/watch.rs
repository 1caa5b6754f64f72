//! Watches what processes say while they come up, and judges when one will not.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::process::ExitStatus;

use serde_json::Value;
use tokio::sync::mpsc;

use crate::directory::Layout;
use crate::error::DevError;
use crate::role::Role;
use crate::supervisor::Event;

/// How often a role may end without having been ready before it is given up.
const ATTEMPTS: u32 = 5;
/// How many gateways may fail: any two of the three suffice.
const SPARE_GATEWAYS: usize = 1;
/// How much of a log an error carries, in lines.
const LOG_LINES: usize = 4;

/// What is known of the processes that come up.
#[derive(Debug)]
pub(super) struct Watch<'a> {
    events: &'a mut mpsc::Receiver<(Role, Event)>,
    layout: &'a Layout,
    ready: HashMap<Role, Value>,
    failures: HashMap<Role, u32>,
    given_up: HashSet<Role>,
    waiting: bool,
}

impl<'a> Watch<'a> {
    pub(super) fn new(events: &'a mut mpsc::Receiver<(Role, Event)>, layout: &'a Layout) -> Self {
        let (ready, failures, given_up) = Default::default();
        Self { events, layout, ready, failures, given_up, waiting: false }
    }

    /// Waits until a role has said that it is ready, and returns what it said.
    pub(super) async fn until_ready(&mut self, role: Role) -> Result<Value, DevError> {
        loop {
            if let Some(said) = self.ready.get(&role) {
                return Ok(said.clone());
            }
            self.next().await?;
        }
    }

    /// Waits until every role of a list is ready or given up.
    pub(super) async fn until_settled(&mut self, roles: &[Role]) -> Result<(), DevError> {
        while !roles.iter().all(|role| self.ready.contains_key(role) || self.given_up.contains(role)) {
            self.next().await?;
        }
        Ok(())
    }

    /// Whether the enclave says that it waits for gateways.
    pub(super) fn enclave_waits(&self) -> bool {
        self.waiting
    }

    /// Takes the next event in. Safe to cancel.
    pub(super) async fn next(&mut self) -> Result<(), DevError> {
        match self.events.recv().await {
            Some((role, event)) => self.take(role, event),
            None => std::future::pending().await,
        }
    }

    fn take(&mut self, role: Role, event: Event) -> Result<(), DevError> {
        narrate(role, &event);
        match event {
            Event::Started(_) => Ok(()),
            Event::Said(said) => self.said(role, said),
            Event::Ended(status) => {
                self.ready.remove(&role);
                self.ended(role, status)
            }
        }
    }

    fn said(&mut self, role: Role, said: Value) -> Result<(), DevError> {
        let text = |member: &str| said[member].as_str().unwrap_or("unknown").to_owned();
        match said["event"].as_str() {
            Some("ready") => {
                self.failures.remove(&role);
                self.given_up.remove(&role);
                self.waiting &= role != Role::Enclave;
                self.ready.insert(role, said);
            }
            Some("waiting") => self.waiting = true,
            Some("progress") if role == Role::Enclave => self.waiting = false,
            Some("refused") if role == Role::Enclave => {
                return Err(DevError::Refused { kind: text("kind"), detail: text("detail") });
            }
            _ => {}
        }
        Ok(())
    }

    fn ended(&mut self, role: Role, status: Option<ExitStatus>) -> Result<(), DevError> {
        let failures = self.failures.entry(role).or_default();
        *failures += 1;
        let attempts = *failures;
        if attempts < ATTEMPTS {
            return Ok(());
        }
        self.given_up.insert(role);
        let gateways = self.given_up.iter().filter(|role| matches!(role, Role::Gateway(_))).count();
        if matches!(role, Role::Gateway(_)) && gateways <= SPARE_GATEWAYS {
            return Ok(());
        }
        let ended = status.map_or("it could not be started".to_owned(), |status| status.to_string());
        let detail = format!("{attempts} attempts, the last one: {ended}{}", self.end_of_log(role));
        Err(DevError::Role { role, detail })
    }

    /// What the role wrote last.
    fn end_of_log(&self, role: Role) -> String {
        let text = fs::read(self.layout.log(role)).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().rev().take(LOG_LINES).collect();
        lines.into_iter().rev().map(|line| format!("; {}", line.trim())).collect()
    }
}

/// Tells on stderr what a person who waits wants to know.
pub(super) fn narrate(role: Role, event: &Event) {
    match event {
        Event::Started(pid) => tracing::debug!(%role, pid, "started"),
        Event::Said(said) => match said["text"].as_str() {
            Some(text) => eprintln!("  {role}: {text}"),
            None if said["event"] == "ready" => eprintln!("  {role}: ready"),
            None if said["event"] == "refused" => {
                let text = |member: &str| said[member].as_str().unwrap_or_default();
                eprintln!("  {role}: refused ({}): {}", text("kind"), text("detail"));
            }
            None => {}
        },
        Event::Ended(Some(status)) => eprintln!("  {role}: ended with {status}; starting it again"),
        Event::Ended(None) => eprintln!("  {role}: could not be started; trying again"),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    use serde_json::json;

    use super::*;
    use crate::directory::Directory;
    use crate::directory::testing::Scratch;

    fn judge(events: Vec<(Role, Event)>) -> Vec<Result<(), DevError>> {
        let scratch = Scratch::new();
        let directory = Directory::open(scratch.path()).unwrap();
        fs::write(directory.layout().log(Role::Host), "one\nthe database is damaged\n").unwrap();
        let (_sender, mut receiver) = mpsc::channel(1);
        let mut watch = Watch::new(&mut receiver, directory.layout());
        events.into_iter().map(|(role, event)| watch.take(role, event)).collect()
    }

    fn ended(role: Role) -> (Role, Event) {
        (role, Event::Ended(Some(ExitStatus::from_raw(256))))
    }

    #[test]
    fn a_refusal_ends_it_in_the_enclaves_words() {
        let refused = json!({"event": "refused", "kind": "rollback", "detail": "older than witnessed"});
        let judged = judge(vec![(Role::Enclave, Event::Said(refused))]);
        match &judged[..] {
            [Err(DevError::Refused { kind, detail })] => {
                assert_eq!((kind.as_str(), detail.as_str()), ("rollback", "older than witnessed"));
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_role_that_keeps_ending_is_named_with_its_log() {
        let judged = judge((0..ATTEMPTS).map(|_| ended(Role::Host)).collect());
        assert!(judged.iter().take(4).all(Result::is_ok));
        let error = judged.last().unwrap().as_ref().unwrap_err();
        assert_eq!(error.kind(), "host");
        assert!(error.to_string().contains("the database is damaged"), "{error}");
    }

    #[test]
    fn one_gateway_may_fail_and_two_may_not() {
        let judged = judge([0, 2].iter().flat_map(|i| vec![Role::Gateway(*i); 5]).map(ended).collect());
        assert!(judged.iter().take(9).all(Result::is_ok));
        assert_eq!(judged.last().unwrap().as_ref().unwrap_err().kind(), "gateway");
    }

    #[test]
    fn a_kill_after_ready_is_not_held_against_a_role() {
        let ready = |role| (role, Event::Said(json!({"event": "ready"})));
        let events = (0..20).flat_map(|_| [ready(Role::Host), ended(Role::Host)]).collect();
        assert!(judge(events).iter().all(Result::is_ok));
    }
}
