//! The transaction codec: what it refuses, and that what it accepts is canonical.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up must fail")]

use proptest::prelude::*;
use shroud_policy::{
    Address, Signature, SignatureError, SignedTransaction, Transaction, U256,
    rlp::{List, RlpError},
    transaction::{AccessListEntry, Authorization, DecodeError, Kind},
};

fn signature() -> Signature {
    Signature::new(&[1; 32], &[2; 32], true).unwrap()
}

fn plain() -> Transaction {
    Transaction {
        chain_id: Some(1),
        nonce: 1,
        gas_limit: 21_000,
        to: Some(Address::new([3; 20])),
        value: U256::from(5),
        data: Vec::new(),
        kind: Kind::DynamicFee {
            max_fee_per_gas: U256::from(9),
            max_priority_fee_per_gas: U256::from(1),
            access_list: Vec::new(),
        },
    }
}

/// A type 2 transaction whose list was written by hand.
fn written(fields: impl Fn(List) -> List) -> Vec<u8> {
    [&[2], fields(List::new()).into_bytes().as_slice()].concat()
}

/// Twelve fields, with the recipient, the parity and s as given.
fn fields(list: List, to: &[u8], parity: u64, s: U256) -> List {
    let list = list.number(1).number(0).number(1).number(9).number(21_000).bytes(to).number(0).bytes(&[]);
    list.list(List::new()).number(parity).integer(U256::from(1)).integer(s)
}

fn refused(raw: &[u8]) -> DecodeError {
    SignedTransaction::decode(raw).unwrap_err()
}

#[test]
fn empty_is_refused() {
    assert_eq!(refused(&[]), DecodeError::Empty);
}

#[test]
fn type_unknown_is_refused() {
    for first in [0, 5, 0x7f, 0x80, 0xbf] {
        assert_eq!(refused(&[first, 0xc0]), DecodeError::Type(first));
    }
}

#[test]
fn fields_missing_or_more_are_refused() {
    assert_eq!(refused(&[2, 0xc0]), DecodeError::Fields { expected: 12, found: 0 });
    let more = written(|list| fields(list, &[3; 20], 0, U256::from(1)).number(0));
    assert_eq!(refused(&more), DecodeError::Fields { expected: 12, found: 13 });
    assert_eq!(refused(&[0xc0]), DecodeError::Fields { expected: 9, found: 0 });
}

#[test]
fn rlp_trailing_and_malformed_fields_are_refused() {
    let good = written(|list| fields(list, &[3; 20], 0, U256::from(1)));
    assert!(SignedTransaction::decode(&good).is_ok());
    let trailing = [good.as_slice(), &[0]].concat();
    assert_eq!(refused(&trailing), DecodeError::Rlp(RlpError::Trailing));
    let short = written(|list| fields(list, &[3; 19], 0, U256::from(1)));
    assert_eq!(refused(&short), DecodeError::Rlp(RlpError::Width));
}

#[test]
fn signature_out_of_range_is_refused() {
    let high = written(|list| fields(list, &[3; 20], 0, U256::MAX));
    assert_eq!(refused(&high), DecodeError::Signature(SignatureError::Range));
    let upper = written(|list| fields(list, &[3; 20], 0, U256::MAX >> 1));
    assert_eq!(refused(&upper), DecodeError::Signature(SignatureError::HighS));
    let parity = written(|list| fields(list, &[3; 20], 2, U256::from(1)));
    assert_eq!(refused(&parity), DecodeError::Signature(SignatureError::Parity));
}

#[test]
fn signature_of_a_legacy_transaction_names_a_parity() {
    let legacy = |v: u64| {
        let list = List::new().number(0).number(1).number(21_000).bytes(&[3; 20]).number(0).bytes(&[]);
        list.number(v).number(1).number(1).into_bytes()
    };
    let chain = |v| SignedTransaction::decode(&legacy(v)).map(|signed| signed.transaction().chain_id);
    assert_eq!((chain(27), chain(28)), (Ok(None), Ok(None)));
    assert_eq!((chain(37), chain(38)), (Ok(Some(1)), Ok(Some(1))));
    for v in [0, 1, 26, 29, 34] {
        assert_eq!(refused(&legacy(v)), DecodeError::Signature(SignatureError::Parity));
    }
}

