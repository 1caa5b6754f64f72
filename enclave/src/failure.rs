//! How inner errors are told outside: the status, the kind to act on, and no more than the caller may know.

use serde_json::json;

use crate::api::problem::Problem;
use crate::history::HistoryError;
use crate::keyring::KeyringError;
use crate::ledger::{LedgerError, Refusal};
use crate::rows::RowsError;

impl From<RowsError> for Problem {
    fn from(error: RowsError) -> Self {
        tracing::error!(%error, "a row cannot be used");
        Self::unavailable(error.kind(), format!("the store cannot be used: {}", error.kind()))
    }
}

impl From<HistoryError> for Problem {
    fn from(error: HistoryError) -> Self {
        tracing::error!(%error, "an entry cannot be used");
        let kind = if matches!(error, HistoryError::Store(_)) { "store" } else { "entry_altered" };
        Self::unavailable(kind, "the journal's entries cannot be read back")
    }
}

impl From<LedgerError> for Problem {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Refused(Refusal::Changed { what }) => {
                Self::conflict(format!("{what} changed while the request was being decided; nothing was done"))
            }
            LedgerError::Refused(Refusal::NoRoom { step, reason, .. }) => {
                Self::forbidden(reason).with("step", json!(step))
            }
            LedgerError::Refused(Refusal::Entry(detail)) => {
                tracing::error!(detail, "an entry was refused");
                Self::internal()
            }
            LedgerError::Expired => Self::unauthorized("the credential expired before the record became durable"),
            error @ LedgerError::Busy => Self::unavailable("busy", error.to_string()),
            error @ LedgerError::NotDurable(_) => Self::unavailable("not_durable", error.to_string()),
            error @ LedgerError::Stopped(_) => Self::unavailable("stopped", error.to_string()),
        }
    }
}

impl From<KeyringError> for Problem {
    fn from(error: KeyringError) -> Self {
        match error {
            KeyringError::Rows(error) => error.into(),
            error @ KeyringError::TooFew { .. } => Self::unavailable("custody", error.to_string()),
            error => {
                tracing::error!(%error, "a key is not at hand");
                Self::unavailable("custody", "the key cannot be opened")
            }
        }
    }
}

impl From<serde_json::Error> for Problem {
    fn from(error: serde_json::Error) -> Self {
        tracing::error!(%error, "a row has no JSON form");
        Self::internal()
    }
}
