//! The witnesses whose cosignatures a checkpoint must carry, as the operator names them.

use std::str::FromStr;

use shroud_journal::cosigned::{CosignedError, WitnessTwice};
use shroud_journal::{
    CosignatureError, CosignedCheckpoint, Origin, Quorum, QuorumError, SignedCheckpoint, WitnessKey,
    Witnesses,
};

/// One `--witness NAME=HEX`: a witness's name and Ed25519 public key.
#[derive(Clone, Debug)]
pub struct WitnessOption(WitnessKey);

/// Why a witness, or a set of witnesses, cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum WitnessesError {
    /// Not `NAME=HEX`.
    #[error("expected NAME=KEY, the key as 64 hexadecimal digits, found {0:?}")]
    Form(String),
    /// The name cannot stand in a note.
    #[error(transparent)]
    Name(#[from] CosignatureError),
    /// A name or key stands in the set twice.
    #[error(transparent)]
    Twice(#[from] WitnessTwice),
    /// The quorum does not fit the set.
    #[error(transparent)]
    Quorum(#[from] QuorumError),
}

impl FromStr for WitnessOption {
    type Err = WitnessesError;

    fn from_str(text: &str) -> Result<Self, WitnessesError> {
        let wrong = || WitnessesError::Form(text.to_owned());
        let (name, digits) = text.split_once('=').ok_or_else(wrong)?;
        let mut key = [0; 32];
        hex::decode_to_slice(digits, &mut key).map_err(|_| wrong())?;
        Ok(Self(WitnessKey::new(name, key)?))
    }
}

/// A set of witnesses, and how many of them must have cosigned.
#[derive(Clone, Debug)]
pub struct Cosigners {
    witnesses: Witnesses,
    quorum: Quorum,
}

impl Cosigners {
    /// The named witnesses; `None` if none is named. Without a quorum, a majority must have cosigned.
    ///
    /// # Errors
    /// [`WitnessesError::Twice`], [`WitnessesError::Quorum`].
    pub fn new(named: &[WitnessOption], quorum: Option<usize>) -> Result<Option<Self>, WitnessesError> {
        if named.is_empty() {
            return Ok(None);
        }
        let witnesses = Witnesses::new(named.iter().map(|option| option.0.clone()).collect())?;
        let write = quorum.unwrap_or(named.len() / 2 + 1);
        let quorum = Quorum::new(named.len(), write, write, 0)?;
        Ok(Some(Self { witnesses, quorum }))
    }

    /// Verifies that the journal key signed the note, and that a quorum cosigned it.
    ///
    /// # Errors
    /// Every [`CosignedError`].
    pub fn verify(
        &self,
        note: &[u8],
        origin: &Origin,
        journal_key: &[u8; 32],
    ) -> Result<SignedCheckpoint, CosignedError> {
        let cosigned = CosignedCheckpoint::verify(note, origin, journal_key, &self.witnesses, &self.quorum)?;
        Ok(cosigned.signed().clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_witness_is_a_name_and_a_key() {
        assert!(format!("gcp={}", "ab".repeat(32)).parse::<WitnessOption>().is_ok());
        for text in ["gcp".to_owned(), "gcp=ab".to_owned(), format!("={}", "ab".repeat(32))] {
            assert!(text.parse::<WitnessOption>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_quorum_is_a_majority_or_more() {
        let named: Vec<WitnessOption> =
            (1..=3).map(|n| format!("w{n}={}", format!("0{n}").repeat(32)).parse().unwrap()).collect();
        assert!(Cosigners::new(&[], None).unwrap().is_none());
        assert!(Cosigners::new(&named, None).unwrap().is_some());
        assert!(Cosigners::new(&named, Some(3)).unwrap().is_some());
        for quorum in [0, 1, 4] {
            assert!(Cosigners::new(&named, Some(quorum)).is_err(), "{quorum}");
        }
        let twice = [named[0].clone(), named[0].clone()];
        assert!(matches!(Cosigners::new(&twice, None), Err(WitnessesError::Twice(_))));
    }
}
