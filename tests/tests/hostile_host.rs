//! The host is the adversary. It changes what it stores, and the enclave names what was done and signs nothing.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

use std::path::{Path, PathBuf};

use serde_json::json;
use shroud_tests::api::{Agent, intent};
use shroud_tests::database::Database;
use shroud_tests::http::Answer;
use shroud_tests::search::files;
use shroud_tests::up::{Folder, Refusal, Up};

/// A set-up that has signed once and is stopped, so that its database is the host's to change.
struct Scene {
    folder: Folder,
    agent: Agent,
    database: PathBuf,
}

impl Scene {
    fn set() -> Self {
        Self::set_with(|_, _| ())
    }

    /// `act` is what happens before everything is stopped.
    fn set_with(act: impl FnOnce(&Up, &Agent)) -> Self {
        let folder = Folder::new();
        let up = folder.up();
        let agent = up.api().agent("attacked");
        let _ = up.api().agent("bystander");
        let _ = agent.signs(intent(0));
        act(&up, &agent);
        let database = up.text("database").into();
        up.stop();
        Self { folder, agent, database }
    }

    fn database(&self) -> Database {
        Database::open(&self.database)
    }

    /// Starts on what the host has made of the database, and holds that `call` is refused by name and nothing signed.
    fn refuses(&self, name: &str, call: impl FnOnce(&Up) -> Answer) {
        let signed = self.database().rows("transactions");
        match self.folder.try_up() {
            Err(refusal) => assert_eq!(refusal.kind, name, "{refusal:?}"),
            Ok(up) => {
                refused_by_name(name, &call(&up));
                up.stop();
            }
        }
        assert_eq!(self.database().rows("transactions"), signed, "{name}: something was signed");
    }

    /// What the host restores is believed again.
    fn signs_again(&self) {
        let up = self.folder.up();
        let _ = self.agent.signs(intent(1));
        up.stop();
    }

    /// Starts and must be refused at once.
    fn is_refused(&self) -> Refusal {
        self.folder.try_up().map(Up::stop).expect_err("it came up")
    }
}

fn refused_by_name(name: &str, answer: &Answer) {
    assert!([500, 503].contains(&answer.status), "{name}: {answer:?}");
    let problem = answer.problem();
    assert_eq!(problem["kind"], name, "{problem}");
    assert!(problem.get("signed_tx").is_none());
}

/// The agent logs in and asks for a signature; gives the answer at which that ended.
fn attempt(agent: &Agent) -> Answer {
    let exchanged = agent.exchange();
    if exchanged.status == 200 { agent.sign(intent(1)) } else { exchanged }
}

/// One bit in each row of a table, one table at a time: at the front, in the middle, at the end.
#[test]
fn row_altered_by_a_flipped_body() {
    let scene = Scene::set();
    for (place, table) in ["agents", "credentials", "signing_keys", "secrets"].into_iter().enumerate() {
        let rows = scene.database().rows(table);
        for row in &rows {
            let mut body = row.body.clone();
            let at = [0, body.len() / 2, body.len() - 1][place % 3];
            body[at] ^= 0x10;
            scene.database().set_body(table, row, &body);
        }
        scene.refuses("row_altered", |_| attempt(&scene.agent));
        for row in &rows {
            scene.database().set_body(table, row, &row.body);
        }
    }
    scene.signs_again();
}

#[test]
fn row_altered_by_swapped_rows() {
    let scene = Scene::set();
    let rows = scene.database().rows("agents");
    scene.database().swap_bodies("agents", &rows[0], &rows[1]);
    scene.refuses("row_altered", |_| attempt(&scene.agent));
    scene.database().put_all("agents", &rows);
    scene.signs_again();
}

#[test]
fn row_altered_by_swapped_shares() {
    let scene = Scene::set();
    let shares = scene.database().rows("secret_dek_shares");
    assert_eq!(shares.len(), 6, "three shares of two keys");
    for pair in shares.chunks(2) {
        scene.database().swap_bodies("secret_dek_shares", &pair[0], &pair[1]);
    }
    scene.refuses("row_altered", |_| attempt(&scene.agent));
    scene.database().put_all("secret_dek_shares", &shares);
    scene.signs_again();
}

#[test]
fn row_withheld_by_a_changed_key() {
    let scene = Scene::set();
    for row in scene.database().rows("signing_keys") {
        scene.database().rename("signing_keys", &row, &format!("{}0", row.key));
    }
    scene.refuses("row_withheld", |_| attempt(&scene.agent));
}

#[test]
fn row_withheld_from_its_reader() {
    let scene = Scene::set();
    let rows = scene.database().rows("agents");
    for row in &rows {
        scene.database().delete("agents", row);
    }
    scene.refuses("row_withheld", |_| attempt(&scene.agent));
    scene.database().put_all("agents", &rows);
    scene.signs_again();
}

