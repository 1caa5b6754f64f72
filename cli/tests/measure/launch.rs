//! `scripts/launch-snp.sh` on hosts that have everything, or lack one thing.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::workshop::{SHROUD, Workshop, printed};

const QEMU: &str = "#!/bin/sh\ncase $1 in\n--version) echo 'QEMU emulator version 10.0.2 (Debian)' ;;\n\
    -object) echo '  sev-snp-guest' ;;\n*) printf '%s\\n' \"$@\" ;;\nesac\n";

/// What takes one thing away.
type Spoil = fn(&Workshop);

/// A host that lacks nothing.
fn host(name: &str) -> Workshop {
    let workshop = Workshop::released(name);
    for file in ["dev/sev", "dev/kvm", "dev/vhost-vsock"] {
        workshop.write(&format!("host/{file}"), "");
    }
    workshop.write("host/proc/cpuinfo", "flags : sme sev sev_es sev_snp\n");
    workshop.write("host/proc/meminfo", "MemAvailable:    8388608 kB\n");
    workshop.write("host/sys/module/kvm_amd/parameters/sev_snp", "Y\n");
    workshop.write("host/kernel-log", "ccp 0000:22:00.1: SEV API:1.58 build:2\n");
    qemu(&workshop, QEMU);
    workshop
}

fn qemu(workshop: &Workshop, text: &str) {
    workshop.write("qemu", text);
    fs::set_permissions(workshop.path("qemu"), fs::Permissions::from_mode(0o755)).unwrap();
}

fn launch(workshop: &Workshop, more: &[&str]) -> Output {
    let [release, operators, configuration, qemu, host] =
        ["release", "operators.json", "configuration.json", "qemu", "host"].map(|name| workshop.path(name));
    Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/launch-snp.sh"))
        .args(["--release", &release, "--operators", &operators, "--configuration", &configuration])
        .args(["--qemu", &qemu, "--shroud", SHROUD])
        .args(more)
        .env("SHROUD_HOST_ROOT", host)
        .output()
        .unwrap()
}

fn complaints(output: &Output) -> Vec<String> {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    text.lines().filter(|line| line.starts_with("missing: ")).map(str::to_owned).collect()
}

/// What follows an option on QEMU's command line, one argument a line.
fn after<'a>(arguments: &'a str, option: &str) -> Vec<&'a str> {
    let lines: Vec<&str> = arguments.lines().collect();
    lines.windows(2).filter(|pair| pair[0] == option).map(|pair| pair[1]).collect()
}

#[test]
fn dry_run_prints_the_command_and_the_measurement_to_expect() {
    let workshop = host("dry-run");
    let output = launch(&workshop, &["--dry-run", "--vcpus", "2", "--vcpu-type", "EPYC-Turin"]);
    assert_eq!(complaints(&output), Vec::<String>::new());
    let plan = printed(&output);
    let expect = |text: &str| assert!(plan.contains(text), "{text} is not in:\n{plan}");
    expect("-object sev-snp-guest,id=snp,");
    expect(",policy=0x1c30137,kernel-hashes=on,host-data=");
    expect("-append console=ttyS0\\ panic=-1");
    expect(&format!("measurement to expect: {}\n", workshop.measurement("2", "EPYC-Turin")));
}

