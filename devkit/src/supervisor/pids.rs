//! The present pids by role, kept in a file that `shroud-dev ps` reads. A process that is down has `null`.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

use crate::directory::write_json;
use crate::role::{GATEWAYS, Role};

/// The pids of one set-up; clones share them.
#[derive(Clone, Debug)]
pub struct Pids {
    file: PathBuf,
    present: Arc<Mutex<HashMap<Role, u32>>>,
}

impl Pids {
    /// Begins with nothing running, which the file says at once: an earlier run's pids belong to others by now.
    pub(super) fn new(file: PathBuf) -> Self {
        let pids = Self { file, present: Arc::default() };
        pids.write(&HashMap::new());
        pids
    }

    pub(super) fn set(&self, role: Role, pid: Option<u32>) {
        let mut present = self.present.lock().unwrap_or_else(PoisonError::into_inner);
        match pid {
            Some(pid) => present.insert(role, pid),
            None => present.remove(&role),
        };
        self.write(&present);
    }

    fn write(&self, present: &HashMap<Role, u32>) {
        if let Err(error) = write_json(&self.file, &object(present)) {
            tracing::error!(%error, "the present pids cannot be written");
        }
    }

    /// `{"connect","enclave","gateways":[gcp, aws, azure],"host","processor"}`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        object(&self.present.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn object(present: &HashMap<Role, u32>) -> Value {
    let pid = |role: Role| present.get(&role).copied();
    let gateways: Vec<Option<u32>> = (0..GATEWAYS.len()).map(|index| pid(Role::Gateway(index))).collect();
    json!({
        "enclave": pid(Role::Enclave),
        "host": pid(Role::Host),
        "gateways": gateways,
        "connect": pid(Role::Connect),
        "processor": pid(Role::Processor),
    })
}
