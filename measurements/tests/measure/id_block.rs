//! ID blocks: the shared ones byte for byte, our own verified, and each refusal.

use std::fs;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING};
use aws_lc_rs::signature::{EcdsaKeyPair, EcdsaSigningAlgorithm};
use shroud_measurements::Hex;
use shroud_measurements::id_block::{ID_AUTH, IdBlock, IdBlockError, IdKey, KeyError, SignedIdBlock};

use crate::vectors::{cases, shared};

pub(crate) fn pem(algorithm: &'static EcdsaSigningAlgorithm) -> String {
    let key = EcdsaKeyPair::generate_pkcs8(algorithm, &aws_lc_rs::rand::SystemRandom::new()).unwrap();
    der::pem::encode_string("PRIVATE KEY", der::pem::LineEnding::LF, key.as_ref()).unwrap()
}

pub(crate) fn key() -> IdKey {
    IdKey::from_pem(pem(&ECDSA_P384_SHA384_FIXED_SIGNING).as_bytes()).unwrap()
}

fn block() -> IdBlock {
    IdBlock {
        measurement: Hex([7; 48]),
        family_id: [1; 16],
        image_id: [2; 16],
        guest_svn: 3,
        policy: 0xc3_0137,
    }
}

fn signed() -> ([u8; 96], Box<[u8; ID_AUTH]>) {
    let signed = block().sign(&key(), &key()).unwrap();
    (signed.block().to_bytes(), Box::new(*signed.auth()))
}

fn refusal(block: &[u8], auth: &[u8]) -> IdBlockError {
    SignedIdBlock::parse(block, auth).map(|_| ()).unwrap_err()
}

#[test]
fn signed_block_is_read_back() {
    let (id_key, author_key) = (key(), key());
    let made = block().sign(&id_key, &author_key).unwrap();
    let read = SignedIdBlock::parse(&made.block().to_bytes(), made.auth()).unwrap();
    assert_eq!(read, made);
    assert_eq!(read.block(), &block());
    assert_eq!(read.id_key_digest(), id_key.digest());
    assert_eq!(read.author_key_digest(), author_key.digest());
}

#[test]
fn shared_id_blocks_are_right() {
    let Some(folder) = shared("idblock") else { return };
    for case in cases(&folder) {
        let text = |name: &str| case[name].as_str().unwrap();
        let key = |name: &str| IdKey::from_pem(&fs::read(folder.join(text(name))).unwrap()).unwrap();
        let (id_key, author_key) = (key("id_key"), key("author_key"));
        assert_eq!(id_key.digest().to_string(), text("id_key_digest"), "{}", case["id"]);
        assert_eq!(author_key.digest().to_string(), text("author_key_digest"), "{}", case["id"]);
        let bytes = hex::decode(text("id_block")).unwrap();
        let block = IdBlock::parse(&bytes).unwrap();
        assert_eq!(block.to_bytes().as_slice(), bytes);
        let made = block.sign(&id_key, &author_key).unwrap();
        SignedIdBlock::parse(&bytes, made.auth()).unwrap();
        let Some(file) = case["id_auth_file"].as_str() else { continue };
        let genuine = fs::read(folder.join(file)).unwrap();
        let read = SignedIdBlock::parse(&bytes, &genuine).unwrap();
        assert_eq!(read.id_key_digest(), id_key.digest());
        // Signatures are fresh each time; everything around them is the same.
        for at in (0..0x40).chain(0x240..0x680).chain(0x880..ID_AUTH) {
            assert_eq!(made.auth()[at], genuine[at], "{at:#x}");
        }
    }
}

#[test]
fn block_of_another_length_is_refused() {
    let (block, auth) = signed();
    assert_eq!(refusal(&block[..95], &*auth), IdBlockError::BlockLength(95));
}

#[test]
fn auth_of_another_length_is_refused() {
    let (block, auth) = signed();
    assert_eq!(refusal(&block, &auth[..4095]), IdBlockError::AuthLength(4095));
}

#[test]
fn block_of_another_version_is_refused() {
    let (mut block, auth) = signed();
    block[80] = 2;
    assert_eq!(refusal(&block, &*auth), IdBlockError::Version(2));
}

#[test]
fn key_of_another_algorithm_is_refused() {
    for at in [0, 4] {
        let (block, mut auth) = signed();
        auth[at] = 2;
        assert_eq!(refusal(&block, &*auth), IdBlockError::Algorithm(2));
    }
}

#[test]
fn reserved_bytes_of_an_auth_are_refused() {
    for at in [8, 0x3f, 0x644, 0x67f, 0xc84, 0xfff] {
        let (block, mut auth) = signed();
        auth[at] = 1;
        assert_eq!(refusal(&block, &*auth), IdBlockError::Reserved, "{at:#x}");
    }
}

/// The digest, the policy, the signature, the key and its reserved bytes: none can be changed.
#[test]
fn block_that_the_id_key_did_not_sign_is_refused() {
    for at in [0, 47, 48, 64, 84, 88, 95] {
        let (mut block, auth) = signed();
        block[at] ^= 1;
        assert_eq!(refusal(&block, &*auth), IdBlockError::BlockSignature, "block {at}");
    }
    for at in [0x40, 0x88, 0x70, 0xd0, 0x23f, 0x240, 0x244, 0x28c, 0x643] {
        let (block, mut auth) = signed();
        auth[at] ^= 1;
        assert_eq!(refusal(&block, &*auth), IdBlockError::BlockSignature, "auth {at:#x}");
    }
}

#[test]
fn id_key_that_the_author_did_not_sign_is_refused() {
    for at in [0x680, 0x6c8, 0x87f, 0x880, 0x884, 0x8cc, 0xc83] {
        let (block, mut auth) = signed();
        auth[at] ^= 1;
        assert_eq!(refusal(&block, &*auth), IdBlockError::IdKeySignature, "{at:#x}");
    }
}

#[test]
fn key_that_is_not_pem_is_refused() {
    assert_eq!(IdKey::from_pem(b"key").err(), Some(KeyError::Pem));
}

#[test]
fn key_of_another_curve_is_refused() {
    let p256 = pem(&ECDSA_P256_SHA256_FIXED_SIGNING);
    assert_eq!(IdKey::from_pem(p256.as_bytes()).err(), Some(KeyError::NotP384));
}
