//! A witness's answer, as the log reads it.

use shroud_wire::limits;
use shroud_wire::note::SignatureLine;

use crate::checkpoint::decimal;

/// What a witness answered; nothing about it is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// 200: lines to pass to [`crate::Cosigning::add`].
    Cosigned(Vec<SignatureLine>),
    /// 409: the witness's newest checkpoint has this size; ask again with a proof from there.
    Conflict {
        /// The witness's size.
        size: u64,
    },
    /// 403 with a term: another guest has taken over, this one must stop writing.
    Superseded {
        /// The newest term.
        term: u64,
    },
    /// Any other refusal.
    Refused {
        /// The HTTP status.
        status: u16,
        /// The first line of the body.
        detail: String,
    },
    /// A body that its status does not allow.
    Malformed {
        /// The HTTP status.
        status: u16,
    },
}

impl Answer {
    /// Reads an HTTP answer.
    #[must_use]
    pub fn read(status: u16, body: &[u8]) -> Self {
        let malformed = Self::Malformed { status };
        if body.len() > limits::NOTE {
            return malformed;
        }
        let Ok(text) = core::str::from_utf8(body) else { return malformed };
        match status {
            200 => cosigned(text).map_or(malformed, Self::Cosigned),
            409 => {
                text.strip_suffix('\n').and_then(decimal).map_or(malformed, |size| Self::Conflict { size })
            }
            _ => refused(status, text),
        }
    }
}

fn cosigned(text: &str) -> Option<Vec<SignatureLine>> {
    text.strip_suffix('\n')?.split('\n').map(|line| SignatureLine::parse(line).ok()).collect()
}

fn refused(status: u16, text: &str) -> Answer {
    let first = text.lines().next().unwrap_or_default();
    let term = if status == 403 { first.strip_prefix("term ").and_then(decimal) } else { None };
    match term {
        Some(term) => Answer::Superseded { term },
        None => Answer::Refused { status, detail: first.chars().take(200).collect() },
    }
}
