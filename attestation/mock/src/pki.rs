//! A throw-away hierarchy in AMD's shape: ARK → ASK → VCEK. The two RSA keys are dropped once they have signed.

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use der::asn1::Ia5StringRef;
use der::flagset::FlagSet;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, BasicConstraints, KeyUsage, KeyUsages};

use crate::certificate::{Contents, extension, issue, key_identifier, raw_extension};
use crate::platform::PlatformError;

/// The TCB that the endorsement key is derived from: boot loader 10, TEE 0, SNP 25, microcode 84.
pub(crate) const TCB: [u8; 8] = [10, 0, 0, 0, 0, 0, 25, 84];

const SUBJECT_KEY: &str = "2.5.29.14";
const KEY_USAGE: &str = "2.5.29.15";
const BASIC_CONSTRAINTS: &str = "2.5.29.19";
const AUTHORITY_KEY: &str = "2.5.29.35";

/// Certificates in DER and the endorsement key.
pub(crate) struct Hierarchy {
    pub(crate) ark: Vec<u8>,
    pub(crate) ask: Vec<u8>,
    pub(crate) vcek: Vec<u8>,
    pub(crate) key: EcdsaKeyPair,
}

impl Hierarchy {
    /// Makes the three keys and their certificates for one chip.
    pub(crate) fn generate(chip_id: &[u8; 64]) -> Result<Self, PlatformError> {
        let (root, signing) = (rsa_key()?, rsa_key()?);
        let key = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING)
            .map_err(|_| PlatformError::Cryptography("generate a P-384 key"))?;
        Ok(Self { ark: ark(&root)?, ask: ask(&root, &signing)?, vcek: vcek(&signing, &key, chip_id)?, key })
    }
}

fn rsa_key() -> Result<KeyPair, PlatformError> {
    KeyPair::generate(KeySize::Rsa4096).map_err(|_| PlatformError::Cryptography("generate an RSA key"))
}

fn rsa_spki(key: &KeyPair) -> Result<Vec<u8>, PlatformError> {
    let encoded = key.public_key().as_der().map_err(|_| PlatformError::Cryptography("encode an RSA key"))?;
    Ok(encoded.as_ref().to_vec())
}

fn ark(root: &KeyPair) -> Result<Vec<u8>, PlatformError> {
    let spki = rsa_spki(root)?;
    let extensions = vec![
        key_usage(KeyUsages::KeyCertSign | KeyUsages::CRLSign)?,
        extension(SUBJECT_KEY, false, &key_identifier(&spki)?)?,
        extension(BASIC_CONSTRAINTS, true, &BasicConstraints { ca: true, path_len_constraint: None })?,
    ];
    let (issuer, subject) = ("ARK-Genoa", "ARK-Genoa");
    issue(Contents { serial: 0x2_0000, issuer, subject, spki: &spki, years: 20, extensions }, root)
}

fn ask(root: &KeyPair, signing: &KeyPair) -> Result<Vec<u8>, PlatformError> {
    let spki = rsa_spki(signing)?;
    let authority = AuthorityKeyIdentifier {
        key_identifier: Some(key_identifier(&rsa_spki(root)?)?),
        ..AuthorityKeyIdentifier::default()
    };
    let extensions = vec![
        extension(SUBJECT_KEY, false, &key_identifier(&spki)?)?,
        extension(AUTHORITY_KEY, false, &authority)?,
        extension(BASIC_CONSTRAINTS, true, &BasicConstraints { ca: true, path_len_constraint: Some(0) })?,
        key_usage(KeyUsages::KeyCertSign.into())?,
    ];
    let (issuer, subject) = ("ARK-Genoa", "SEV-Genoa");
    issue(Contents { serial: 0x2_0002, issuer, subject, spki: &spki, years: 20, extensions }, root)
}

fn vcek(signing: &KeyPair, key: &EcdsaKeyPair, chip_id: &[u8; 64]) -> Result<Vec<u8>, PlatformError> {
    let encoded = key.public_key().as_der().map_err(|_| PlatformError::Cryptography("encode a P-384 key"))?;
    let (issuer, subject) = ("SEV-Genoa", "SEV-VCEK");
    let extensions = vcek_extensions(chip_id)?;
    issue(Contents { serial: 0, issuer, subject, spki: encoded.as_ref(), years: 7, extensions }, signing)
}

fn key_usage(usages: FlagSet<KeyUsages>) -> der::Result<Extension> {
    extension(KEY_USAGE, true, &KeyUsage(usages))
}

/// AMD's own extensions (AMD 57230, table 8), in the order in which AMD's key service writes them.
fn vcek_extensions(chip_id: &[u8; 64]) -> der::Result<Vec<Extension>> {
    let [boot_loader, tee, spl4, spl5, spl6, spl7, snp, microcode] = TCB;
    let mut extensions = vec![
        extension("1.3.6.1.4.1.3704.1.1", false, &0_u8)?,
        extension("1.3.6.1.4.1.3704.1.2", false, &Ia5StringRef::new("Genoa")?)?,
    ];
    let levels = [
        ("1.3.6.1.4.1.3704.1.3.1", boot_loader),
        ("1.3.6.1.4.1.3704.1.3.2", tee),
        ("1.3.6.1.4.1.3704.1.3.4", spl4),
        ("1.3.6.1.4.1.3704.1.3.5", spl5),
        ("1.3.6.1.4.1.3704.1.3.6", spl6),
        ("1.3.6.1.4.1.3704.1.3.7", spl7),
        ("1.3.6.1.4.1.3704.1.3.3", snp),
        ("1.3.6.1.4.1.3704.1.3.8", microcode),
    ];
    for (oid, level) in levels {
        extensions.push(extension(oid, false, &level)?);
    }
    // The hardware identity alone is no DER inside its extension.
    extensions.push(raw_extension("1.3.6.1.4.1.3704.1.4", false, chip_id.to_vec())?);
    Ok(extensions)
}
