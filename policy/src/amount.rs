//! Amounts: decimal strings outside, integers of the smallest unit inside. No float anywhere.
//!
//! A decimal string has digits and at most one point with digits on both sides. A sign, an exponent, hex, white space,
//! separators, more fraction digits than the unit has, and anything from 2^256 upwards are refused.

pub use ruint::aliases::U256;

/// Fraction digits of ether and of every native currency here.
pub const ETHER: u8 = 18;
/// Fraction digits of one gwei in wei.
pub const GWEI: u8 = 9;
/// Longest text that is read as an amount: 78 digits of 2^256, a point, and as many zeros as anybody needs.
const LONGEST: usize = 128;

/// Why a text is not an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Nothing is there.
    #[error("an amount has digits, found none")]
    Empty,
    /// A plus or minus sign.
    #[error("an amount has no sign")]
    Sign,
    /// An exponent, such as `1e18`.
    #[error("an amount has no exponent")]
    Exponent,
    /// Hexadecimal digits.
    #[error("an amount is decimal, not hex")]
    Hex,
    /// White space.
    #[error("an amount has no white space")]
    Space,
    /// Another character, or a point without digits on both sides.
    #[error("an amount is decimal digits with at most one point between them")]
    Digit,
    /// More fraction digits than the unit has.
    #[error("an amount has at most {allowed} fraction digits here, found {found}")]
    Fraction {
        /// Fraction digits of the unit.
        allowed: u8,
        /// Fraction digits found.
        found: usize,
    },
    /// 2^256 or more.
    #[error("an amount is below 2^256 of the smallest unit")]
    Overflow,
}

/// Reads a decimal string as a number of smallest units, of which 10^`decimals` make one.
///
/// # Errors
/// [`AmountError`] names what is wrong.
pub fn parse_units(text: &str, decimals: u8) -> Result<U256, AmountError> {
    let (whole, fraction) = split(text)?;
    let found = fraction.len();
    let missing =
        usize::from(decimals).checked_sub(found).ok_or(AmountError::Fraction { allowed: decimals, found })?;
    let zeros = core::iter::repeat_n(b'0', missing);
    whole.bytes().chain(fraction.bytes()).chain(zeros).try_fold(U256::ZERO, |sum, digit| {
        let digit = U256::from(digit.wrapping_sub(b'0'));
        sum.checked_mul(U256::from(10)).and_then(|sum| sum.checked_add(digit)).ok_or(AmountError::Overflow)
    })
}

/// Reads whole ether (or another native unit) as wei.
///
/// # Errors
/// [`AmountError`] names what is wrong.
pub fn parse_ether(text: &str) -> Result<U256, AmountError> {
    parse_units(text, ETHER)
}

/// Reads an integer of the smallest unit.
///
/// # Errors
/// [`AmountError`] names what is wrong.
pub fn parse_integer(text: &str) -> Result<U256, AmountError> {
    parse_units(text, 0)
}

/// Writes smallest units as the shortest exact decimal string.
#[must_use]
pub fn format_units(amount: U256, decimals: u8) -> String {
    let width = usize::from(decimals);
    let digits = format!("{amount:0>fill$}", fill = width + 1);
    let (whole, fraction) = digits.split_at(digits.len() - width);
    match fraction.trim_end_matches('0') {
        "" => whole.to_owned(),
        fraction => format!("{whole}.{fraction}"),
    }
}

/// Writes wei as whole ether (or another native unit).
#[must_use]
pub fn format_ether(amount: U256) -> String {
    format_units(amount, ETHER)
}

