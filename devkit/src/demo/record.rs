//! An event's record in the journal, verified here: the entry hashes into the tree under a checkpoint that the journal
//! key signed.
//!
//! The proof names the journal key; it comes through the sidecar, so over a connection to the verified enclave. The
//! cosigners are told by the names on their lines: their keys are in the gateways' credentials, which whoever audits has
//! at hand and this client has not.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use shroud_journal::{
    CosignedCheckpoint, Entry, Hash, Origin, Quorum, SignedCheckpoint, WitnessKey, Witnesses, entry,
    verify_inclusion,
};
use shroud_wire::note::Note;
use uuid::Uuid;

use super::StoryError;
use super::client::Answer;

/// A record that is in the journal.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) entry: Entry,
    pub(super) tree_size: u64,
    pub(super) origin: Origin,
    pub(super) signed_by: String,
    pub(super) cosigned_by: Vec<String>,
}

/// Verifies the answer of `GET /v1/shroud/audit/proof/{event}`.
pub(super) fn verify(answer: &Answer, event: Uuid) -> Result<Record, StoryError> {
    let wrong = |error: &dyn std::fmt::Display| answer.wrong(&error.to_string());
    let bytes = decode(answer, &answer.body["entry"])?;
    let entry = Entry::parse(&bytes).map_err(|error| wrong(&error))?;
    let (index, size) = (answer.number("leaf_index")?, answer.number("tree_size")?);
    let proof =
        answer.list("inclusion")?.iter().map(|item| hash(answer, item)).collect::<Result<Vec<_>, _>>()?;
    let note = answer.text("checkpoint")?.as_bytes();
    let (signed, key) = signed(answer, note)?;
    let found = signed.checkpoint();
    if (found.size, entry.sequence, entry.id) != (size, index, *event.as_bytes()) {
        return Err(answer.wrong("the proof is of another entry, or of another tree"));
    }
    verify_inclusion(&entry::leaf_hash(&bytes), index, size, &proof, &found.root)
        .map_err(|error| wrong(&error))?;
    Ok(Record {
        entry,
        tree_size: size,
        origin: found.origin.clone(),
        signed_by: hex::encode(key),
        cosigned_by: cosigners(answer, note, &found.origin, &key)?,
    })
}

/// The checkpoint, and the journal key that signed it.
fn signed(answer: &Answer, note: &[u8]) -> Result<(SignedCheckpoint, [u8; 32]), StoryError> {
    let wrong = |error: &dyn std::fmt::Display| answer.wrong(&error.to_string());
    let text = answer.text("journal_key")?;
    let mut key = [0; 32];
    hex::decode_to_slice(text, &mut key).map_err(|error| wrong(&error))?;
    let named = Note::parse(note).map_err(|error| wrong(&error))?.text;
    let origin = Origin::new(named.lines().next().unwrap_or_default()).map_err(|error| wrong(&error))?;
    let signed = SignedCheckpoint::verify(note, &origin, &key).map_err(|error| wrong(&error))?;
    Ok((signed, key))
}

/// The witnesses whose cosignatures verify; a quorum of the three must be among them.
fn cosigners(
    answer: &Answer,
    note: &[u8],
    origin: &Origin,
    journal_key: &[u8; 32],
) -> Result<Vec<String>, StoryError> {
    let wrong = |error: &dyn std::fmt::Display| answer.wrong(&error.to_string());
    let mut keys = Vec::new();
    for witness in answer.list("witnesses")? {
        let (name, key) = (witness["name"].as_str().unwrap_or_default(), witness["ed25519"].as_str());
        let mut public = [0; 32];
        hex::decode_to_slice(key.unwrap_or_default(), &mut public).map_err(|error| wrong(&error))?;
        keys.push(WitnessKey::new(name, public).map_err(|error| wrong(&error))?);
    }
    let witnesses = Witnesses::new(keys).map_err(|error| wrong(&error))?;
    let quorum = Quorum::new(3, 2, 2, 0).map_err(|error| wrong(&error))?;
    let cosigned = CosignedCheckpoint::verify(note, origin, journal_key, &witnesses, &quorum);
    let cosigned = cosigned.map_err(|error| wrong(&error))?;
    Ok(cosigned.cosignatures().iter().map(|one| one.witness().to_owned()).collect())
}

fn hash(answer: &Answer, item: &Value) -> Result<Hash, StoryError> {
    decode(answer, item)?.try_into().map_err(|_| answer.wrong("a hash of the proof does not have 32 bytes"))
}

fn decode(answer: &Answer, item: &Value) -> Result<Vec<u8>, StoryError> {
    let decoded = item.as_str().and_then(|text| BASE64_STANDARD.decode(text).ok());
    decoded.ok_or_else(|| answer.wrong("the proof is not base64"))
}
