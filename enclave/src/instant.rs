//! Times in the API: RFC 3339 in UTC, whole seconds inside (unix).

use std::time::Duration;

use der::DateTime;
use serde::{Deserialize, Deserializer};

/// A time that a request names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Instant(u64);

impl Instant {
    /// Unix seconds.
    pub(crate) fn unix(self) -> u64 {
        self.0
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = || serde::de::Error::custom(format!("expected a time as in RFC 3339, found {text:?}"));
        parse(&text).map(Self).ok_or_else(wrong)
    }
}

/// The time in words: `2026-01-02T03:04:05Z`. Beyond the year 9999 there is none.
pub(crate) fn rfc3339(unix: u64) -> String {
    DateTime::from_unix_duration(Duration::from_secs(unix)).map(|time| time.to_string()).unwrap_or_default()
}

/// Unix seconds of a time in words, with `Z` or an offset; fractions of a second are cut off.
pub(crate) fn parse(text: &str) -> Option<u64> {
    let (date, rest) = text.split_at_checked(19)?;
    let rest = rest.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
    let local =
        format!("{}Z", date.replace(['t', ' '], "T")).parse::<DateTime>().ok()?.unix_duration().as_secs();
    if matches!(rest, "Z" | "z") {
        return Some(local);
    }
    let (sign, offset) = rest.split_at_checked(1)?;
    let (hours, minutes) = offset.split_once(':')?;
    let (hours, minutes): (u64, u64) = (hours.parse().ok()?, minutes.parse().ok()?);
    let seconds = (hours < 24 && minutes < 60).then_some(hours * 3600 + minutes * 60)?;
    match sign {
        "+" => local.checked_sub(seconds),
        "-" => local.checked_add(seconds),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_back() {
        assert_eq!(parse("2026-01-02T03:04:05Z").map(rfc3339).as_deref(), Some("2026-01-02T03:04:05Z"));
        assert_eq!(parse("2026-01-02T03:04:05.678Z"), parse("2026-01-02T03:04:05Z"));
        assert_eq!(parse("2026-01-02T03:04:05+01:00"), parse("2026-01-02T02:04:05Z"));
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in
            ["", "yesterday", "2026-13-02T03:04:05Z", "2026-01-02T03:04:05", "2026-01-02T03:04:05+99:00"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
