//! What the guest tells its operator: one JSON object a line on the console, nothing secret in it.

use std::io::Write as _;
use std::sync::Mutex;
use std::sync::PoisonError;

use serde_json::{Value, json};

/// The console.
#[derive(Debug, Default)]
pub struct Events {
    last: Mutex<String>,
}

impl Events {
    /// Something went a step further.
    pub fn progress(&self, text: &str) {
        self.tell(json!({ "event": "progress", "text": text }));
    }

    /// Something is out of reach and is waited for. The same again is not repeated.
    pub fn waiting(&self, missing: &[&str], why: &str) {
        let text = format!("waiting for {}", missing.join(" and "));
        {
            let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
            if *last == text {
                return;
            }
            last.clone_from(&text);
        }
        self.tell(json!({ "event": "waiting", "missing": missing, "text": text, "why": why }));
    }

    /// The guest serves.
    pub fn ready(&self, measurement: &[u8], config_digest: &[u8]) {
        self.tell(json!({
            "event": "ready",
            "measurement": hex::encode(measurement),
            "config_digest": hex::encode(config_digest),
        }));
    }

    /// The guest refuses to serve.
    pub fn refused(&self, kind: &str, detail: &str) {
        self.tell(json!({ "event": "refused", "kind": kind, "detail": detail }));
    }

    fn tell(&self, event: Value) {
        let mut console = std::io::stdout().lock();
        // A console that is gone changes nothing about what the guest may do.
        let _ = writeln!(console, "{event}");
        let _ = console.flush();
    }
}
