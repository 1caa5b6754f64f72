//! The entry's bytes: one form for each value, and nothing else is read.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn entry() -> Entry {
    Entry {
        sequence: 7,
        previous: [1; 32],
        time: 1_700_000_000,
        term: 3,
        kind: Kind::Sign,
        id: [2; 16],
        actor: "agent:a".into(),
        subject: "key:k".into(),
        policy_digest: Some([3; 32]),
        rows: vec![
            RowChange { table: 9, key: "t".into(), version: 1, hash: Some([4; 32]) },
            RowChange { table: 11, key: "i".into(), version: 2, hash: None },
        ],
        spends: vec![Spend {
            agent: "a".into(),
            asset: "1/native".into(),
            amount: [5; 32],
            counterparty: "0x00".into(),
        }],
        details: b"{}".to_vec(),
        blinding: [6; 32],
    }
}

fn hash() -> impl Strategy<Value = Option<Hash>> {
    proptest::option::of(any::<Hash>())
}

fn rows() -> impl Strategy<Value = Vec<RowChange>> {
    let row = (1_u32..=13, "[a-z/]{1,12}", 1_u64..1 << 63, hash());
    let row = row.prop_map(|(table, key, version, hash)| RowChange { table, key, version, hash });
    vec(row, 0..4).prop_map(|mut rows| {
        rows.sort_by(|a, b| (a.table, &a.key).cmp(&(b.table, &b.key)));
        rows.dedup_by(|a, b| (a.table, &a.key) == (b.table, &b.key));
        rows
    })
}

fn spends() -> impl Strategy<Value = Vec<Spend>> {
    let spend = ("[a-z]{1,8}", "[a-z0-9]{1,8}", any::<[u8; 32]>(), "[a-z]{0,8}");
    let spend =
        spend.prop_map(|(agent, asset, amount, counterparty)| Spend { agent, asset, amount, counterparty });
    vec(spend, 0..4)
}

fn entries() -> impl Strategy<Value = Entry> {
    let numbers =
        (any::<u64>(), any::<Hash>(), any::<u64>(), any::<u64>(), 0..Kind::ALL.len(), any::<[u8; 16]>());
    let rest = ("[a-z:é]{1,20}", "[a-z:é]{0,20}", hash(), rows(), spends(), any::<Vec<u8>>(), any::<Hash>());
    (numbers, rest).prop_map(|((sequence, previous, time, term, kind, id), rest)| {
        let (actor, subject, policy_digest, rows, spends, details, blinding) = rest;
        let kind = Kind::ALL[kind];
        Entry {
            sequence,
            previous,
            time,
            term,
            kind,
            id,
            actor,
            subject,
            policy_digest,
            rows,
            spends,
            details,
            blinding,
        }
    })
}

proptest! {
    #[test]
    fn an_entry_reads_back(entry in entries()) {
        prop_assert_eq!(Entry::parse(&entry.to_bytes()), Ok(entry));
    }

    #[test]
    fn bent_bytes_are_refused_or_another_entry(entry in entries(), at: usize, bit in 0_u8..8) {
        let mut bytes = entry.to_bytes();
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        if let Ok(other) = Entry::parse(&bytes) {
            prop_assert_ne!(&other, &entry);
            prop_assert_eq!(other.to_bytes(), bytes);
        }
    }

    #[test]
    fn cut_or_longer_bytes_are_refused(entry in entries(), at: usize, extra in vec(any::<u8>(), 1..8)) {
        let bytes = entry.to_bytes();
        prop_assert!(Entry::parse(&bytes[..at % bytes.len()]).is_err());
        prop_assert!(Entry::parse(&[bytes, extra].concat()).is_err());
    }

    #[test]
    fn hostile_bytes_never_panic(bytes: Vec<u8>) {
        let labelled = [Canonical::new(LABEL).into_bytes(), bytes.clone()].concat();
        prop_assert!(Entry::parse(&bytes).is_err());
        prop_assert!(Entry::parse(&labelled).is_err());
    }
}

/// Frozen: these hashes may never change, or old journals cannot be read.
#[test]
fn the_form_is_frozen() {
    let entry = entry();
    assert_eq!(
        hex::encode(entry.leaf_hash()),
        "fa4c2a0c7347adc4ddb8c6857207954de27a7e76440acc0229ea8ea0fb100ec3"
    );
    assert_eq!(
        hex::encode(entry.chain_hash()),
        "8bfd5691ba032a99acfe61ada8d8200a3d814a6bfc5290a2d3e10a065694c576"
    );
    assert_eq!(entry.chain_hash(), chain_hash(&[1; 32], &leaf_hash(&entry.to_bytes())));
}

#[test]
fn blinding_changes_the_leaf() {
    assert_ne!(Entry { blinding: [7; 32], ..entry() }.leaf_hash(), entry().leaf_hash());
}

