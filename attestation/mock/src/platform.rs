//! One machine: its chip, its endorsement key and certificates, kept in a folder.
//!
//! ```text
//! DIR/lock                 one maker at a time
//! DIR/platform/chip_id     hex
//! DIR/platform/{ark,ask,vcek}.pem
//! DIR/platform/vcek.key    PKCS#8, mode 0600
//! ```
//!
//! The folder appears whole (it is renamed into place) or not at all.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair};
use der::pem::LineEnding;
use shroud_attestation::Evidence;

use crate::launch::Launch;
use crate::pki::{Hierarchy, TCB};
use crate::report::{REPORT, ReportInput, SIGNED, signature_field};
use crate::table::table;

/// POLICY of a genuine report: SMT allowed, the reserved one, AES-256-XTS, RAPL disabled. Genoa can do no more:
/// ciphertext hiding came with Turin.
pub const POLICY: u64 = 1 << 16 | 1 << 17 | 1 << 22 | 1 << 23;
/// PLATFORM_INFO of a genuine report: SMT, ECC, RAPL disabled, alias check complete.
pub const PLATFORM_INFO: u64 = 1 | 1 << 2 | 1 << 3 | 1 << 5;

/// Why a platform could not be made, opened or used.
#[derive(Debug, thiserror::Error)]
pub enum PlatformError {
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file of the platform is not what was written there.
    #[error("{0} is damaged; remove the folder to make a new platform")]
    Damaged(PathBuf),
    /// A certificate could not be encoded.
    #[error("a certificate could not be encoded: {0}")]
    Encoding(#[from] der::Error),
    /// The cryptographic provider refused.
    #[error("the cryptographic provider could not {0}")]
    Cryptography(&'static str),
}

/// A machine with a software security processor.
pub struct Platform {
    chip_id: [u8; 64],
    report_id: [u8; 32],
    key: EcdsaKeyPair,
    root: String,
    ask: String,
    vcek: String,
    root_path: PathBuf,
    table: Vec<u8>,
}

impl fmt::Debug for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Platform").field("root_path", &self.root_path).finish_non_exhaustive()
    }
}