/// What QEMU is given is what the release and the configuration say.
#[test]
fn launch_hands_qemu_what_was_measured() {
    let workshop = host("launch");
    let arguments = printed(&launch(&workshop, &["--cid", "77"]));
    let configuration = fs::read(workshop.path("configuration.json")).unwrap();
    let host_data = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &configuration);
    let guest =
        after(&arguments, "-object").into_iter().find(|object| object.starts_with("sev-snp-guest")).unwrap();
    let checked = printed(&workshop.check(&["--vcpus", "1", "--vcpu-type", "EPYC-Genoa"]));
    let published = |name: &str| {
        let value = checked.lines().find_map(|line| line.strip_prefix(&format!("{name}="))).unwrap();
        value.to_owned()
    };
    for member in [
        format!("policy={}", published("policy")),
        "kernel-hashes=on".to_owned(),
        format!("host-data={}", BASE64_STANDARD.encode(host_data)),
        format!("id-block={}", published("id_block")),
        format!("id-auth={}", published("id_auth")),
        "author-key-enabled=on".to_owned(),
    ] {
        assert!(guest.split(',').any(|found| found == member), "{member} is not in {guest}");
    }
    assert_eq!(after(&arguments, "-kernel"), [workshop.path("kernel")]);
    assert_eq!(after(&arguments, "-initrd"), [workshop.path("initrd")]);
    assert_eq!(after(&arguments, "-bios"), [workshop.path("firmware.fd")]);
    assert_eq!(after(&arguments, "-append"), ["console=ttyS0 panic=-1"]);
    assert!(after(&arguments, "-device")[0].starts_with("vhost-vsock-pci,guest-cid=77,"));
}

#[test]
fn each_thing_that_the_host_lacks_is_one_line() {
    let cases: [(&str, Spoil); 11] = [
        ("a processor with SEV-SNP", |host| host.write("host/proc/cpuinfo", "flags : sev\n")),
        ("/dev/sev", |host| fs::remove_file(host.path("host/dev/sev")).unwrap()),
        ("access to /dev/kvm", |host| fs::remove_file(host.path("host/dev/kvm")).unwrap()),
        ("access to /dev/vhost-vsock", |host| fs::remove_file(host.path("host/dev/vhost-vsock")).unwrap()),
        ("SNP support of KVM", |host| host.write("host/sys/module/kvm_amd/parameters/sev_snp", "N\n")),
        ("SNP firmware of ABI 1.55 (found 1.51)", |host| {
            host.write("host/kernel-log", "ccp 0000:22:00.1: SEV API:1.51 build:3\n");
        }),
        ("memory: 1024 MiB", |host| host.write("host/proc/meminfo", "MemAvailable: 1000000 kB\n")),
        ("QEMU 9.1 or newer (found 7.2.22)", |host| qemu(host, &QEMU.replace("10.0.2", "7.2.22"))),
        ("sev-snp-guest in QEMU 10.0.2", |host| qemu(host, &QEMU.replace("sev-snp-guest", "sev-guest"))),
        ("a release that holds: ", |host| host.write("kernel", "another\n")),
        ("the configuration ", |host| fs::remove_file(host.path("configuration.json")).unwrap()),
    ];
    for (index, (what, spoil)) in cases.into_iter().enumerate() {
        let workshop = host(&format!("lacks-{index}"));
        spoil(&workshop);
        let output = launch(&workshop, &[]);
        let complaints = complaints(&output);
        assert_eq!(output.status.code(), Some(1), "{what}");
        assert_eq!(complaints.len(), 1, "{what}: {complaints:?}");
        assert!(complaints[0].starts_with(&format!("missing: {what}")), "{complaints:?}");
        assert!(complaints[0].contains("; to mend it: "), "{complaints:?}");
        assert!(output.stdout.is_empty(), "{what}: QEMU was started");
    }
}

/// A rehearsal elsewhere than on the host is a plan; without a release it is none, but shows the command's form.
#[test]
fn dry_run_succeeds_without_the_host_and_fails_without_the_release() {
    let workshop = host("elsewhere");
    fs::remove_dir_all(workshop.path("host/dev")).unwrap();
    assert_eq!(launch(&workshop, &["--dry-run"]).status.code(), Some(0));
    fs::remove_file(workshop.path("release")).unwrap();
    let output = launch(&workshop, &["--dry-run"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stdout).unwrap().contains("sev-snp-guest"));
}

#[test]
fn wrong_usage_is_told_from_what_is_missing() {
    let workshop = host("usage");
    for usage in [
        &["--cid", "2"][..],
        &["--vcpus", "0"],
        &["--vcpus", "1,id=x"],
        &["--vcpu-type", "EPYC,host"],
        &["--cbitpos"],
        &["--debug"],
    ] {
        assert_eq!(launch(&workshop, usage).status.code(), Some(2), "{usage:?}");
    }
}
