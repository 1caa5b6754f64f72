//! The client share's text: what is malformed is told apart from what is merely wrong.

use base64ct::{Base64, Encoding};
use proptest::prelude::*;
use shroud_custody::{ClientShare, ClientShareError, CustodyMode};

use crate::scene::Scene;

const WITH_CLIENT: [CustodyMode; 3] =
    [CustodyMode::Client2of2, CustodyMode::Client2of3, CustodyMode::MultiHsmClient2of3];

fn refused(mode: CustodyMode, text: &str) -> ClientShareError {
    ClientShare::parse(mode, text).map(|_| ()).unwrap_err()
}

fn bound(index: u8) -> String {
    Base64::encode_string(&[&[index][..], &[7; 64]].concat())
}

#[test]
fn client_share_reads_back() {
    for mode in WITH_CLIENT {
        let text = Scene::set(mode).sealed.client_share.unwrap().to_base64();
        assert_eq!(ClientShare::parse(mode, &text).unwrap().to_base64(), text, "{mode}");
    }
}

#[test]
fn client_share_missing() {
    for mode in WITH_CLIENT {
        for header in [None, Some("")] {
            let error = ClientShare::presented(mode, header).map(|_| ()).unwrap_err();
            assert_eq!(error, ClientShareError::Missing, "{mode}");
        }
    }
}

#[test]
fn client_share_is_ignored_where_none_is_needed() {
    for mode in [CustodyMode::Unsplit, CustodyMode::MultiHsm2of3] {
        assert!(ClientShare::presented(mode, Some("what the client always sends")).unwrap().is_none());
    }
}

#[test]
fn client_share_not_base64() {
    let half = Base64::encode_string(&[7; 32]);
    let url_safe = half.replace(['+', '/'], "_").replacen('B', "-", 1);
    let unpadded = half.trim_end_matches('=');
    for text in ["not base64!", "====", "AAAA\n", &url_safe, unpadded] {
        assert_eq!(refused(CustodyMode::Client2of2, text), ClientShareError::NotBase64, "{text:?}");
    }
}

#[test]
fn client_share_length() {
    let lengths =
        [(CustodyMode::Client2of2, 32), (CustodyMode::Client2of3, 65), (CustodyMode::MultiHsmClient2of3, 32)];
    for (mode, expected) in lengths {
        for found in [1, expected - 1, expected + 1, 90] {
            let text = Base64::encode_string(&vec![3; found]);
            assert_eq!(refused(mode, &text), ClientShareError::Length { expected, found }, "{mode}");
        }
    }
}

#[test]
fn client_share_oversized_is_not_decoded() {
    let text = "A".repeat(1 << 20);
    assert!(matches!(refused(CustodyMode::Client2of2, &text), ClientShareError::Length { expected: 32, .. }));
}

#[test]
fn client_share_zero_index() {
    assert_eq!(refused(CustodyMode::Client2of3, &bound(0)), ClientShareError::ZeroIndex);
}

#[test]
fn client_share_foreign_index() {
    for found in [1, 2, 4, 255] {
        assert_eq!(refused(CustodyMode::Client2of3, &bound(found)), ClientShareError::ForeignIndex { found });
    }
}

proptest! {
    #[test]
    fn hostile_text_never_panics(text: String, bytes: Vec<u8>) {
        for mode in CustodyMode::ALL {
            let _ = ClientShare::parse(mode, &text);
            let _ = ClientShare::parse(mode, &Base64::encode_string(&bytes));
        }
    }
}
