//! A hierarchy whose certificates can be bent and signed again, so that every branch behind a genuine signature is
//! reached. Made from the software processor's certificates: bytes are replaced by as many others.

use std::path::PathBuf;
use std::{env, fs, process};

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PSS_SHA384};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use shroud_attestation::collateral::Collateral;
use shroud_attestation::reference::Draft;
use shroud_attestation::x509::{Certificate, PublicKey};
use shroud_attestation::{Check, Evidence, verify};
use shroud_attestation_mock::ReportInput;

use crate::fixture::{Machine, NOW, Signer, refusals};

/// Length of an RSA-4096 signature and modulus.
const RSA: usize = 512;

/// Replacements of bytes by as many others, in one certificate.
pub(crate) type Edits<'a> = &'a [(&'a [u8], &'a [u8])];

/// One key for root and intermediate, and what it signs.
pub(crate) struct Forge {
    key: KeyPair,
    pub(crate) machine: Machine,
}

/// What differs from a genuine hierarchy.
#[derive(Default)]
pub(crate) struct Bent<'a> {
    pub(crate) ark: Edits<'a>,
    pub(crate) ask: Edits<'a>,
    pub(crate) vek: Edits<'a>,
}

impl Forge {
    pub(crate) fn new() -> Self {
        Self { key: key(), machine: Machine::new() }
    }

    /// The checks that refuse a genuine report under a hierarchy that is bent.
    pub(crate) fn refused(&self, bent: &Bent<'_>) -> Vec<Check> {
        self.refused_with(bent, |_| {})
    }

    /// The same, where the report is bent too.
    pub(crate) fn refused_with(&self, bent: &Bent<'_>, edit: impl FnOnce(&mut ReportInput)) -> Vec<Check> {
        let platform = &self.machine.platform;
        let ark = self.sign(&self.with_key(platform.root_pem()), bent.ark);
        let ask = self.sign(&self.with_key(platform.ask_pem()), bent.ask);
        let vek = self.sign(&der(platform.vcek_pem()), bent.vek);
        let draft = Draft { roots: vec![pem(&ark)], ..self.machine.draft() };
        let mut input = self.machine.genuine();
        edit(&mut input);
        let report = platform.report(&input).unwrap().report;
        let evidence = Evidence { report, certificates: [vek, ask, ark].concat() };
        refusals(verify(&evidence, &Machine::purpose(), &Signer::new("one").values(&draft), NOW))
    }

    /// A certificate with this forge's key in the place of its own.
    fn with_key(&self, pem: &str) -> Vec<u8> {
        let der = der(pem);
        let PublicKey::Rsa { key, .. } = Certificate::parse(&der).unwrap().key() else {
            panic!("an RSA key")
        };
        replace(&der, key, self.key.public_key().as_ref())
    }

    /// Edits a certificate and signs it again.
    fn sign(&self, der: &[u8], edits: Edits<'_>) -> Vec<u8> {
        let mut bent = edits.iter().fold(der.to_vec(), |der, (from, to)| replace(&der, from, to));
        let [0x30, 0x82, _, _, 0x30, 0x82, high, low, ..] = *bent else { panic!("a long certificate") };
        let signed = 4..8 + usize::from(u16::from_be_bytes([high, low]));
        let mut signature = vec![0; RSA];
        self.key.sign(&RSA_PSS_SHA384, &SystemRandom::new(), &bent[signed], &mut signature).unwrap();
        let place = bent.len() - RSA;
        bent[place..].copy_from_slice(&signature);
        bent
    }
}

/// Kept beside the test binaries: making one takes seconds.
fn key() -> KeyPair {
    let path: PathBuf = env::current_exe().unwrap().with_file_name("shroud-test-forge.p8");
    if let Ok(bytes) = fs::read(&path) {
        return KeyPair::from_pkcs8(&bytes).unwrap();
    }
    let key = KeyPair::generate(KeySize::Rsa4096).unwrap();
    let encoded: Pkcs8V1Der<'_> = key.as_der().unwrap();
    let making = path.with_extension(process::id().to_string());
    fs::write(&making, encoded.as_ref()).unwrap();
    fs::rename(&making, &path).unwrap();
    key
}

/// Every occurrence of `from` becomes `to`, of which there must be one at least.
fn replace(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut out = bytes.to_vec();
    let places: Vec<usize> =
        (0..=bytes.len() - from.len()).filter(|at| bytes[*at..].starts_with(from)).collect();
    assert!(!places.is_empty(), "{} is not there", hex::encode(from));
    for place in places {
        out[place..place + to.len()].copy_from_slice(to);
    }
    out
}

fn der(pem: &str) -> Vec<u8> {
    Collateral::parse(pem.as_bytes()).unwrap().certificates.concat()
}

fn pem(der: &[u8]) -> String {
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", BASE64_STANDARD.encode(der))
}
