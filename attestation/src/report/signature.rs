//! The report's signature: r and s, little-endian, in 72 bytes each (AMD 56860, `SIGNATURE`).
//!
//! Both s and n − s verify, so nothing may ever be keyed on these bytes: only on the signed region.

use super::SIGNED;

/// The order of P-384, big-endian.
const ORDER: [u8; 48] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf, 0x58, 0x1a,
    0x0d, 0xb2, 0x48, 0xb0, 0xa7, 0x7a, 0xec, 0xec, 0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73,
];

/// r ‖ s, big-endian, each in 1 … n − 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Signature(pub(crate) [u8; 96]);

/// Why the bytes are no signature of P-384.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoSignature {
    /// The report ends before r and s.
    Missing,
    /// `R` is not in 1 … n − 1.
    R,
    /// `S` is not in 1 … n − 1.
    S,
}

impl Signature {
    /// Reads r and s from a report.
    pub(crate) fn read(report: &[u8]) -> Result<Self, NoSignature> {
        let rest = report.get(SIGNED..).ok_or(NoSignature::Missing)?;
        let (r, rest) = rest.split_first_chunk::<72>().ok_or(NoSignature::Missing)?;
        let s = rest.first_chunk::<72>().ok_or(NoSignature::Missing)?;
        let mut joined = [0; 96];
        let (first, second) = joined.split_at_mut(48);
        first.copy_from_slice(&scalar(r).ok_or(NoSignature::R)?);
        second.copy_from_slice(&scalar(s).ok_or(NoSignature::S)?);
        Ok(Self(joined))
    }
}

/// A little-endian number in 72 bytes, as 48 big-endian bytes, if it lies in 1 … n − 1.
fn scalar(little_endian: &[u8; 72]) -> Option<[u8; 48]> {
    let (low, high) = little_endian.split_first_chunk::<48>()?;
    let mut value = *low;
    value.reverse();
    let in_range = value != [0; 48] && value < ORDER && high.iter().all(|byte| *byte == 0);
    in_range.then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(r: [u8; 72], s: [u8; 72]) -> Vec<u8> {
        [&[0; SIGNED][..], &r, &s, &[0; 368]].concat()
    }

    fn little_endian(mut value: [u8; 48]) -> [u8; 72] {
        value.reverse();
        let mut wide = [0; 72];
        wide[..48].copy_from_slice(&value);
        wide
    }

    #[test]
    fn r_and_s_stay_in_range() {
        let one = little_endian(core::array::from_fn(|i| u8::from(i == 47)));
        let order = little_endian(ORDER);
        let mut largest = order;
        largest[0] -= 1;
        assert!(Signature::read(&report(one, largest)).is_ok());
        assert_eq!(Signature::read(&report(order, one)), Err(NoSignature::R));
        assert_eq!(Signature::read(&report(one, order)), Err(NoSignature::S));
        assert_eq!(Signature::read(&report([0; 72], one)), Err(NoSignature::R));
        assert_eq!(Signature::read(&report(one, [0; 72])), Err(NoSignature::S));
        let mut long = one;
        long[48] = 1;
        assert_eq!(Signature::read(&report(long, one)), Err(NoSignature::R));
        assert_eq!(Signature::read(&[0; SIGNED + 143]), Err(NoSignature::Missing));
    }
}
