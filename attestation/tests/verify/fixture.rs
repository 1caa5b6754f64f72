//! Shared cases, reference values signed by a key of the test, and a software processor.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::{env, fs};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::Value;
use shroud_attestation::collateral::Collateral;
use shroud_attestation::purpose::{self, ReportData};
use shroud_attestation::reference::{Draft, Operator, Operators, Tuple, signature_line};
use shroud_attestation::verify::{Examination, Input, examine};
use shroud_attestation::{
    Check, Evidence, PlatformPolicy, ReferenceValues, Rejected, Report, VerifiedReport, verify,
};
use shroud_attestation_mock::{Launch, Platform, ReportInput};
use shroud_wire::note::Note;

/// 2026-01-01, in seconds since 1970.
pub(crate) const NOW: u64 = 1_767_225_600;

/// The folder of the shared vectors; where it is absent, the tests that need it say so and do nothing.
pub(crate) fn vectors() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors");
    let folder = env::var_os("SHROUD_VECTORS").map_or_else(beside, PathBuf::from);
    if folder.join("snp").is_dir() {
        return Some(folder);
    }
    eprintln!("LEFT OUT: no shared vectors at {}; set SHROUD_VECTORS", folder.display());
    None
}

/// One shared case.
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) json: Value,
    pub(crate) report: Vec<u8>,
    pub(crate) vek: Option<Vec<u8>>,
    pub(crate) collateral: Collateral,
    pub(crate) crl: Option<Vec<u8>>,
}

impl Case {
    fn read(folder: &Path) -> Option<Self> {
        let read = |name: &str| fs::read(folder.join(name)).ok();
        Some(Self {
            id: folder.file_name()?.to_str()?.to_owned(),
            json: serde_json::from_slice(&read("case.json")?).unwrap(),
            report: read("report.bin")?,
            vek: read("vek.der"),
            collateral: Collateral::parse(&read("chain.pem").unwrap_or_default()).unwrap(),
            crl: read("crl.der"),
        })
    }

    /// Every case, in the order of names.
    pub(crate) fn all() -> Vec<Self> {
        let Some(vectors) = vectors() else { return Vec::new() };
        let mut folders: Vec<PathBuf> =
            fs::read_dir(vectors.join("snp")).unwrap().map(|entry| entry.unwrap().path()).collect();
        folders.sort();
        folders.iter().filter_map(|folder| Self::read(folder)).collect()
    }

    /// One case, if the vectors are there.
    pub(crate) fn named(id: &str) -> Option<Self> {
        Self::read(&vectors()?.join("snp").join(id)).or_else(|| panic!("no case {id}"))
    }

    pub(crate) fn expected(&self, key: &str) -> Option<bool> {
        self.json["expected"][key].as_bool()
    }

    /// The last certificate of the chain, as a root of the caller's own.
    pub(crate) fn root(&self) -> Vec<Vec<u8>> {
        self.collateral.certificates.last().cloned().into_iter().collect()
    }

    pub(crate) fn examine(&self) -> Examination {
        self.examine_with(&[], None)
    }

    pub(crate) fn examine_with(&self, roots: &[Vec<u8>], at: Option<u64>) -> Examination {
        let (vek, collateral) = (self.vek.as_deref(), &self.collateral);
        examine(&Input { report: &self.report, vek, collateral, roots, at })
    }

    /// The evidence as one: VEK and chain in DER, one after another.
    pub(crate) fn evidence(&self) -> Evidence {
        let chain = self.collateral.certificates.concat();
        let certificates = [self.vek.clone().unwrap_or_default(), chain].concat();
        Evidence { report: self.report.clone(), certificates }
    }

    /// Reference values that name exactly this report, under a policy that admits what was usual on clouds.
    pub(crate) fn values(&self, platform: PlatformPolicy) -> ReferenceValues {
        let report = Report::read(&self.report).unwrap();
        let tuple = Tuple {
            measurement: report.measurement,
            host_data: report.host_data,
            chips: vec![report.chip_id],
        };
        Signer::new("one").values(&draft(vec![tuple], platform))
    }
}

/// The names of the failed checks.
pub(crate) fn failed(examination: &Examination) -> Vec<Check> {
    let mut checks: Vec<Check> = examination.rejections().iter().map(|rejection| rejection.check).collect();
    checks.sort();
    checks.dedup();
    checks
}