#[test]
fn debug_shows_nothing_of_the_customers() {
    let shown = format!("{:?}", Entry { actor: "alice".into(), details: b"secret".to_vec(), ..entry() });
    assert!(shown.contains("Sign") && !shown.contains("alice") && !shown.contains("115, 101"), "{shown}");
}

fn refused(entry: &Entry) -> EntryError {
    Entry::parse(&entry.to_bytes()).unwrap_err()
}

#[test]
fn another_label_is_malformed() {
    let bytes = Canonical::new("shroud/v1/row").into_bytes();
    assert!(matches!(Entry::parse(&bytes), Err(EntryError::Malformed(Malformed::Label { .. }))));
}

#[test]
fn a_hash_of_another_width_is_malformed() {
    let mut bytes = entry().to_bytes();
    let at =
        bytes.windows(36).position(|window| window[..4] == [0, 0, 0, 32] && window[4..] == [3; 32]).unwrap();
    bytes.splice(at..at + 5, [0, 0, 0, 31]);
    let width = Malformed::Width { expected: 32, found: 31 };
    assert_eq!(Entry::parse(&bytes), Err(EntryError::Malformed(width)));
}

#[test]
fn an_entry_too_long_is_refused() {
    let details = vec![0; LENGTH];
    assert!(matches!(refused(&Entry { details, ..entry() }), EntryError::TooLong(_)));
}

#[test]
fn an_unknown_kind_is_refused() {
    let mut bytes = entry().to_bytes();
    let at = bytes.windows(6).position(|window| window == [0, 0, 0, 2, 0, 70]).unwrap();
    bytes[at + 4] = 0xff;
    assert_eq!(Entry::parse(&bytes), Err(EntryError::UnknownKind(0xff46)));
}

#[test]
fn an_unknown_table_is_refused() {
    let row = RowChange { table: 99, key: "k".into(), version: 1, hash: None };
    assert_eq!(refused(&Entry { rows: vec![row], ..entry() }), EntryError::UnknownTable(99));
}

#[test]
fn too_many_rows_are_refused() {
    let row = |n: usize| RowChange { table: 1, key: n.to_string(), version: 1, hash: None };
    let rows = (0..=limits::ROWS).map(row).collect();
    assert_eq!(refused(&Entry { rows, ..entry() }), EntryError::TooManyRows(1025));
}

#[test]
fn too_many_spends_are_refused() {
    let spends = vec![entry().spends.remove(0); limits::ENTRY_SPENDS + 1];
    assert_eq!(refused(&Entry { spends, ..entry() }), EntryError::TooManySpends(65));
}

#[test]
fn a_count_that_lies_allocates_nothing() {
    let entry = Entry { rows: vec![], spends: vec![], ..entry() };
    let bytes = entry.to_bytes();
    // The count of rows stands before the count of spends, the details, and the blinding.
    let at = bytes.len() - 36 - 6 - 12 - 8;
    let mut lying = bytes;
    lying[at..at + 8].copy_from_slice(&u64::MAX.to_be_bytes());
    assert_eq!(Entry::parse(&lying), Err(EntryError::TooManyRows(u64::MAX)));
}

#[test]
fn texts_that_break_the_rules_are_refused() {
    let long = "x".repeat(limits::ENTRY_TEXT + 1);
    let spend = || entry().spends.remove(0);
    let cases = [
        (Entry { actor: String::new(), ..entry() }, "actor"),
        (Entry { actor: "a\nb".into(), ..entry() }, "actor"),
        (Entry { subject: long, ..entry() }, "subject"),
        (Entry { spends: vec![Spend { agent: String::new(), ..spend() }], ..entry() }, "agent"),
        (Entry { spends: vec![Spend { asset: "a\u{85}".into(), ..spend() }], ..entry() }, "asset"),
        (Entry { spends: vec![Spend { counterparty: "\0".into(), ..spend() }], ..entry() }, "counterparty"),
    ];
    for (entry, field) in cases {
        assert_eq!(refused(&entry), EntryError::Text(field));
    }
    for key in [String::new(), "k".repeat(limits::ROW_KEY + 1)] {
        let row = RowChange { table: 1, key, version: 1, hash: None };
        assert_eq!(refused(&Entry { rows: vec![row], ..entry() }), EntryError::Text("row key"));
    }
}

#[test]
fn a_row_named_twice_is_refused() {
    let row = RowChange { table: 1, key: "k".into(), version: 1, hash: Some([0; 32]) };
    let twice = Entry { rows: vec![row.clone(), RowChange { version: 2, ..row }], ..entry() };
    assert_eq!(refused(&twice), EntryError::RowTwice { table: 1, key: "k".into() });
}

#[test]
fn a_row_version_outside_its_range_is_refused() {
    for version in [0, 1 << 63, u64::MAX] {
        let row = RowChange { table: 1, key: "k".into(), version, hash: None };
        assert_eq!(refused(&Entry { rows: vec![row], ..entry() }), EntryError::RowVersion("k".into()));
    }
}
