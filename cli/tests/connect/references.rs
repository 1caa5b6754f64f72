//! Reference files for tests, signed by a key made for the test.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use shroud_attestation::reference::{Draft, Operator, Operators, Tuple, signature_line};
use shroud_attestation::{PlatformPolicy, ReferenceValues};
use shroud_attestation_mock::{Launch, Platform};
use shroud_cli::connect::References;
use shroud_wire::note::Note;

/// An operator with a key of its own.
pub(crate) struct Signer {
    key: Ed25519KeyPair,
}

impl Signer {
    /// A new operator.
    pub(crate) fn new() -> Self {
        Self { key: Ed25519KeyPair::generate().unwrap() }
    }

    fn operator(&self) -> Operator {
        Operator { name: "operator-1".into(), ed25519: self.key.public_key().as_ref().try_into().unwrap() }
    }

    /// A reference file that admits `launch` on `platform`, whose root it names.
    pub(crate) fn file(&self, version: u64, launch: &Launch, platform: &Platform) -> Vec<u8> {
        self.sign(&self.draft(version, launch, platform, platform.root_pem()))
    }

    /// The same, read.
    pub(crate) fn values(&self, launch: &Launch, platform: &Platform) -> Arc<ReferenceValues> {
        self.values_with_root(launch, platform, platform.root_pem())
    }

    /// Values that admit `launch` on `platform`, but name another root.
    pub(crate) fn values_with_root(
        &self,
        launch: &Launch,
        platform: &Platform,
        root: &str,
    ) -> Arc<ReferenceValues> {
        let file = self.sign(&self.draft(1, launch, platform, root));
        Arc::new(ReferenceValues::parse(&file).unwrap())
    }

    fn draft(&self, version: u64, launch: &Launch, platform: &Platform, root: &str) -> Draft {
        let tuple = Tuple {
            measurement: launch.measurement,
            host_data: launch.host_data,
            chips: vec![*platform.chip_id()],
        };
        Draft {
            version,
            operators: Operators { threshold: 1.try_into().unwrap(), keys: vec![self.operator()] },
            tuples: vec![tuple],
            roots: vec![root.to_owned()],
            platform: PlatformPolicy::default(),
        }
    }

    fn sign(&self, draft: &Draft) -> Vec<u8> {
        let text = draft.to_text().unwrap();
        let signature = self.key.sign(text.as_bytes());
        let line = signature_line(&self.operator(), signature.as_ref().try_into().unwrap());
        Note { text, signatures: vec![line] }.to_bytes()
    }
}

/// A reference file on disk, removed at the end of its test.
pub(crate) struct ReferenceFile(PathBuf);

impl ReferenceFile {
    /// Writes a file.
    pub(crate) fn new(bytes: &[u8]) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("shroud-reference-{}-{number}.note", std::process::id()));
        std::fs::write(&path, bytes).unwrap();
        Self(path)
    }

    /// Puts another file in its place, as a careful operator does.
    pub(crate) fn replace(&self, bytes: &[u8]) {
        let newer = self.0.with_extension("newer");
        std::fs::write(&newer, bytes).unwrap();
        std::fs::rename(&newer, &self.0).unwrap();
    }

    /// Where it lies.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Opens it as the sidecar does.
    pub(crate) fn open(&self) -> Arc<References> {
        Arc::new(References::open(&self.0).unwrap())
    }
}

impl Drop for ReferenceFile {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}
