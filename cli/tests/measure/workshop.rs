//! A folder with a release in it: firmware, kernel, initrd, manifest, operators, configuration.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fs};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

pub(crate) const SHROUD: &str = env!("CARGO_BIN_EXE_shroud");
const APPEND: &str = "console=ttyS0 panic=-1";
const SEED: &str = "0707070707070707070707070707070707070707070707070707070707070707";

/// The vectors that live with the crate that measures.
pub(crate) fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../measurements/tests/vectors")
}

pub(crate) fn shroud(arguments: &[&str]) -> Output {
    Command::new(SHROUD).args(arguments).output().unwrap()
}

pub(crate) fn printed(output: &Output) -> String {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// A folder that goes away with the test.
pub(crate) struct Workshop(PathBuf);

impl Drop for Workshop {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Workshop {
    /// With the files of a release, not measured yet.
    pub(crate) fn new(name: &str) -> Self {
        let folder = env::temp_dir().join(format!("shroud-measure-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        for file in ["firmware.fd", "kernel", "initrd"] {
            fs::copy(vectors().join(file), folder.join(file)).unwrap();
        }
        let workshop = Self(folder);
        workshop.write("id.pem", &private_key());
        workshop.write("author.pem", &private_key());
        workshop.write("seed", &format!("{SEED}\n"));
        workshop.write("configuration.json", "{\"origin\":\"shroud.invalid/test\"}\n");
        let pair = Ed25519KeyPair::from_seed_unchecked(&hex::decode(SEED).unwrap()).unwrap();
        let public = hex::encode(pair.public_key().as_ref());
        let operators = format!(r#"{{"threshold":1,"keys":[{{"name":"one","ed25519":"{public}"}}]}}"#);
        workshop.write("operators.json", &operators);
        workshop
    }

    /// With a signed manifest too.
    pub(crate) fn released(name: &str) -> Self {
        let workshop = Self::new(name);
        workshop.write("manifest.json", &printed(&workshop.make(&[])));
        let signed = workshop.sign("manifest.json");
        workshop.write("release", &printed(&signed));
        workshop
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn make(&self, more: &[&str]) -> Output {
        let [ovmf, kernel, initrd, id, author] =
            ["firmware.fd", "kernel", "initrd", "id.pem", "author.pem"].map(|name| self.path(name));
        let commit = "0123456789abcdef0123456789abcdef01234567";
        let arguments = [
            &["measure", "release", "make", "--version", "1.2.3", "--commit", commit][..],
            &["--ovmf", &ovmf, "--kernel", &kernel, "--initrd", &initrd, "--append", APPEND],
            &["--vcpus", "1,2", "--vcpu-type", "EPYC-Genoa,EPYC-Turin", "--id-key", &id],
            &["--author-key", &author],
            more,
        ];
        shroud(&arguments.concat())
    }

    pub(crate) fn sign(&self, manifest: &str) -> Output {
        let (manifest, seed) = (self.path(manifest), self.path("seed"));
        shroud(&["measure", "release", "sign", &manifest, "--name", "one", "--seed", &seed])
    }

    pub(crate) fn check(&self, more: &[&str]) -> Output {
        let (release, operators) = (self.path("release"), self.path("operators.json"));
        let arguments = ["measure", "release", "check", &release, "--operators", &operators];
        shroud(&[&arguments, more].concat())
    }

    /// What `measure snp` says of these files.
    pub(crate) fn measurement(&self, vcpus: &str, vcpu_type: &str) -> String {
        let [ovmf, kernel, initrd] = ["firmware.fd", "kernel", "initrd"].map(|name| self.path(name));
        let arguments = [
            &["measure", "snp", "--ovmf", &ovmf, "--kernel", &kernel, "--initrd", &initrd][..],
            &["--append", APPEND, "--vcpus", vcpus, "--vcpu-type", vcpu_type],
        ];
        printed(&shroud(&arguments.concat())).trim().to_owned()
    }
}

/// A fresh P-384 key in PEM.
fn private_key() -> String {
    let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &SystemRandom::new()).unwrap();
    let body = BASE64_STANDARD.encode(key.as_ref());
    let lines: Vec<&str> = (0..body.len()).step_by(64).map(|at| &body[at..body.len().min(at + 64)]).collect();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
}
