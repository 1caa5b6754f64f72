//! Both backends give the same answer, on every shared case and on every way of bending a signature.

use std::path::{Path, PathBuf};
use std::{env, fs};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};

use super::native::Native;
use super::portable::Portable;
use super::{Backend, Unverified};
use crate::collateral::Collateral;
use crate::report::{SIGNED, Signature};
use crate::x509::{Certificate, PublicKey};

fn cases() -> Vec<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors");
    let folder = env::var_os("SHROUD_VECTORS").map_or_else(beside, PathBuf::from).join("snp");
    let Ok(entries) = fs::read_dir(&folder) else {
        eprintln!("LEFT OUT: no shared vectors at {}; set SHROUD_VECTORS", folder.display());
        return Vec::new();
    };
    entries.map(|entry| entry.unwrap().path()).filter(|path| path.join("vek.der").exists()).collect()
}

/// Both answers, which must be one.
fn agreed(native: Result<(), Unverified>, portable: Result<(), Unverified>, what: &str) -> bool {
    assert_eq!(native, portable, "{what}");
    native.is_ok()
}

fn report(folder: &Path) -> Option<bool> {
    let (report, vek) = (fs::read(folder.join("report.bin")).ok()?, fs::read(folder.join("vek.der")).ok()?);
    let certificate = Certificate::parse(&vek).ok()?;
    let PublicKey::P384(point) = certificate.key() else { return None };
    let signature = Signature::read(&report).ok()?.0;
    let signed = report.get(..SIGNED)?;
    let native = Native::p384_sha384(point, signed, &signature);
    Some(agreed(native, Portable::p384_sha384(point, signed, &signature), &folder.display().to_string()))
}

#[test]
fn backends_agree_on_reports() {
    let outcomes: Vec<bool> = cases().iter().filter_map(|folder| report(folder)).collect();
    assert!(outcomes.is_empty() || (outcomes.contains(&true) && outcomes.contains(&false)));
}

#[test]
fn backends_agree_on_certificates() {
    let mut verified = 0;
    for folder in cases() {
        let mut all = vec![fs::read(folder.join("vek.der")).unwrap()];
        all.extend(Collateral::parse(&fs::read(folder.join("chain.pem")).unwrap()).unwrap().certificates);
        let parsed: Vec<Certificate<'_>> =
            all.iter().filter_map(|der| Certificate::parse(der).ok()).collect();
        for subject in &parsed {
            for issuer in &parsed {
                verified += usize::from(certificate(subject, issuer, &folder));
            }
        }
    }
    assert!(cases().is_empty() || verified > 100, "{verified}");
}

fn certificate(subject: &Certificate<'_>, issuer: &Certificate<'_>, folder: &Path) -> bool {
    let PublicKey::Rsa { key, .. } = issuer.key() else { return false };
    let (message, signature) = subject.signed_parts();
    let native = Native::rsa_pss_sha384(key, message, signature);
    agreed(native, Portable::rsa_pss_sha384(key, message, signature), &folder.display().to_string())
}

/// Every bit of a signature, and lengths that are wrong.
#[test]
fn backends_agree_on_bent_signatures() {
    let pinned = &crate::roots::Pinned::all()[0];
    let PublicKey::Rsa { key, .. } = pinned.ark.key() else { panic!("an RSA key") };
    let (message, signature) = pinned.ark.signed_parts();
    for bit in (0..signature.len() * 8).step_by(7) {
        let mut bent = signature.to_vec();
        bent[bit / 8] ^= 1 << (bit % 8);
        let native = Native::rsa_pss_sha384(key, message, &bent);
        assert!(!agreed(native, Portable::rsa_pss_sha384(key, message, &bent), "a bent signature"));
    }
    for bent in [&[][..], &signature[1..], &[&[0], signature].concat(), &[0xff; 512], &[0; 512]] {
        let native = Native::rsa_pss_sha384(key, message, bent);
        assert!(!agreed(native, Portable::rsa_pss_sha384(key, message, bent), "another length or number"));
    }
    for bent in [&[][..], &key[1..], &key[..key.len() - 1]] {
        let native = Native::rsa_pss_sha384(bent, message, signature);
        assert!(!agreed(native, Portable::rsa_pss_sha384(bent, message, signature), "another key"));
    }
}

#[test]
fn backends_agree_on_operators_signatures() {
    let pair = Ed25519KeyPair::generate().unwrap();
    let key: &[u8; 32] = pair.public_key().as_ref().try_into().unwrap();
    let signature = pair.sign(b"text");
    let both = |message: &[u8], signature: &[u8]| {
        let native = Native::ed25519(key, message, signature);
        agreed(native, Portable::ed25519(key, message, signature), "Ed25519")
    };
    assert!(both(b"text", signature.as_ref()));
    assert!(!both(b"texts", signature.as_ref()));
    assert!(!both(b"text", &signature.as_ref()[1..]));
}