fn split(text: &str) -> Result<(&str, &str), AmountError> {
    if text.is_empty() {
        return Err(AmountError::Empty);
    }
    if text.starts_with("0x") || text.starts_with("0X") {
        return Err(AmountError::Hex);
    }
    if let Some(wrong) = text.chars().find(|c| !c.is_ascii_digit() && *c != '.') {
        return Err(match wrong {
            '+' | '-' => AmountError::Sign,
            'e' | 'E' => AmountError::Exponent,
            c if c.is_whitespace() => AmountError::Space,
            c if c.is_ascii_hexdigit() => AmountError::Hex,
            _ => AmountError::Digit,
        });
    }
    if text.len() > LONGEST {
        return Err(AmountError::Overflow);
    }
    match text.split_once('.') {
        None => Ok((text, "")),
        Some(("", _) | (_, "")) => Err(AmountError::Digit),
        Some((_, fraction)) if fraction.contains('.') => Err(AmountError::Digit),
        Some(parts) => Ok(parts),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ether_becomes_wei() {
        assert_eq!(parse_ether("0.25"), Ok(U256::from(250_000_000_000_000_000_u64)));
        assert_eq!(parse_ether("0.000000000000000001"), Ok(U256::from(1)));
        assert_eq!(parse_ether("0"), Ok(U256::ZERO));
        assert_eq!(parse_integer("2000000000"), Ok(U256::from(2_000_000_000_u64)));
    }

    #[test]
    fn empty_is_refused() {
        assert_eq!(parse_ether(""), Err(AmountError::Empty));
    }

    #[test]
    fn sign_is_refused() {
        assert_eq!(parse_ether("-1"), Err(AmountError::Sign));
        assert_eq!(parse_ether("+1"), Err(AmountError::Sign));
    }

    #[test]
    fn exponent_is_refused() {
        assert_eq!(parse_ether("1e-1"), Err(AmountError::Exponent));
        assert_eq!(parse_ether("1E3"), Err(AmountError::Exponent));
    }

    #[test]
    fn hex_is_refused() {
        assert_eq!(parse_ether("0x10"), Err(AmountError::Hex));
        assert_eq!(parse_ether("1f"), Err(AmountError::Hex));
    }

    #[test]
    fn space_is_refused() {
        for text in [" 1", "1 ", "1\n", "1\u{a0}0"] {
            assert_eq!(parse_ether(text), Err(AmountError::Space), "{text:?}");
        }
    }

    #[test]
    fn digit_is_required() {
        for text in ["1,5", "1_0", ".5", "5.", ".", "1.2.3", "\u{0661}", "NaN", "inf"] {
            assert_eq!(parse_ether(text), Err(AmountError::Digit), "{text:?}");
        }
    }

    #[test]
    fn fraction_is_bounded() {
        let text = "0.0000000000000000001";
        assert_eq!(parse_ether(text), Err(AmountError::Fraction { allowed: 18, found: 19 }));
        assert_eq!(parse_integer("1.0"), Err(AmountError::Fraction { allowed: 0, found: 1 }));
    }

    #[test]
    fn overflow_at_two_to_the_256_is_refused() {
        let largest = U256::MAX.to_string();
        assert_eq!(parse_integer(&largest), Ok(U256::MAX));
        let above = "115792089237316195423570985008687907853269984665640564039457584007913129639936";
        assert_eq!(parse_integer(above), Err(AmountError::Overflow));
        assert_eq!(parse_ether(&largest), Err(AmountError::Overflow));
        assert_eq!(parse_ether(&"0".repeat(200)), Err(AmountError::Overflow));
    }

    proptest! {
        #[test]
        fn amounts_read_back(limbs: [u64; 4], decimals in 0_u8..=36) {
            let amount = U256::from_limbs(limbs);
            prop_assert_eq!(parse_units(&format_units(amount, decimals), decimals), Ok(amount));
        }

        #[test]
        fn written_form_is_a_fixed_point(whole in 0_u64.., fraction in "[0-9]{0,18}") {
            let text = if fraction.is_empty() { whole.to_string() } else { format!("{whole}.{fraction}") };
            let amount = parse_ether(&text).unwrap();
            prop_assert_eq!(parse_ether(&format_ether(amount)), Ok(amount));
        }

        #[test]
        fn hostile_text_never_panics(text: String, decimals: u8) {
            let _ = parse_units(&text, decimals);
        }
    }
}
