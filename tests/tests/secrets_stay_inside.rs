//! A known key goes in, signs, and is found nowhere outside the enclave. Each search first finds something that must
//! be found in the same place, so that a search that sees nothing is not taken for a secret that is kept.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use shroud_tests::api::intent;
use shroud_tests::database::Database;
use shroud_tests::process::{self, Signal};
use shroud_tests::role::Role;
use shroud_tests::search::{Needle, files};
use shroud_tests::transaction::decode;
use shroud_tests::up::{Folder, Up};
use shroud_tests::wait;

/// A private key that exists for this test alone.
const KEY: [u8; 32] = [
    0x6b, 0x1d, 0x93, 0xe4, 0x0a, 0x57, 0xc8, 0x22, 0xf1, 0x3c, 0x86, 0xbd, 0x49, 0x70, 0x15, 0xae, 0xd2,
    0x5f, 0x08, 0x9b, 0x34, 0xe7, 0x61, 0xca, 0x1e, 0xb5, 0x42, 0x7d, 0x90, 0x2f, 0xa8, 0x53,
];

#[test]
fn a_known_key_is_found_nowhere_outside() {
    let folder = Folder::new();
    let up = folder.up();
    let agent = up.api().keyless_agent("known-key-agent");
    let imported = up.api().import_key(&agent, up.text("auth_confirm"), &hex::encode(KEY));
    assert_eq!(imported.status, 201, "{imported:?}");
    assert_eq!(Needle::secret(&KEY).within(&imported.body), None, "the answer echoes the key");
    // The sidecar, on the customer's own machine, has carried the import. From here on it must not see the key again.
    up.kill(Role::Connect);
    up.healthy();
    let decoded = decode(&agent.signs(intent(0)));
    assert_eq!(decoded.signer, imported.json()["address"].as_str().unwrap().to_lowercase());

    let key = Needle::secret(&KEY);
    not_in_files(&key, &folder);
    not_in_memory(&key, &up, &folder);
    let stored = row_key(&up);
    match core_of_the_host(&up, folder.path()) {
        Some(core) => {
            assert_eq!(stored.in_file(&core), Some("text"), "the marker in {}", core.display());
            assert_eq!(key.in_file(&core), None, "in {}", core.display());
        }
        None => {
            println!("no core dump: /proc/sys/kernel/core_pattern sends it elsewhere; memory was searched")
        }
    }
}

/// The key of a row that the host has just written: it must be in the host's memory.
fn row_key(up: &Up) -> Needle {
    let rows = Database::open(up.text("database")).rows("transactions");
    Needle::text(&rows.last().unwrap().key)
}

fn not_in_files(key: &Needle, folder: &Folder) {
    let state = folder.state();
    let planted =
        [state.join("logs/planted.log"), state.join("host/planted.db"), state.join("gateways/planted")];
    let forms = [KEY.to_vec(), hex::encode(KEY).into_bytes(), hex::encode_upper(KEY).into_bytes()];
    for (path, form) in planted.iter().zip(forms) {
        std::fs::write(path, [b"before ", form.as_slice(), b" after"].concat()).unwrap();
    }
    let found: Vec<PathBuf> = key.in_folder(&state).into_iter().map(|(path, _)| path).collect();
    for path in &planted {
        assert!(found.contains(path), "the search does not see {}", path.display());
        std::fs::remove_file(path).unwrap();
    }
    assert!(
        files(&state).iter().any(|file| file.extension().is_some_and(|name| name == "db")),
        "no database"
    );
    assert_eq!(key.in_folder(&state), [], "in the state folder");
    assert_eq!(key.in_file(&folder.log()), None, "in what up said");
}

fn not_in_memory(key: &Needle, up: &Up, folder: &Folder) {
    let configuration = std::fs::read_to_string(folder.state().join("configuration.json")).unwrap();
    let configuration: serde_json::Value = serde_json::from_str(&configuration).unwrap();
    let origin = Needle::text(configuration["origin"].as_str().unwrap());
    let measurement = Needle::text(up.text("reference"));
    let mut places = vec![(Role::Host, row_key(up)), (Role::Connect, measurement)];
    places.extend((0..3).map(|place| (Role::Gateway(place), origin.clone())));
    for (role, marker) in places {
        let pid = up.pid(role);
        assert!(marker.in_memory(pid).is_some(), "the search does not see the memory of {role:?}");
        assert_eq!(key.in_memory(pid), None, "in the memory of {role:?}");
    }
}

/// Makes the host dump its core where it works. The supervisor starts another one.
fn core_of_the_host(up: &Up, folder: &Path) -> Option<PathBuf> {
    let pattern = std::fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap();
    if pattern.starts_with(['|', '/']) {
        return None;
    }
    let pid = up.pid(Role::Host);
    prlimit(
        Pid::from_raw(i32::try_from(pid).unwrap()),
        Resource::Core,
        Rlimit { current: None, maximum: None },
    )
    .unwrap();
    process::signal(pid, Signal::ABORT);
    Some(wait::until("the host dumps its core", Duration::from_secs(60), || {
        // The process is gone only when its core is written.
        if process::is_running(pid) { None } else { core_in(folder) }
    }))
}

fn core_in(folder: &Path) -> Option<PathBuf> {
    let paths = std::fs::read_dir(folder).unwrap().filter_map(Result::ok).map(|entry| entry.path());
    let mut cores =
        paths.filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("core")));
    cores.next()
}
