//! Split and combine against two independent implementations, both ways, over 10,000 random secrets each.
//!
//! `vsss-rs` works in our field. `blahaj` works modulo 0x11d; all fields of 256 elements are one field under other names,
//! and the map that sends its x to a root of 0x11d among our elements renames every element, indices included.

use blahaj::Sharks;
use shroud_custody::{Commitment, Random, Secret, Share, SystemRandom, shamir};
use vsss_rs::Gf256;

const SECRETS: usize = 10_000;

/// Which two of three shares the secret of a round is combined from, in which order.
fn pair(round: usize) -> (usize, usize) {
    [(0, 1), (0, 2), (1, 2), (1, 0), (2, 0), (2, 1)][round % 6]
}

fn drawn() -> Secret<32> {
    Secret::random(&mut SystemRandom)
}

fn ours(secret: &Secret<32>) -> [Vec<u8>; 3] {
    shamir::split(secret, &mut SystemRandom).map(|share| share.to_bytes().expose().to_vec())
}

/// Combines in this crate, and takes the outcome out through the commitment to what it should be.
fn combines_to(left: &[u8], right: &[u8], secret: &Secret<32>) -> bool {
    let rebuilt = shamir::combine(&Share::parse(left).unwrap(), &Share::parse(right).unwrap()).unwrap();
    rebuilt.confirm(&Commitment::to(secret, b"oracle"), b"oracle").is_ok()
}

#[test]
fn vsss_rs_combines_our_shares() {
    for round in 0..SECRETS {
        let secret = drawn();
        let shares = ours(&secret);
        let (left, right) = pair(round);
        let combined = Gf256::combine_bytes([shares[left].clone(), shares[right].clone()]).unwrap();
        assert_eq!(combined, secret.expose());
    }
}

#[test]
fn we_combine_shares_of_vsss_rs() {
    for round in 0..SECRETS {
        let secret = drawn();
        let shares = Gf256::split_bytes(2, 3, secret.expose(), rand::rng()).unwrap();
        let (left, right) = pair(round);
        assert!(combines_to(&shares[left], &shares[right], &secret), "round {round}");
    }
}

#[test]
fn blahaj_combines_our_shares() {
    let fields = Isomorphism::found();
    for round in 0..SECRETS {
        let secret = drawn();
        let shares = ours(&secret).map(|share| fields.to_blahaj(&share));
        let (left, right) = pair(round);
        let shares = [&shares[left], &shares[right]].map(|share| share.as_slice().try_into().unwrap());
        let combined = Sharks(2).recover(&shares).unwrap();
        assert_eq!(fields.to_ours(&combined), secret.expose());
    }
}

#[test]
fn we_combine_shares_of_blahaj() {
    let fields = Isomorphism::found();
    for round in 0..SECRETS {
        let secret = drawn();
        let dealt = Sharks(2).dealer(&fields.to_blahaj(secret.expose())).take(3);
        let shares: Vec<_> = dealt.map(|share| fields.to_ours(&Vec::from(&share))).collect();
        let (left, right) = pair(round);
        assert!(combines_to(&shares[left], &shares[right], &secret), "round {round}");
    }
}

#[test]
fn a_wrong_share_combines_to_another_secret() {
    let secret = drawn();
    let [first, mut second, _] = ours(&secret);
    assert!(combines_to(&first, &second, &secret));
    let mut position = [0];
    SystemRandom.fill(&mut position);
    second[1 + usize::from(position[0]) % 32] ^= 1;
    assert!(!combines_to(&first, &second, &secret));
}

/// The names of blahaj's elements among ours, and back.
struct Isomorphism {
    ours: [u8; 256],
    blahaj: [u8; 256],
}

impl Isomorphism {
    /// Finds a root of x^8 + x^4 + x^3 + x^2 + 1 in our field and spans the map over its powers.
    fn found() -> Self {
        let root =
            (2..=255).find(|&x| 1 ^ power(x, 2) ^ power(x, 3) ^ power(x, 4) ^ power(x, 8) == 0).unwrap();
        let (mut ours, mut blahaj) = ([0; 256], [0; 256]);
        for element in 0..=255u8 {
            let bits = (0..8).filter(|bit| element >> bit & 1 == 1);
            let image = bits.fold(0, |sum, bit| sum ^ power(root, bit));
            ours[usize::from(element)] = image;
            blahaj[usize::from(image)] = element;
        }
        Self { ours, blahaj }
    }

    fn to_ours(&self, elements: &[u8]) -> Vec<u8> {
        elements.iter().map(|element| self.ours[usize::from(*element)]).collect()
    }

    fn to_blahaj(&self, elements: &[u8]) -> Vec<u8> {
        elements.iter().map(|element| self.blahaj[usize::from(*element)]).collect()
    }
}

/// A power in our field, by school multiplication.
fn power(element: u8, exponent: u32) -> u8 {
    (0..exponent).fold(1, |product, _| school(product, element))
}

pub(crate) fn school(left: u8, right: u8) -> u8 {
    let product = (0..8)
        .fold(0, |sum: u16, bit| if right >> bit & 1 == 1 { sum ^ u16::from(left) << bit } else { sum });
    let reduced =
        (8..16).rev().fold(product, |p, bit| if p >> bit & 1 == 1 { p ^ 0x11b << (bit - 8) } else { p });
    u8::try_from(reduced).unwrap()
}
