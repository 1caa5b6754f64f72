//! `shroud measure release`.

use std::fs;

use crate::workshop::{Workshop, printed};

#[test]
fn release_is_made_signed_and_checked() {
    let workshop = Workshop::released("release");
    let table = printed(&workshop.check(&[]));
    for (vcpus, vcpu_type) in
        [("1", "EPYC-Genoa"), ("2", "EPYC-Genoa"), ("1", "EPYC-Turin"), ("2", "EPYC-Turin")]
    {
        let measurement = workshop.measurement(vcpus, vcpu_type);
        assert!(table.contains(&measurement), "{table}");
        let launch = printed(&workshop.check(&["--vcpus", vcpus, "--vcpu-type", vcpu_type]));
        assert!(launch.contains(&format!("\nmeasurement={measurement}\n")), "{launch}");
    }
}

#[test]
fn signing_twice_leaves_one_signature() {
    let workshop = Workshop::released("twice");
    assert_eq!(printed(&workshop.sign("release")), fs::read_to_string(workshop.path("release")).unwrap());
}

#[test]
fn changed_file_or_manifest_is_refused() {
    let workshop = Workshop::released("changed");
    let refused = |what: &str| {
        let output = workshop.check(&[]);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.contains(what), "{error}");
    };
    let release = fs::read_to_string(workshop.path("release")).unwrap();
    workshop.write("release", &release.replacen("1.2.3", "1.2.4", 1));
    refused("does not verify");
    workshop.write("release", &fs::read_to_string(workshop.path("manifest.json")).unwrap());
    refused("not signed as it must be");
    workshop.write("release", &release);
    workshop.write("kernel", "another kernel\n");
    refused("kernel: expected SHA-256");
}

#[test]
fn policy_follows_the_platform_that_is_demanded() {
    let workshop = Workshop::new("platform");
    workshop.write("platform.toml", "require_single_socket = true\n");
    let platform = workshop.path("platform.toml");
    assert!(printed(&workshop.make(&["--platform", &platform])).contains("\"policy\": \"0xd30137\""));
    assert!(printed(&workshop.make(&["--no-smt"])).contains("\"policy\": \"0xc20137\""));
    assert!(printed(&workshop.make(&["--abi", "1.58"])).contains("\"policy\": \"0x1c3013a\""));
}
