//! Arithmetic in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1 (0x11b), without branches and without tables.
//!
//! Eight elements stand in one `u64`, one per byte, and are handled together. Every operation runs the same
//! instructions whatever its operands are; `tests/branch_free.rs` reads the compiled code to hold this.

use core::hint::black_box;

/// The low bit of each lane.
const LOW: u64 = 0x0101_0101_0101_0101;

/// Multiplies each lane by x.
#[inline(always)]
const fn double(lanes: u64) -> u64 {
    let carries = (lanes >> 7) & LOW;
    ((lanes & !(LOW << 7)) << 1) ^ (carries * 0x1b)
}

/// For each bit of `factor`: all ones where it is set, else zero.
///
/// The compiler may not look through [`black_box`], or it would turn a mask back into the branch that it stands for.
#[inline(always)]
fn masks(factor: u8) -> [u64; 8] {
    let bit = |place: u32| u64::from((factor >> place) & 1).wrapping_neg();
    black_box([bit(0), bit(1), bit(2), bit(3), bit(4), bit(5), bit(6), bit(7)])
}

/// Multiplies each lane by the factor of `masks`.
#[inline(always)]
fn scale([m0, m1, m2, m3, m4, m5, m6, m7]: &[u64; 8], x0: u64) -> u64 {
    let x1 = double(x0);
    let x2 = double(x1);
    let x3 = double(x2);
    let x4 = double(x3);
    let x5 = double(x4);
    let x6 = double(x5);
    let x7 = double(x6);
    (x0 & m0) ^ (x1 & m1) ^ (x2 & m2) ^ (x3 & m3) ^ (x4 & m4) ^ (x5 & m5) ^ (x6 & m6) ^ (x7 & m7)
}

/// The product of two elements.
#[inline(never)]
pub(crate) fn multiply(left: u8, right: u8) -> u8 {
    let [product, ..] = scale(&masks(left), u64::from(right)).to_le_bytes();
    product
}

/// The inverse of an element: its 254th power, so zero gives zero.
#[inline(never)]
pub(crate) fn invert(element: u8) -> u8 {
    let p2 = multiply(element, element);
    let p3 = multiply(p2, element);
    let p6 = multiply(p3, p3);
    let p12 = multiply(p6, p6);
    let p15 = multiply(p12, p3);
    let p30 = multiply(p15, p15);
    let p60 = multiply(p30, p30);
    let p120 = multiply(p60, p60);
    let p126 = multiply(p120, p6);
    let p127 = multiply(p126, element);
    multiply(p127, p127)
}

/// Writes `left_weight · left + right_weight · right`, element by element.
#[inline(never)]
pub(crate) fn weighted_sum(
    left_weight: u8,
    left: &[u8; 32],
    right_weight: u8,
    right: &[u8; 32],
    sum: &mut [u8; 32],
) {
    let (left_masks, right_masks) = (masks(left_weight), masks(right_weight));
    let weigh = |a: u64, b: u64| scale(&left_masks, a) ^ scale(&right_masks, b);
    let ([a0, a1, a2, a3], [b0, b1, b2, b3]) = (lanes(left), lanes(right));
    let [s0, s1, s2, s3] = [weigh(a0, b0), weigh(a1, b1), weigh(a2, b2), weigh(a3, b3)].map(u64::to_le_bytes);
    if let ([t0, t1, t2, t3], _) = sum.as_chunks_mut::<8>() {
        (*t0, *t1, *t2, *t3) = (s0, s1, s2, s3);
    }
}

/// The 32 elements as four times eight lanes.
#[inline(always)]
fn lanes(elements: &[u8; 32]) -> [u64; 4] {
    let ([c0, c1, c2, c3], _) = elements.as_chunks::<8>() else { return [0; 4] };
    [*c0, *c1, *c2, *c3].map(u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Schoolbook multiplication, the definition of the field.
    fn school(left: u8, right: u8) -> u8 {
        let places = (0..8).filter(|bit| right >> bit & 1 == 1);
        let product = places.fold(0, |sum, bit| sum ^ u16::from(left) << bit);
        let reduced =
            (8..16).rev().fold(product, |p, bit| if p >> bit & 1 == 1 { p ^ 0x11b << (bit - 8) } else { p });
        u8::try_from(reduced).unwrap()
    }

    #[test]
    fn every_product() {
        for left in 0..=255 {
            for right in 0..=255 {
                assert_eq!(multiply(left, right), school(left, right), "{left} times {right}");
            }
        }
    }

    #[test]
    fn every_inverse() {
        assert_eq!(invert(0), 0);
        for element in 1..=255 {
            assert_eq!(school(element, invert(element)), 1, "inverse of {element}");
        }
    }

    #[test]
    fn weighted_sums_by_element() {
        let left: [u8; 32] = core::array::from_fn(|i| u8::try_from(7 * i).unwrap_or(255));
        let right: [u8; 32] = core::array::from_fn(|i| u8::try_from(255 - 5 * i).unwrap());
        for (a, b) in [(0, 0), (1, 0), (0, 1), (1, 1), (2, 3), (0x53, 0xca), (255, 128)] {
            let mut sum = [0xee; 32];
            weighted_sum(a, &left, b, &right, &mut sum);
            for ((s, l), r) in sum.iter().zip(&left).zip(&right) {
                assert_eq!(*s, school(a, *l) ^ school(b, *r));
            }
        }
    }
}
