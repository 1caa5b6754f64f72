//! `shroud measure snp`, `firmware` and `id-block`.

use std::fs;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use shroud_measurements::id_block::SignedIdBlock;

use crate::workshop::{Workshop, printed, shroud, vectors};

/// Every case of the project's own vectors, through the command line.
#[test]
fn command_line_measures_the_own_vectors() {
    let file: Value = serde_json::from_slice(&fs::read(vectors().join("cases.json")).unwrap()).unwrap();
    for case in file["cases"].as_array().unwrap() {
        let path = |name: &str| vectors().join(case[name].as_str().unwrap()).to_str().unwrap().to_owned();
        let features = format!("{:#x}", case["guest_features"].as_u64().unwrap());
        let mut arguments = vec!["measure".to_owned(), "snp".to_owned(), "--ovmf".to_owned(), path("ovmf")];
        let mut option = |name: &str, value: &str| arguments.extend([name.to_owned(), value.to_owned()]);
        option("--vcpus", &case["vcpus"].to_string());
        option("--vmm-type", case["vmm_type"].as_str().unwrap());
        option("--guest-features", &features);
        for (name, member) in
            [("--vcpu-type", "vcpu_type"), ("--ovmf-hash", "ovmf_hash"), ("--append", "append")]
        {
            case[member].as_str().into_iter().for_each(|value| option(name, value));
        }
        if case["kernel"].is_string() {
            option("--kernel", &path("kernel"));
            option("--initrd", &path("initrd"));
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let expected = case["expected_launch_digest"].as_str().unwrap();
        assert_eq!(printed(&shroud(&arguments)).trim(), expected, "{}", case["id"]);
    }
}

#[test]
fn json_tells_what_was_measured() {
    let workshop = Workshop::new("json");
    let ovmf = workshop.path("firmware.fd");
    let gce = ["measure", "snp", "--ovmf", &ovmf, "--vcpus", "2", "--vmm-type", "gce"];
    let shown: Value = serde_json::from_str(&printed(&shroud(&[&gce[..], &["--json"]].concat()))).unwrap();
    assert_eq!(shown["measurement"], printed(&shroud(&gce)).trim());
    assert_eq!(shown["firmware_digest"], printed(&shroud(&["measure", "firmware", "--ovmf", &ovmf])).trim());
    assert_eq!(
        (&shown["vcpus"], &shown["vmm"], &shown["vcpu_signature"]),
        (&2.into(), &"gce".into(), &Value::Null)
    );
}

#[test]
fn exit_status_tells_what_cannot_be_measured_from_usage() {
    let workshop = Workshop::new("status");
    let (ovmf, kernel) = (workshop.path("firmware.fd"), workshop.path("kernel"));
    let base = ["measure", "snp", "--ovmf", &ovmf, "--vcpus", "1"];
    let status = |more: &[&str]| shroud(&[&base[..], more].concat()).status.code();
    assert_eq!(status(&["--vcpu-sig", "0x800f12"]), Some(0));
    for usage in [
        &[][..],
        &["--vcpu-type", "EPYC-Naples"],
        &["--vcpu-type", "EPYC", "--vcpu-sig", "1"],
        &["--vcpu-type", "EPYC", "--guest-features", "x"],
        &["--vcpu-type", "EPYC", "--ovmf-hash", "00"],
        &["--vcpu-type", "EPYC", "--initrd", &kernel],
        &["--vcpu-type", "EPYC", "--kernel", "/nowhere"],
    ] {
        assert_eq!(status(usage), Some(2), "{usage:?}");
    }
    let no_firmware = ["measure", "snp", "--ovmf", &kernel, "--vcpus", "1", "--vcpu-type", "EPYC"];
    assert_eq!(shroud(&no_firmware).status.code(), Some(1));
    let no_vcpus = ["measure", "snp", "--ovmf", &ovmf, "--vcpus", "0", "--vcpu-type", "EPYC"];
    assert_eq!(shroud(&no_vcpus).status.code(), Some(1));
}

#[test]
fn id_block_verifies_as_the_firmware_would() {
    let workshop = Workshop::new("id-block");
    let (measurement, id, author) = ("5a".repeat(48), workshop.path("id.pem"), workshop.path("author.pem"));
    let arguments = [
        &["measure", "id-block", "--measurement", &measurement, "--policy", "0xc30137", "--id-key", &id][..],
        &["--author-key", &author, "--guest-svn", "9", "--json"],
    ];
    let shown: Value = serde_json::from_str(&printed(&shroud(&arguments.concat()))).unwrap();
    let bytes = |name: &str| BASE64_STANDARD.decode(shown[name].as_str().unwrap()).unwrap();
    let signed = SignedIdBlock::parse(&bytes("id_block"), &bytes("id_auth")).unwrap();
    assert_eq!(signed.block().measurement.to_string(), measurement);
    assert_eq!((signed.block().policy, signed.block().guest_svn), (0xc3_0137, 9));
    assert_eq!(shown["id_key_digest"], signed.id_key_digest().to_string());
    assert_eq!(shown["author_key_digest"], signed.author_key_digest().to_string());
}