#[test]
fn row_withheld_from_a_list() {
    let scene = Scene::set();
    let rows = scene.database().rows("agents");
    scene.database().delete("agents", &rows[1]);
    scene.refuses("row_withheld", |up| up.api().call("GET", "/v1/agents", None));
    scene.database().put_all("agents", &rows);
    let up = scene.folder.up();
    let listed = up.api().expect(200, "GET", "/v1/agents", None);
    assert_eq!(listed["agents"].as_array().unwrap().len(), 2);
    up.stop();
}

#[test]
fn row_resurrected_after_its_deletion() {
    let mut kept = Vec::new();
    let tables = ["agents", "credentials", "signing_keys"];
    let scene = Scene::set_with(|up, agent| {
        let database = Database::open(up.text("database"));
        kept.extend(tables.map(|table| (table, database.rows(table))));
        let gone = up.api().call("DELETE", &format!("/v1/agents/{}", agent.id), None);
        assert_eq!(gone.status, 204, "{gone:?}");
    });
    let mut deleted = 0;
    for (table, before) in kept {
        for row in before {
            if scene.database().rows(table).iter().all(|present| present.key != row.key) {
                scene.database().put(table, &row);
                deleted += 1;
            }
        }
    }
    assert!(deleted > 0, "the deletion of an agent removes no row");
    scene.refuses("row_resurrected", |_| attempt(&scene.agent));
}

#[test]
fn row_stale_by_an_older_version() {
    let mut older = Vec::new();
    let scene = Scene::set_with(|up, agent| {
        older = Database::open(up.text("database")).rows("agents");
        let path = format!("/v1/agents/{}", agent.id);
        up.api().expect(200, "PATCH", &path, Some(json!({"tx_max_value": "0.001"})));
    });
    scene.database().put_all("agents", &older);
    scene.refuses("row_stale", |_| attempt(&scene.agent));
}

#[test]
fn rollback_to_an_older_database() {
    let scene = Scene::set();
    let older = std::fs::read(&scene.database).unwrap();
    scene.signs_again();
    std::fs::write(&scene.database, older).unwrap();
    assert_eq!(scene.is_refused().kind, "rollback");
}

#[test]
fn entry_altered_in_the_journal() {
    let scene = Scene::set();
    scene.database().alter_entry(1);
    assert_eq!(scene.is_refused().kind, "entry_altered");
}

/// The row of another deployment: its shares are wrapped for another origin, and no gateway unwraps them here.
#[test]
fn state_key_substituted_by_another_deployments() {
    let scene = Scene::set();
    let other = Folder::new();
    let up = other.up();
    let theirs = Database::open(up.text("database")).state_key();
    up.stop();
    scene.database().put("deployment", &theirs);
    assert_eq!(scene.is_refused().kind, "state_key_substituted");
}

/// A state key of the host's own, wrapped by the right clouds under the right names. The gateways remember another one.
#[test]
fn state_key_substituted_by_one_of_the_hosts_own() {
    let scene = Scene::set();
    let (gateways, aside) = (scene.folder.state().join("gateways"), scene.folder.state().join("aside"));
    let genuine = scene.database().state_key();
    let truth = std::fs::read(&scene.database).unwrap();
    copy_folder(&gateways, &aside);
    // The sidecar remembers the genuine journal, and would say so; it is not what this is about.
    let (connect, set_aside) =
        (scene.folder.state().join("connect"), scene.folder.state().join("connect-aside"));
    std::fs::rename(&connect, &set_aside).unwrap();
    for name in ["gcp", "aws", "azure"] {
        for memory in ["origins", "witness"] {
            std::fs::remove_dir_all(gateways.join(name).join("state").join(memory)).unwrap();
        }
    }
    std::fs::remove_file(&scene.database).unwrap();
    scene.folder.up().stop();
    let planted = scene.database().state_key();
    assert_ne!(planted.body, genuine.body);

    std::fs::remove_dir_all(&gateways).unwrap();
    std::fs::rename(&aside, &gateways).unwrap();
    std::fs::remove_dir_all(&connect).unwrap();
    std::fs::rename(&set_aside, &connect).unwrap();
    std::fs::write(&scene.database, truth).unwrap();
    scene.database().put("deployment", &planted);
    let refusal = scene.is_refused();
    assert_eq!(refusal.kind, "state_key_substituted", "{refusal:?}");
    scene.database().put("deployment", &genuine);
    scene.signs_again();
}

fn copy_folder(from: &Path, to: &Path) {
    for file in files(from) {
        let target = to.join(file.strip_prefix(from).unwrap());
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::copy(&file, &target).unwrap();
    }
}
