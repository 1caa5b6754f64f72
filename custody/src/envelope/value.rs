//! The value key and the value under it.

use zeroize::Zeroizing;

use crate::aead;
use crate::commitment::Commitment;
use crate::context::SecretContext;
use crate::derivation::derive;
use crate::mode::CustodyMode;
use crate::random::Random;
use crate::sealed::{Oversized, UnsealError, VERSION, parse, seal_once};
use crate::secret::Secret;

/// The key that one version's value is sealed under, and the place that it belongs to.
pub(crate) struct ValueKey {
    key: Secret<32>,
    context: Vec<u8>,
}

impl ValueKey {
    /// Derives the key from the DEK, and from the client's binding where the mode has one.
    pub(crate) fn derive(
        mode: CustodyMode,
        place: &SecretContext<'_>,
        dek: &Secret<32>,
        binding: Option<&Secret<32>>,
    ) -> Self {
        let context = place.value(mode);
        let key = match binding {
            None => derive(&[], dek.expose(), &context),
            Some(binding) => derive(&[], concatenated(dek, binding).expose(), &context),
        };
        Self { key, context }
    }

    /// Commits to the key.
    pub(crate) fn commitment(&self, mode: CustodyMode, place: &SecretContext<'_>) -> Commitment {
        Commitment::to(&self.key, &place.value_commitment(mode))
    }

    /// Whether the key is the committed one; in constant time.
    pub(crate) fn is(&self, commitment: &Commitment, mode: CustodyMode, place: &SecretContext<'_>) -> bool {
        commitment.admits(&self.key, &place.value_commitment(mode)).into()
    }

    /// Seals the value: the one message of this key.
    pub(crate) fn seal(self, value: &[u8], random: &mut dyn Random) -> Result<Vec<u8>, Oversized> {
        let mut header = [VERSION; 1 + aead::NONCE];
        let [_, nonce @ ..] = &mut header;
        random.fill(nonce);
        let nonce = *nonce;
        seal_once(&self.key, &nonce, &self.context, &header, value)
    }

    /// Opens the value.
    pub(crate) fn open(&self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, UnsealError> {
        let (nonce, body) = parse(sealed)?;
        Ok(aead::open(self.key.expose(), nonce, &self.context, body)?)
    }
}

fn concatenated(dek: &Secret<32>, binding: &Secret<32>) -> Secret<64> {
    Secret::written(|bytes| {
        let source = dek.expose().iter().chain(binding.expose());
        bytes.iter_mut().zip(source).for_each(|(target, byte)| *target = *byte);
    })
}