impl Platform {
    /// Opens the platform in `dir`, which is made on first use: a new chip under a new root. That takes some seconds,
    /// for two RSA-4096 keys; processes that ask at once wait for the first.
    ///
    /// # Errors
    /// Every [`PlatformError`].
    pub fn create_or_open(dir: &Path) -> Result<Self, PlatformError> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(file_error(dir))?;
        let lock_path = dir.join("lock");
        let lock = File::create(&lock_path).map_err(file_error(&lock_path))?;
        lock.lock().map_err(file_error(&lock_path))?;
        let place = dir.join("platform");
        if !place.exists() {
            create(&place)?;
        }
        Self::open(&place)
    }

    /// A platform for tests, one per name, kept beside the test binaries of this build, so that a thousand test
    /// processes share it instead of making RSA keys each. Another name is another chip under another root.
    ///
    /// # Errors
    /// Every [`PlatformError`].
    pub fn for_tests(name: &str) -> Result<Self, PlatformError> {
        let test = std::env::current_exe().map_err(file_error(Path::new("the test binary")))?;
        let folder = test.parent().unwrap_or(Path::new("."));
        Self::create_or_open(&folder.join("shroud-test-platforms").join(name))
    }

    fn open(place: &Path) -> Result<Self, PlatformError> {
        let read = |name: &str| {
            let path = place.join(name);
            fs::read(&path).map_err(file_error(&path))
        };
        let text =
            |name: &str| String::from_utf8(read(name)?).map_err(|_| PlatformError::Damaged(place.join(name)));
        let damaged = |name: &str| PlatformError::Damaged(place.join(name));
        let mut chip_id = [0; 64];
        hex::decode_to_slice(text("chip_id")?.trim(), &mut chip_id).map_err(|_| damaged("chip_id"))?;
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &read("vcek.key")?)
            .map_err(|_| damaged("vcek.key"))?;
        let (root, ask, vcek) = (text("ark.pem")?, text("ask.pem")?, text("vcek.pem")?);
        let table = table(&vcek, &ask, &root).ok_or_else(|| damaged("ark.pem"))?;
        let (report_id, root_path) = (random()?, place.join("ark.pem"));
        Ok(Self { chip_id, report_id, key, root, ask, vcek, root_path, table })
    }

    /// The root (ARK), as PEM: what a reference file names to admit this platform.
    #[must_use]
    pub fn root_pem(&self) -> &str {
        &self.root
    }

    /// Where the root lies.
    #[must_use]
    pub fn root_path(&self) -> &Path {
        &self.root_path
    }

    /// The signing key's certificate (ASK), as PEM.
    #[must_use]
    pub fn ask_pem(&self) -> &str {
        &self.ask
    }

    /// The endorsement key's certificate (VCEK), as PEM.
    #[must_use]
    pub fn vcek_pem(&self) -> &str {
        &self.vcek
    }

    /// The chip's identity.
    #[must_use]
    pub fn chip_id(&self) -> &[u8; 64] {
        &self.chip_id
    }

    /// The certificate table that goes with each report: VCEK, ASK, ARK.
    #[must_use]
    pub fn certificates(&self) -> &[u8] {
        &self.table
    }

    /// What this platform truly reports of a launch, for a test to bend before [`Platform::report`].
    #[must_use]
    pub fn genuine(&self, launch: &Launch, report_data: &[u8; 64]) -> ReportInput {
        ReportInput {
            version: 5,
            guest_svn: 0,
            policy: POLICY,
            family_id: [0; 16],
            image_id: [0; 16],
            vmpl: 0,
            signature_algorithm: 1,
            current_tcb: TCB,
            platform_info: PLATFORM_INFO,
            key_info: 0,
            report_data: *report_data,
            measurement: launch.measurement,
            host_data: launch.host_data,
            id_key_digest: [0; 48],
            author_key_digest: [0; 48],
            report_id: self.report_id,
            report_id_ma: [0xff; 32],
            reported_tcb: TCB,
            cpuid: [0x19, 0x11, 1],
            chip_id: self.chip_id,
            committed_tcb: TCB,
            current_version: [43, 55, 1],
            committed_version: [43, 55, 1],
            launch_tcb: TCB,
            launch_mitigations: 1,
            current_mitigations: 1,
        }
    }

    /// Signs a report with these fields, true or not.
    ///
    /// # Errors
    /// [`PlatformError::Cryptography`].
    pub fn report(&self, input: &ReportInput) -> Result<Evidence, PlatformError> {
        Ok(Evidence { report: self.sign(&input.to_bytes())?, certificates: self.table.clone() })
    }

    /// Signs any bytes as the signed part of a report, canonical or not.
    ///
    /// # Errors
    /// [`PlatformError::Cryptography`].
    pub fn sign(&self, body: &[u8; SIGNED]) -> Result<Vec<u8>, PlatformError> {
        let signature = self
            .key
            .sign(&SystemRandom::new(), body)
            .map_err(|_| PlatformError::Cryptography("sign a report"))?;
        let mut report = Vec::with_capacity(REPORT);
        report.extend_from_slice(body);
        report.extend_from_slice(&signature_field(signature.as_ref()));
        Ok(report)
    }
}

/// Makes the folder under another name and moves it into place.
fn create(place: &Path) -> Result<(), PlatformError> {
    let making = place.with_extension("making");
    if making.exists() {
        fs::remove_dir_all(&making).map_err(file_error(&making))?;
    }
    fs::DirBuilder::new().mode(0o700).create(&making).map_err(file_error(&making))?;
    let chip_id = random::<64>()?;
    let hierarchy = Hierarchy::generate(&chip_id)?;
    let key =
        hierarchy.key.to_pkcs8v1().map_err(|_| PlatformError::Cryptography("encode the endorsement key"))?;
    write(&making.join("chip_id"), hex::encode(chip_id).as_bytes())?;
    write(&making.join("ark.pem"), pem(&hierarchy.ark)?.as_bytes())?;
    write(&making.join("ask.pem"), pem(&hierarchy.ask)?.as_bytes())?;
    write(&making.join("vcek.pem"), pem(&hierarchy.vcek)?.as_bytes())?;
    write(&making.join("vcek.key"), key.as_ref())?;
    fs::rename(&making, place).map_err(file_error(place))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), PlatformError> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all())).map_err(file_error(path))
}

fn pem(der: &[u8]) -> Result<String, PlatformError> {
    der::pem::encode_string("CERTIFICATE", LineEnding::LF, der)
        .map_err(|error| der::Error::from(error).into())
}

fn random<const N: usize>() -> Result<[u8; N], PlatformError> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| PlatformError::Cryptography("draw random bytes"))?;
    Ok(bytes)
}

fn file_error(path: &Path) -> impl FnOnce(io::Error) -> PlatformError + use<> {
    let path = path.to_owned();
    move |source| PlatformError::File { path, source }
}
