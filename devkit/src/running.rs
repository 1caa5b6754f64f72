//! The one line of JSON that `up --json` prints when everything is ready, and what `ps` reads. Both are a contract.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::directory::{is_owned, pids_file, read_json};
use crate::error::DevError;

/// A set-up that is ready. No Debug: it carries the admin's key, which development hands out.
#[derive(Serialize, Deserialize)]
pub struct Running {
    /// Plain HTTP on loopback, served by the verifying sidecar.
    pub base_url: String,
    /// Attested TLS, through the untrusted host.
    pub enclave_url: String,
    /// The admin's API key.
    pub admin_api_key: String,
    /// What a person sends as `X-Auth-Confirm`.
    pub auth_confirm: String,
    /// The one organisation.
    pub org_id: Uuid,
    /// The launch digest of the enclave, 96 hex digits.
    pub measurement: String,
    /// SHA-256 of the measured configuration, 64 hex digits.
    pub config_digest: String,
    /// The reference values to verify against.
    pub reference: PathBuf,
    /// The host's database.
    pub database: PathBuf,
    /// Pids by role; `gateways` is the list gcp, aws, azure.
    pub pids: Value,
}

impl Running {
    /// Reads the line from a file, as `demo --up` is given it.
    ///
    /// # Errors
    /// [`DevError::File`] if it is something else or not there, [`DevError::Io`].
    pub fn read(path: &Path) -> Result<Self, DevError> {
        let missing = || DevError::File { path: path.to_owned(), detail: "there is no such file".to_owned() };
        read_json(path)?.ok_or_else(missing)
    }
}

/// The present pids of the set-up in `folder`: by role, and once more under `pids`, where the ready line has them.
///
/// # Errors
/// [`DevError::NotRunning`] if nothing runs there.
pub fn present(folder: &Path) -> Result<Value, DevError> {
    let not_running = || DevError::NotRunning(folder.to_owned());
    if !is_owned(folder)? {
        return Err(not_running());
    }
    let mut pids: Value = read_json(&pids_file(folder))?.ok_or_else(not_running)?;
    let again = pids.clone();
    if let Some(object) = pids.as_object_mut() {
        object.insert("pids".to_owned(), again);
    }
    Ok(pids)
}

/// The pids as aligned lines for a person.
#[must_use]
pub fn table(pids: &Value) -> String {
    let row = |role: &str, pid: &Value| {
        format!("{role:<14}{}\n", pid.as_u64().map_or("-".to_owned(), |p| p.to_string()))
    };
    let single = ["enclave", "host", "connect", "processor"].map(|role| row(role, &json!(pids[role])));
    let gateways = crate::role::GATEWAYS
        .iter()
        .enumerate()
        .map(|(index, name)| row(&format!("gateway {name}"), &json!(pids["gateways"][index])));
    single.into_iter().chain(gateways).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::testing::Scratch;
    use crate::directory::{Directory, write_json};

    #[test]
    fn pids_are_present_only_while_somebody_runs_them() {
        let scratch = Scratch::new();
        let pids = json!({"enclave": 7, "gateways": [1, null, 3]});
        write_json(&pids_file(scratch.path()), &pids).unwrap();
        assert_eq!(present(scratch.path()).unwrap_err().kind(), "not_running");
        let _running = Directory::open(scratch.path()).unwrap();
        let found = present(scratch.path()).unwrap();
        assert_eq!((&found["enclave"], &found["pids"]), (&json!(7), &pids));
        assert!(table(&found).contains("gateway azure 3\n"));
    }
}
