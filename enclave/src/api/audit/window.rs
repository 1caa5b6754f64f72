//! A span of time as a span of entries: entries' times never fall, so its ends are found by halving.

use std::ops::Range;

use crate::api::Request;
use crate::api::problem::Problem;
use crate::enclave::{Enclave, Unsealed};
use crate::history::HistoryError;
use crate::instant;

/// `from` and `to` of a query, unix seconds, both inclusive.
pub(super) struct Times {
    from: Option<u64>,
    to: Option<u64>,
}

impl Times {
    /// From the query.
    ///
    /// # Errors
    /// 400 for what is no time.
    pub(super) fn read(request: &Request) -> Result<Self, Problem> {
        let time = |name: &str| -> Result<Option<u64>, Problem> {
            let Some(text) = request.call.query(name)? else { return Ok(None) };
            let wrong =
                || Problem::bad_request(format!("{name}: expected a time as in RFC 3339, found {text:?}"));
            instant::parse(&text).map(Some).ok_or_else(wrong)
        };
        Ok(Self { from: time("from")?, to: time("to")? })
    }

    /// The entries of that time.
    pub(super) async fn window(&self, enclave: &Enclave<Unsealed>) -> Result<Range<u64>, HistoryError> {
        let size = enclave.ledger.log().size();
        let start = match self.from {
            Some(from) => first(enclave, 0..size, |time| time >= from).await?,
            None => 0,
        };
        let end = match self.to {
            Some(to) => first(enclave, start..size, |time| time > to).await?,
            None => size,
        };
        Ok(start..end)
    }
}

/// The first entry whose time is late enough; the end of the range if none is.
async fn first(
    enclave: &Enclave<Unsealed>,
    range: Range<u64>,
    is_late: impl Fn(u64) -> bool,
) -> Result<u64, HistoryError> {
    let Range { mut start, mut end } = range;
    while start < end {
        let middle = start + (end - start) / 2;
        let found = enclave.history.between(middle, middle + 1).await?;
        if found.iter().all(|entry| is_late(entry.time)) {
            end = middle;
        } else {
            start = middle + 1;
        }
    }
    Ok(start)
}
