//! C2SP signed notes (<https://c2sp.org/signed-note>): text, a blank line, signature lines. Form only, no keys.
//!
//! ```text
//! text that ends with a newline
//!
//! — name base64(4-byte key hash ‖ signature)
//! ```

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::limits;

/// One signature line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureLine {
    /// The key's name.
    pub name: String,
    /// The first four bytes of the key's hash.
    pub key_hash: [u8; 4],
    /// What follows the key hash.
    pub signature: Vec<u8>,
}

/// A note that was taken apart; nothing about it is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The signed text, its last newline included.
    pub text: String,
    /// The signature lines, in order.
    pub signatures: Vec<SignatureLine>,
}

/// Why bytes are no note.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NoteError {
    /// The note exceeds [`limits::NOTE`], or [`limits::FRAME`] for files.
    #[error("a note of {0} bytes is too long")]
    TooLong(usize),
    /// The note is not UTF-8, or holds control characters.
    #[error("a note must be UTF-8 without control characters")]
    Text,
    /// There is no blank line before signatures, or no signature.
    #[error("a note must end with a blank line and signature lines")]
    Shape,
    /// A signature line is malformed.
    #[error("malformed signature line {0:?}")]
    Line(String),
}

impl Note {
    /// Takes a note apart.
    ///
    /// # Errors
    /// Every [`NoteError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > limits::FRAME {
            return Err(NoteError::TooLong(bytes.len()));
        }
        let text = core::str::from_utf8(bytes).map_err(|_| NoteError::Text)?;
        if text.chars().any(|c| c < ' ' && c != '\n') {
            return Err(NoteError::Text);
        }
        let (body, lines) = text.rsplit_once("\n\n").ok_or(NoteError::Shape)?;
        let lines = lines.strip_suffix('\n').ok_or(NoteError::Shape)?;
        let signatures = lines.split('\n').map(SignatureLine::parse).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { text: format!("{body}\n"), signatures })
    }

    /// The note's bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let lines: String = self.signatures.iter().map(SignatureLine::to_line).collect();
        format!("{}\n{lines}", self.text).into_bytes()
    }
}

impl SignatureLine {
    /// Reads one line, without its newline.
    ///
    /// # Errors
    /// [`NoteError::Line`] if it is none.
    pub fn parse(line: &str) -> Result<Self, NoteError> {
        let malformed = || NoteError::Line(line.to_owned());
        let (name, encoded) =
            line.strip_prefix("— ").and_then(|rest| rest.split_once(' ')).ok_or_else(malformed)?;
        let bytes = BASE64_STANDARD.decode(encoded).map_err(|_| malformed())?;
        let (key_hash, signature) = bytes.split_first_chunk::<4>().ok_or_else(malformed)?;
        if name.is_empty() || name.contains(['+', ' ']) || signature.is_empty() {
            return Err(malformed());
        }
        Ok(Self { name: name.to_owned(), key_hash: *key_hash, signature: signature.to_vec() })
    }

    /// The line, with its newline.
    #[must_use]
    pub fn to_line(&self) -> String {
        let bytes = [self.key_hash.as_slice(), &self.signature].concat();
        format!("— {} {}\n", self.name, BASE64_STANDARD.encode(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_reads_back() {
        let line = SignatureLine { name: "a.example".into(), key_hash: [1, 2, 3, 4], signature: vec![5; 64] };
        let note = Note { text: "one\n\ntwo\n".into(), signatures: vec![line.clone(), line] };
        assert_eq!(Note::parse(&note.to_bytes()), Ok(note));
    }

    #[test]
    fn hostile_notes_are_refused() {
        for (bytes, why) in [
            (&b"text\n"[..], NoteError::Shape),
            (b"text\n\n\xe2\x80\x94 n AAAAAAA=", NoteError::Shape),
            (b"te\rxt\n\n", NoteError::Text),
            (b"text\n\nno dash\n", NoteError::Line("no dash".into())),
        ] {
            assert_eq!(Note::parse(bytes), Err(why));
        }
    }
}
