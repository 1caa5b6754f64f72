//! Randomness as an argument: the production source and the seam for tests.

/// A source of random bytes.
pub trait Random {
    /// Fills `bytes`. A source that cannot must not return.
    fn fill(&mut self, bytes: &mut [u8]);
}

/// The random generator of aws-lc, seeded by the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    /// # Panics
    /// If the generator fails: no key may be made from bytes that are not random.
    fn fill(&mut self, bytes: &mut [u8]) {
        assert!(aws_lc_rs::rand::fill(bytes).is_ok(), "the system's random generator failed");
    }
}
