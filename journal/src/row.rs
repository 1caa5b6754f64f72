//! The hash of a stored row, as the journal carries it: over everything that the host keeps, sealed body included.
//!
//! ```text
//! SHA-256(canonical("shroud/v1/row", table, key, version, body, count of columns, name ‖ value of each by name))
//! ```

use std::collections::BTreeMap;

use shroud_wire::canonical::Canonical;
use shroud_wire::store::Row;

use crate::hash::{Hash, sha256};

const LABEL: &str = "shroud/v1/row";

/// The hash of a row: table, key, version, sealed body and projections (sorted by name).
#[must_use]
pub fn row_hash(row: &Row) -> Hash {
    let columns: BTreeMap<&String, &String> = row.columns.iter().collect();
    let fixed = Canonical::new(LABEL)
        .number(row.table.into())
        .field(&row.key)
        .number(row.version)
        .field(&row.body)
        .number(columns.len() as u64);
    let bytes = columns.into_iter().fold(fixed, |bytes, (name, value)| bytes.field(name).field(value));
    sha256(&[&bytes.into_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        let columns = [("provider", "gcp"), ("vault_id", "v")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        Row { table: 5, key: "v/gcp".into(), version: 3, body: vec![1, 2], columns: columns.into() }
    }

    #[test]
    fn every_part_counts() {
        let whole = row_hash(&row());
        let others = [
            Row { table: 6, ..row() },
            Row { key: "v/aws".into(), ..row() },
            Row { version: 4, ..row() },
            Row { body: vec![1, 3], ..row() },
            Row { columns: [("provider".to_owned(), "gcp".to_owned())].into(), ..row() },
            Row {
                columns: [("provider", "v"), ("vault_id", "gcp")].map(|(k, v)| (k.into(), v.into())).into(),
                ..row()
            },
        ];
        for other in others {
            assert_ne!(row_hash(&other), whole);
        }
        assert_eq!(row_hash(&row()), whole);
    }
}