#[test]
fn recipient_is_required_for_blobs_and_delegations() {
    let (max_fee_per_gas, max_priority_fee_per_gas) = (U256::from(9), U256::from(1));
    let kinds = [
        Kind::Blob {
            max_fee_per_gas,
            max_priority_fee_per_gas,
            max_fee_per_blob_gas: U256::from(1),
            access_list: Vec::new(),
            blob_versioned_hashes: vec![[1; 32]],
        },
        Kind::SetCode {
            max_fee_per_gas,
            max_priority_fee_per_gas,
            access_list: Vec::new(),
            authorization_list: Vec::new(),
        },
    ];
    for kind in kinds {
        let creation = Transaction { to: None, kind, ..plain() };
        let type_id = creation.type_id();
        assert_eq!(
            refused(&creation.with_signature(signature()).to_bytes()),
            DecodeError::Recipient(type_id)
        );
    }
}

#[test]
fn the_worst_case_fee_counts_gas_and_blobs() {
    assert_eq!(plain().worst_case_fee(), U256::from(21_000 * 9));
    let kind = Kind::Blob {
        max_fee_per_gas: U256::from(9),
        max_priority_fee_per_gas: U256::from(1),
        max_fee_per_blob_gas: U256::from(2),
        access_list: Vec::new(),
        blob_versioned_hashes: vec![[1; 32]; 3],
    };
    assert_eq!(Transaction { kind, ..plain() }.worst_case_fee(), U256::from(21_000 * 9 + 3 * 131_072 * 2));
    let kind = Kind::Legacy { gas_price: U256::MAX };
    assert_eq!(Transaction { kind, ..plain() }.worst_case_fee(), U256::MAX);
}

prop_compose! {
    fn accesses()(list in prop::collection::vec((any::<[u8; 20]>(), prop::collection::vec(any::<[u8; 32]>(), 0..3)), 0..3)) -> Vec<AccessListEntry> {
        list.into_iter().map(|(address, storage_keys)| AccessListEntry { address: Address::new(address), storage_keys }).collect()
    }
}

prop_compose! {
    fn authorization()(chain_id: u64, address: [u8; 20], nonce: u64, odd: bool, r: u64, s: u64) -> Authorization {
        Authorization { chain_id: U256::from(chain_id), address: Address::new(address), nonce, y_parity: odd.into(), r: U256::from(r), s: U256::from(s) }
    }
}

fn kind() -> impl Strategy<Value = Kind> {
    let fees = (any::<u64>(), any::<u64>()).prop_map(|(fee, tip)| (U256::from(fee), U256::from(tip)));
    (
        fees,
        accesses(),
        prop::collection::vec(any::<[u8; 32]>(), 0..3),
        prop::collection::vec(authorization(), 0..3),
        0_u8..5,
    )
        .prop_map(|((fee, tip), access_list, blob_versioned_hashes, authorization_list, type_id)| {
            match type_id {
                0 => Kind::Legacy { gas_price: fee },
                1 => Kind::AccessList { gas_price: fee, access_list },
                2 => Kind::DynamicFee { max_fee_per_gas: fee, max_priority_fee_per_gas: tip, access_list },
                3 => Kind::Blob {
                    max_fee_per_gas: fee,
                    max_priority_fee_per_gas: tip,
                    max_fee_per_blob_gas: tip,
                    access_list,
                    blob_versioned_hashes,
                },
                _ => Kind::SetCode {
                    max_fee_per_gas: fee,
                    max_priority_fee_per_gas: tip,
                    access_list,
                    authorization_list,
                },
            }
        })
}

prop_compose! {
    fn transaction()(kind in kind(), chain_id: u32, nonce: u64, gas_limit: u64, to: [u8; 20], value: [u64; 4], data: Vec<u8>) -> Transaction {
        Transaction { chain_id: Some(chain_id.into()), nonce, gas_limit, to: Some(Address::new(to)), value: U256::from_limbs(value), data, kind }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_transaction_reads_back(transaction in transaction()) {
        let signed = transaction.with_signature(signature());
        prop_assert_eq!(SignedTransaction::decode(&signed.to_bytes()), Ok(signed));
    }

    #[test]
    fn whatever_is_decoded_encodes_to_the_same_bytes(transaction in transaction(), at: usize, bit in 0_u8..8) {
        let mut raw = transaction.with_signature(signature()).to_bytes();
        let at = at % raw.len();
        raw[at] ^= 1 << bit;
        if let Ok(signed) = SignedTransaction::decode(&raw) {
            prop_assert_eq!(signed.to_bytes(), raw);
        }
    }

    #[test]
    fn different_transactions_have_different_digests(one in transaction(), other in transaction()) {
        prop_assert_eq!(one.signing_hash() == other.signing_hash(), one == other);
    }

    #[test]
    fn hostile_bytes_never_panic(bytes: Vec<u8>, type_id in 0_u8..6) {
        let _ = SignedTransaction::decode(&bytes);
        let _ = SignedTransaction::decode(&[&[type_id], bytes.as_slice()].concat());
    }
}
