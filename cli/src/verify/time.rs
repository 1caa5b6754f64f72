//! A time as RFC 3339 writes it, in seconds since 1970.

use std::str::FromStr as _;

use x509_cert::der::DateTime;

/// Reads `2026-01-01T00:00:00Z`, with an offset instead of `Z` and a fraction of a second where there is one; the
/// fraction is dropped.
pub(super) fn parse(text: &str) -> Result<u64, String> {
    read(text).ok_or_else(|| "expected a time such as 2026-01-01T00:00:00Z".into())
}

fn read(text: &str) -> Option<u64> {
    let (date, rest) = text.split_at_checked(19)?;
    let date = DateTime::from_str(&format!("{}Z", date.replace(['t', ' '], "T"))).ok()?;
    let zone = rest
        .strip_prefix('.')
        .map_or(rest, |fraction| fraction.trim_start_matches(|c: char| c.is_ascii_digit()));
    let seconds = i64::try_from(date.unix_duration().as_secs()).ok()?;
    u64::try_from(seconds - offset(zone)?).ok()
}

/// Seconds east of Greenwich.
fn offset(zone: &str) -> Option<i64> {
    if zone.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let (sign, digits) = match zone.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = digits.split_once(':')?;
    let two = |part: &str, limit: i64| {
        let value = part.parse::<u8>().ok().map(i64::from)?;
        (part.len() == 2 && value < limit).then_some(value)
    };
    Some(sign * (two(hours, 24)? * 3600 + two(minutes, 60)? * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_rfc_3339_are_read() {
        assert_eq!(parse("1970-01-02T00:00:00Z"), Ok(86_400));
        assert_eq!(parse("1970-01-02T01:30:00+01:30"), Ok(86_400));
        assert_eq!(parse("1970-01-01T23:00:00.25-01:00"), Ok(86_400));
        for wrong in
            ["", "2026-01-01", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00", "2026-01-01T00:00:00+1:00"]
        {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
