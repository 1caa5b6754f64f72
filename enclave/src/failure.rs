//! How inner errors are told outside: the status, the kind to act on, and no more than the caller may know.

use hyper::StatusCode;
use serde_json::json;
use shroud_custody::{CustodyMode, Disclosure, OpenError};

use crate::api::problem::Problem;
use crate::history::HistoryError;
use crate::keyring::KeyringError;
use crate::ledger::{LedgerError, Refusal};
use crate::rows::RowsError;
use crate::session::SessionError;

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
            LedgerError::Refused(Refusal::Changed { what }) => Self::conflict(format!(
                "{what} changed while the request was being decided; nothing was done"
            )),
            LedgerError::Refused(Refusal::NoRoom { step, reason, .. }) => {
                Self::forbidden(reason).with("step", json!(step))
            }
            LedgerError::Refused(Refusal::Entry(detail)) => {
                tracing::error!(detail, "an entry was refused");
                Self::internal()
            }
            LedgerError::Expired => {
                Self::unauthorized("the credential expired before the record became durable")
            }
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
            error @ (KeyringError::TooFew { .. } | KeyringError::Wrap(_)) => {
                Self::unavailable("custody", error.to_string())
            }
            KeyringError::Open { mode, error } => closed(mode, &error),
            error => {
                tracing::error!(%error, "a key is not at hand");
                Self::unavailable("custody", "the key cannot be opened")
            }
        }
    }
}

impl From<SessionError> for Problem {
    fn from(error: SessionError) -> Self {
        match error {
            error @ SessionError::Busy => Self::unavailable("busy", error.to_string()),
            error @ SessionError::Checkpoint => Self::unavailable("quorum", error.to_string()),
            error @ SessionError::Ended => Self::unavailable("stopped", error.to_string()),
            SessionError::Processor(detail) => {
                tracing::error!(detail, "no report for sessions");
                Self::unavailable("processor", "the security processor gave no report")
            }
            error @ SessionError::Exporter => {
                tracing::error!(%error, "no session evidence");
                Self::internal()
            }
        }
    }
}

/// A secret that does not open: a wrong client share and damaged data are told in the same words.
fn closed(mode: CustodyMode, error: &OpenError) -> Problem {
    match error.disclosure(mode) {
        Disclosure::ClientShareNeeded => Problem::bad_request(format!("X-Client-Share: {error}")),
        Disclosure::Refused => Problem::forbidden(
            "the secret does not open with this client share, or what is stored of it is damaged",
        ),
        Disclosure::Unavailable => Problem::unavailable("custody", error.to_string()),
        Disclosure::Damaged => {
            tracing::error!(%error, "a secret is damaged");
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "what is stored of the secret is damaged")
        }
    }
}

impl From<serde_json::Error> for Problem {
    fn from(error: serde_json::Error) -> Self {
        tracing::error!(%error, "a row has no JSON form");
        Self::internal()
    }
}

#[cfg(test)]
mod tests {
    use shroud_custody::{Refusal, UnsealError};

    use super::*;

    fn refused(refusal: Refusal) -> OpenError {
        OpenError::Refused { refusal, faults: Vec::new() }
    }

    #[test]
    fn a_wrong_client_share_and_damaged_data_are_told_alike() {
        for mode in CustodyMode::ALL.into_iter().filter(|mode| mode.needs_client_share()) {
            let told = |refusal| {
                let problem = closed(mode, &refused(refusal));
                (problem.status, problem.body())
            };
            let wrong = told(Refusal::WrongClientShare);
            assert_eq!(wrong.0, StatusCode::FORBIDDEN);
            assert_eq!(told(Refusal::Value(UnsealError::NotAuthentic)), wrong, "{mode}");
            assert_eq!(told(Refusal::NotCommitted { suspects: Vec::new() }), wrong, "{mode}");
            assert_eq!(told(Refusal::TooFewSound { needed: 2, usable: 1 }), wrong, "{mode}");
        }
    }

    #[test]
    fn a_missing_client_share_is_the_callers_to_mend() {
        let problem = closed(CustodyMode::Client2of2, &OpenError::ClientShareMissing);
        assert_eq!(problem.status, StatusCode::BAD_REQUEST);
        assert!(problem.detail.starts_with("X-Client-Share: "));
    }

    #[test]
    fn damage_without_a_client_is_no_refusal() {
        let problem = closed(CustodyMode::MultiHsm2of3, &refused(Refusal::Value(UnsealError::NotAuthentic)));
        assert_eq!(problem.status, StatusCode::INTERNAL_SERVER_ERROR);
    }
}
