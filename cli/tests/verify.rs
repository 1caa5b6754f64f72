//! `shroud verify report` and `shroud tcb plan` as a customer runs them, on the shared vectors.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fs};

use serde_json::Value;

fn vectors() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors");
    let folder = env::var_os("SHROUD_VECTORS").map_or_else(beside, PathBuf::from).join("snp");
    if !folder.is_dir() {
        eprintln!("LEFT OUT: no shared vectors at {}; set SHROUD_VECTORS", folder.display());
        return None;
    }
    Some(folder)
}

fn shroud(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_shroud")).args(arguments).output().unwrap()
}

/// Runs a case with its VEK, its chain and further arguments.
fn verify(case: &Path, further: &[&str]) -> (Option<i32>, String) {
    let file = |name: &str| case.join(name).to_str().unwrap().to_owned();
    let (report, vek, chain) = (file("report.bin"), file("vek.der"), file("chain.pem"));
    let mut arguments = vec!["verify", "report", "--report", &report, "--vek", &vek, "--chain", &chain];
    arguments.extend(further);
    let output = shroud(&arguments);
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

fn json(case: &Path, further: &[&str]) -> (Option<i32>, Value) {
    let (status, text) = verify(case, &[further, &["--json"]].concat());
    (status, serde_json::from_str(&text).unwrap())
}

#[test]
fn genuine_evidence_is_verified() {
    let Some(vectors) = vectors() else { return };
    let (status, found) = json(&vectors.join("turin-v5-oak"), &[]);
    assert_eq!(status, Some(0));
    assert_eq!(found["verified"], true);
    assert_eq!((&found["processor"], &found["vek"]), (&"turin".into(), &"vcek".into()));
    assert_eq!((&found["report_version"], &found["level"]), (&5.into(), &"sev_snp".into()));
    assert_eq!(found["validity"], "not checked");
    assert_eq!(found["rejections"], Value::Array(vec![]));
    assert_eq!(found["report"]["vmpl"], 0);
}

#[test]
fn refused_evidence_says_why() {
    let Some(vectors) = vectors() else { return };
    let (status, found) = json(&vectors.join("tamper-genoa-v5-wrong-family-chain"), &[]);
    assert_eq!((status, &found["verified"]), (Some(1), &false.into()));
    let rejection = &found["rejections"][0];
    assert_eq!(rejection["check"], "chain");
    for member in ["field", "expected", "found", "remedy"] {
        assert!(rejection[member].as_str().is_some_and(|text| !text.is_empty()), "{member}");
    }
}

#[test]
fn dates_are_judged_at_the_given_time() {
    let Some(vectors) = vectors() else { return };
    let case = vectors.join("milan-v2-vlek-aws-vmpl1-trustee");
    let (_, text) = verify(&case, &[]);
    assert!(text.contains("validity      not checked  no time was given: pass --at"), "{text}");
    assert_eq!(json(&case, &["--at", "2024-07-01T00:00:00Z"]).0, Some(0));
    let (status, found) = json(&case, &["--at", "2026-01-01T00:00:00Z"]);
    assert_eq!((status, &found["rejections"][0]["check"]), (Some(1), &"validity".into()));
    assert_eq!(found["validity"], "checked");
}

/// What cannot be read is refused, not a matter of usage; a file that is not there is.
#[test]
fn exit_status_tells_refusal_from_usage() {
    let Some(vectors) = vectors() else { return };
    let case = vectors.join("genoa-v5-oak");
    let report = case.join("report.bin");
    let report = report.to_str().unwrap();
    let refused = shroud(&["verify", "report", "--report", report, "--vek", report, "--json"]);
    assert_eq!(refused.status.code(), Some(1));
    let chain = shroud(&["verify", "report", "--report", report, "--chain", report, "--json"]);
    assert_eq!(chain.status.code(), Some(1));
    for wrong in [
        &["verify", "report"][..],
        &["verify", "report", "--report", "/nowhere"],
        &["verify", "report", "--report", report, "--at", "yesterday"],
        &["verify", "report", "--report", report, "--root", report],
        &["verify", "report", "--report", report, "--reference", report],
    ] {
        assert_eq!(shroud(wrong).status.code(), Some(2), "{wrong:?}");
    }
}

/// A root of the caller's own is not AMD's word, and counts for this call alone.
#[test]
fn a_named_root_counts_for_one_call() {
    let Some(vectors) = vectors() else { return };
    let case = vectors.join("synth-a-genoa-v3-baseline");
    assert_eq!(json(&case, &[]).0, Some(1));
    let chain = fs::read_to_string(case.join("chain.pem")).unwrap();
    let root = env::temp_dir().join(format!("shroud-verify-root-{}.pem", std::process::id()));
    fs::write(&root, &chain[chain.rfind("-----BEGIN").unwrap()..]).unwrap();
    let (status, found) = json(&case, &["--root", root.to_str().unwrap()]);
    fs::remove_file(&root).unwrap();
    assert_eq!((status, &found["level"]), (Some(0), &"dev".into()));
}

#[test]
fn tcb_plan_shows_whom_a_bound_would_refuse() {
    let Some(vectors) = vectors() else { return };
    let folder = env::temp_dir().join(format!("shroud-tcb-plan-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let base = "require_aes_256_xts = []\nrequire_rapl_off = []\n";
    let (old, new) = (folder.join("old.toml"), folder.join("new.toml"));
    fs::write(&old, base).unwrap();
    fs::write(&new, format!("{base}[minimum_tcb.genoa]\nreported = {{ snp = 25 }}\n")).unwrap();
    let [above, below] =
        ["genoa-v5-oak", "genoa-v3-azure-scitt"].map(|case| vectors.join(case).join("report.bin"));
    let plan = |report: &Path| {
        let files = [&old, &new, report].map(|path| path.to_str().unwrap());
        let [old, new, report] = files;
        shroud(&["tcb", "plan", old, new, "--report", report])
    };
    assert_eq!(plan(&above).status.code(), Some(0));
    let refused = plan(&below);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8(refused.stdout).unwrap().contains("tcb (REPORTED_TCB): expected at least"));
    assert_eq!(plan(Path::new("/nowhere")).status.code(), Some(2));
    fs::remove_dir_all(folder).unwrap();
}