/// A policy that demands nothing of the guest's policy but what it forbids, for genuine evidence from clouds.
pub(crate) fn cloud_policy() -> PlatformPolicy {
    PlatformPolicy {
        require_aes_256_xts: Vec::new(),
        require_rapl_off: Vec::new(),
        require_ciphertext_hiding: Vec::new(),
        ..PlatformPolicy::default()
    }
}

/// An operator.
pub(crate) struct Signer {
    key: Ed25519KeyPair,
    name: &'static str,
}

impl Signer {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { key: Ed25519KeyPair::generate().unwrap(), name }
    }

    pub(crate) fn operator(&self) -> Operator {
        Operator { name: self.name.into(), ed25519: self.key.public_key().as_ref().try_into().unwrap() }
    }

    /// The values of a draft that this operator alone signs.
    pub(crate) fn values(&self, draft: &Draft) -> ReferenceValues {
        let draft = Draft { operators: operators(1, &[self]), ..draft.clone() };
        ReferenceValues::parse(&signed(&draft, &[self])).unwrap()
    }
}

pub(crate) fn operators(threshold: usize, signers: &[&Signer]) -> Operators {
    let keys = signers.iter().map(|signer| signer.operator()).collect();
    Operators { threshold: threshold.try_into().unwrap(), keys }
}

/// A reference file: the draft, signed by `signers`.
pub(crate) fn signed(draft: &Draft, signers: &[&Signer]) -> Vec<u8> {
    let text = draft.to_text().unwrap();
    let lines = signers.iter().map(|signer| {
        let signature = signer.key.sign(text.as_bytes());
        signature_line(&signer.operator(), signature.as_ref().try_into().unwrap())
    });
    let signatures = lines.collect();
    Note { text, signatures }.to_bytes()
}

/// A draft without operators of its own.
pub(crate) fn draft(tuples: Vec<Tuple>, platform: PlatformPolicy) -> Draft {
    Draft { version: 1, operators: operators(1, &[]), tuples, roots: Vec::new(), platform }
}

/// A software processor, one guest on it, and the reference values that admit it.
pub(crate) struct Machine {
    pub(crate) platform: Platform,
    pub(crate) launch: Launch,
    pub(crate) policy: PlatformPolicy,
}

impl Machine {
    pub(crate) fn new() -> Self {
        let platform = Platform::for_tests("attestation").unwrap();
        let launch = Launch::of(b"program", b"configuration");
        Self { platform, launch, policy: PlatformPolicy::default() }
    }

    pub(crate) fn purpose() -> ReportData {
        purpose::session(&[7; 32])
    }

    pub(crate) fn genuine(&self) -> ReportInput {
        self.platform.genuine(&self.launch, Self::purpose().as_bytes())
    }

    pub(crate) fn tuple(&self) -> Tuple {
        Tuple {
            measurement: self.launch.measurement,
            host_data: self.launch.host_data,
            chips: vec![*self.platform.chip_id()],
        }
    }

    pub(crate) fn draft(&self) -> Draft {
        let roots = vec![self.platform.root_pem().to_owned()];
        Draft { roots, ..draft(vec![self.tuple()], self.policy.clone()) }
    }

    pub(crate) fn values(&self) -> ReferenceValues {
        static SIGNER: OnceLock<Signer> = OnceLock::new();
        SIGNER.get_or_init(|| Signer::new("one")).values(&self.draft())
    }

    /// Verifies a report with these fields.
    pub(crate) fn verify(&self, input: &ReportInput) -> Result<VerifiedReport, Rejected> {
        verify(&self.platform.report(input).unwrap(), &Self::purpose(), &self.values(), NOW)
    }

    /// Bends one genuine report; the checks that refuse it.
    pub(crate) fn refused(&self, bend: impl FnOnce(&mut ReportInput)) -> Vec<Check> {
        let mut input = self.genuine();
        bend(&mut input);
        refusals(self.verify(&input))
    }
}

/// The names of the checks that refused, sorted; empty where nothing did.
pub(crate) fn refusals(outcome: Result<VerifiedReport, Rejected>) -> Vec<Check> {
    let mut checks: Vec<Check> = outcome
        .err()
        .map(|rejected| rejected.rejections)
        .unwrap_or_default()
        .iter()
        .map(|r| r.check)
        .collect();
    checks.sort();
    checks.dedup();
    checks
}
