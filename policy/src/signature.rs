//! A secp256k1 signature as Ethereum writes it: r, s in the lower half, and the parity of R's y.

use ruint::aliases::U256;

/// The order of the group, secp256k1's n.
const ORDER: U256 = U256::from_limbs([
    0xbfd2_5e8c_d036_4141,
    0xbaae_dce6_af48_a03b,
    0xffff_ffff_ffff_fffe,
    0xffff_ffff_ffff_ffff,
]);

/// r and s in range, s in the lower half (EIP-2), and the parity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    r: U256,
    s: U256,
    odd: bool,
}

/// Why two numbers are not a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// r or s is zero, or not below the order of the group.
    #[error("r or s is outside 1..n")]
    Range,
    /// s is in the upper half: a second signature that anyone can make from the first.
    #[error("s is in the upper half")]
    HighS,
    /// v is neither 0 or 1, nor what EIP-155 makes of the chain id.
    #[error("v names no parity for this chain")]
    Parity,
}

impl Signature {
    /// A signature of big-endian r and s, and whether R's y is odd.
    ///
    /// # Errors
    /// [`SignatureError::Range`] or [`SignatureError::HighS`].
    pub fn new(r: &[u8; 32], s: &[u8; 32], odd: bool) -> Result<Self, SignatureError> {
        Self::from_numbers(U256::from_be_bytes(*r), U256::from_be_bytes(*s), odd)
    }

    pub(crate) fn from_numbers(r: U256, s: U256, odd: bool) -> Result<Self, SignatureError> {
        let outside = |number: U256| number.is_zero() || number >= ORDER;
        if outside(r) || outside(s) {
            return Err(SignatureError::Range);
        }
        if s > (ORDER >> 1) {
            return Err(SignatureError::HighS);
        }
        Ok(Self { r, s, odd })
    }

    /// r.
    #[must_use]
    pub fn r(&self) -> U256 {
        self.r
    }

    /// s.
    #[must_use]
    pub fn s(&self) -> U256 {
        self.s
    }

    /// 0 where R's y is even, 1 where it is odd.
    #[must_use]
    pub fn y_parity(&self) -> u8 {
        u8::from(self.odd)
    }

    /// r ‖ s ‖ v with v = 27 or 28, 65 bytes, as messages and typed data carry it.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 65] {
        let mut bytes = [0; 65];
        let parts = self.r.to_be_bytes::<32>().into_iter().chain(self.s.to_be_bytes::<32>());
        let parts = parts.chain([27 + self.y_parity()]);
        bytes.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn range_is_checked() {
        let one = U256::from(1);
        for (r, s) in [(U256::ZERO, one), (one, U256::ZERO), (ORDER, one), (one, ORDER), (U256::MAX, one)] {
            assert_eq!(Signature::from_numbers(r, s, false), Err(SignatureError::Range));
        }
    }

    #[test]
    fn high_s_is_refused() {
        let half = ORDER >> 1;
        let one = U256::from(1);
        assert!(Signature::from_numbers(one, half, false).is_ok());
        assert_eq!(Signature::from_numbers(one, half + one, false), Err(SignatureError::HighS));
    }

    #[test]
    fn bytes_end_with_27_or_28() {
        let mut r = [0; 32];
        r[31] = 7;
        let signature = Signature::new(&r, &r, true).unwrap();
        assert_eq!(signature.to_bytes()[63..], [7, 28]);
        assert_eq!(Signature::new(&r, &r, false).unwrap().to_bytes()[64], 27);
    }
}
