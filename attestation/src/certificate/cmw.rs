//! The JSON collection (RFC 9999): `{"__cmwc_t": type, label: [media type, base64url, indicator], …}`.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use der::asn1::Utf8StringRef;
use der::{Decode as _, Encode as _};
use serde::{Deserialize, Serialize};

use crate::collateral::LIMIT;
use crate::{Evidence, report};

/// The type of the collection.
const COLLECTION: &str = "tag:shroud.invalid,2026:sev-snp-evidence";
/// The media type of a raw report.
const REPORT: &str = "application/vnd.amd.sev-snp.attestation-report";
/// The media type of a certificate table.
const TABLE: &str = "application/vnd.amd.ghcb.guid-table";
/// The media type of a PEM bundle.
const PEM: &str = "application/pem-certificate-chain";
/// The media type of certificates in DER.
const DER: &str = "application/pkix-cert";
/// Indicator bits: endorsements, evidence.
const ENDORSEMENTS: u32 = 1 << 1;
const EVIDENCE: u32 = 1 << 2;
/// The longest extension that is read: base64 of the longest collateral and a report.
const LONGEST: usize = LIMIT * 2;

/// Why an extension is no evidence.
#[derive(Debug, thiserror::Error)]
pub enum CmwError {
    /// Longer than any evidence.
    #[error("evidence of {0} bytes is too long")]
    TooLong(usize),
    /// Not a UTF8String in DER; the CBOR form is not read.
    #[error("not a JSON wrapper: {0}")]
    Der(#[from] der::Error),
    /// Not the JSON that is expected.
    #[error("the wrapper is malformed: {0}")]
    Json(#[from] serde_json::Error),
    /// Another type of collection.
    #[error("a collection of type {0:?}")]
    Collection(String),
    /// A record has another media type or indicator than its label demands.
    #[error("the record {label:?} is {media_type:?} with indicator {indicator}")]
    Record {
        /// Its label.
        label: &'static str,
        /// What it claims to be.
        media_type: String,
        /// Its indicator.
        indicator: u32,
    },
    /// A value is not base64url without padding.
    #[error("a value is not base64url")]
    Base64,
    /// The report has another length than any report.
    #[error("a report of {0} bytes")]
    Report(usize),
}

/// Media type, base64url, indicator.
#[derive(Serialize, Deserialize)]
struct Record(String, String, u32);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Collection {
    #[serde(rename = "__cmwc_t")]
    kind: String,
    report: Record,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    certificates: Option<Record>,
}

pub(super) fn encode(evidence: &Evidence) -> Vec<u8> {
    let certificates = &evidence.certificates;
    let collection = Collection {
        kind: COLLECTION.into(),
        report: record(REPORT, &evidence.report, EVIDENCE),
        certificates: (!certificates.is_empty())
            .then(|| record(media_type(certificates), certificates, ENDORSEMENTS)),
    };
    let json = serde_json::to_string(&collection).unwrap_or_default();
    Utf8StringRef::new(&json).and_then(|text| text.to_der()).unwrap_or_default()
}

fn record(media_type: &str, bytes: &[u8], indicator: u32) -> Record {
    Record(media_type.into(), BASE64_URL_SAFE_NO_PAD.encode(bytes), indicator)
}

fn media_type(certificates: &[u8]) -> &'static str {
    match certificates {
        [0x30, ..] => DER,
        bytes if core::str::from_utf8(bytes).is_ok_and(|text| text.contains("-----BEGIN ")) => PEM,
        _ => TABLE,
    }
}

pub(super) fn parse(value: &[u8]) -> Result<Evidence, CmwError> {
    if value.len() > LONGEST {
        return Err(CmwError::TooLong(value.len()));
    }
    let collection: Collection = serde_json::from_str(Utf8StringRef::from_der(value)?.as_str())?;
    if collection.kind != COLLECTION {
        return Err(CmwError::Collection(collection.kind));
    }
    let report = collection.report.open("report", &[REPORT], EVIDENCE)?;
    if report.len() != report::LENGTH {
        return Err(CmwError::Report(report.len()));
    }
    let certificates = match collection.certificates {
        Some(record) => record.open("certificates", &[TABLE, PEM, DER], ENDORSEMENTS)?,
        None => Vec::new(),
    };
    Ok(Evidence { report, certificates })
}

impl Record {
    fn open(self, label: &'static str, types: &[&str], expected: u32) -> Result<Vec<u8>, CmwError> {
        let Self(media_type, value, indicator) = self;
        if !types.contains(&media_type.as_str()) || indicator != expected {
            return Err(CmwError::Record { label, media_type, indicator });
        }
        BASE64_URL_SAFE_NO_PAD.decode(value).map_err(|_| CmwError::Base64)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wrap(json: &str) -> Vec<u8> {
        Utf8StringRef::new(json).unwrap().to_der().unwrap()
    }

    proptest! {
        #[test]
        fn evidence_reads_back(report in proptest::collection::vec(any::<u8>(), 1184), certificates: Vec<u8>) {
            let evidence = Evidence { report, certificates };
            prop_assert_eq!(parse(&encode(&evidence)).unwrap(), evidence);
        }

        #[test]
        fn hostile_extensions_never_panic(bytes: Vec<u8>, text in ".{0,100}") {
            prop_assert!(parse(&bytes).is_err());
            prop_assert!(parse(&wrap(&text)).is_err());
        }
    }

    #[test]
    fn reject_another_record() {
        let json = |kind: &str, media: &str, value: &str, indicator: u32| {
            wrap(&format!(r#"{{"__cmwc_t":"{kind}","report":["{media}","{value}",{indicator}]}}"#))
        };
        assert!(matches!(parse(&json("tag:other", REPORT, "AA", 4)), Err(CmwError::Collection(_))));
        assert!(matches!(parse(&json(COLLECTION, "text/plain", "AA", 4)), Err(CmwError::Record { .. })));
        assert!(matches!(parse(&json(COLLECTION, REPORT, "AA", 8)), Err(CmwError::Record { .. })));
        assert!(matches!(parse(&json(COLLECTION, REPORT, "A=", 4)), Err(CmwError::Base64)));
        assert!(matches!(parse(&json(COLLECTION, REPORT, "AA", 4)), Err(CmwError::Report(1))));
        assert!(matches!(parse(&vec![0; LONGEST + 1]), Err(CmwError::TooLong(_))));
        assert!(matches!(parse(&[0x04, 0]), Err(CmwError::Der(_))));
        assert!(matches!(parse(&wrap("{}")), Err(CmwError::Json(_))));
    }
}
