//! The client's part: made once, returned once, presented with every read, never stored.
//!
//! | mode | bytes before base64 |
//! |---|---|
//! | `2of2_client_custody`, `2of3_multi_hsm_client` | the client's half of the DEK (32) |
//! | `2of3_client_custody` | `x ‖ f(x) ‖ c` (65): the point at index 3, and the binding `c`, which lies on no line |
//!
//! A text that has not this form is told apart from one that has it and is wrong: the former is the caller's mistake,
//! found here; the latter is refused by [`crate::open_secret`]. Decoding runs in constant time.

use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

use crate::mode::CustodyMode;
use crate::secret::Secret;
use crate::shamir::{Index, Share, ZeroIndex};

/// The longest text that is decoded at all, in bytes.
const LONGEST: usize = 128;
/// The index of the client's point: the one that Azure has where it takes part.
const CLIENT_INDEX: Index = Index::THIRD;

/// The client's part of a DEK.
pub struct ClientShare(Form);

/// The two forms.
pub(crate) enum Form {
    /// A half, to be joined by XOR.
    Half(Secret<32>),
    /// A point of the line, and the binding that is no part of any line.
    Bound { share: Share, binding: Secret<32> },
}

/// Why a request brings no usable client share. All of these are the caller's to mend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientShareError {
    /// The mode needs one and none came.
    #[error("this secret is held with its client; the client share is missing")]
    Missing,
    /// It is not base64 with padding.
    #[error("the client share is not base64")]
    NotBase64,
    /// It has another length than the mode's.
    #[error("the client share has {found} bytes, {expected} were expected")]
    Length {
        /// The mode's length.
        expected: usize,
        /// The length that came, as far as it was decoded.
        found: usize,
    },
    /// Its point lies at zero.
    #[error("the client share is a point at index zero")]
    ZeroIndex,
    /// Its point lies where another holder's does.
    #[error("the client share is a point at index {found}, which is not the client's")]
    ForeignIndex {
        /// The index that came.
        found: u8,
    },
}

impl From<ZeroIndex> for ClientShareError {
    fn from(_: ZeroIndex) -> Self {
        Self::ZeroIndex
    }
}

impl ClientShare {
    /// Reads the header of a request: nothing where the mode has no client share, whatever the header says.
    ///
    /// # Errors
    /// [`ClientShareError::Missing`] where the mode needs one and there is none or it is empty; else as
    /// [`ClientShare::parse`].
    pub fn presented(mode: CustodyMode, header: Option<&str>) -> Result<Option<Self>, ClientShareError> {
        if !mode.needs_client_share() {
            return Ok(None);
        }
        let text = header.filter(|text| !text.is_empty()).ok_or(ClientShareError::Missing)?;
        Self::parse(mode, text).map(Some)
    }

    /// Reads the base64 form that `mode` has.
    ///
    /// # Errors
    /// [`ClientShareError`] says what is malformed. That it is the right share is not known here.
    pub fn parse(mode: CustodyMode, text: &str) -> Result<Self, ClientShareError> {
        let expected = if mode == CustodyMode::Client2of3 { Share::LENGTH + 32 } else { 32 };
        if text.len() > LONGEST {
            return Err(ClientShareError::Length { expected, found: text.len() / 4 * 3 });
        }
        let mut buffer = Zeroizing::new([0; LONGEST]);
        let bytes = Base64::decode(text, buffer.as_mut_slice()).map_err(|_| ClientShareError::NotBase64)?;
        let length = ClientShareError::Length { expected, found: bytes.len() };
        if bytes.len() != expected {
            return Err(length);
        }
        let Some((point, binding)) = bytes.split_at_checked(Share::LENGTH) else {
            return Secret::copied(bytes).map(|half| Self(Form::Half(half))).map_err(|_| length);
        };
        let (&index, values) = point.split_first().ok_or(length)?;
        let index = Index::parse(index)?;
        if index != CLIENT_INDEX {
            return Err(ClientShareError::ForeignIndex { found: index.value() });
        }
        let share = Share::new(index, Secret::copied(values).map_err(|_| length)?);
        Ok(Self(Form::Bound { share, binding: Secret::copied(binding).map_err(|_| length)? }))
    }

    /// The base64 form, to be returned to the client once.
    #[must_use]
    pub fn to_base64(&self) -> Zeroizing<String> {
        Zeroizing::new(match &self.0 {
            Form::Half(half) => Base64::encode_string(half.expose()),
            Form::Bound { share, binding } => Base64::encode_string(concatenated(share, binding).expose()),
        })
    }

    /// A half.
    pub(crate) fn half(half: Secret<32>) -> Self {
        Self(Form::Half(half))
    }

    /// A point with its binding.
    pub(crate) fn bound(share: Share, binding: Secret<32>) -> Self {
        Self(Form::Bound { share, binding })
    }

    /// The form.
    pub(crate) fn form(&self) -> &Form {
        &self.0
    }
}

fn concatenated(share: &Share, binding: &Secret<32>) -> Secret<65> {
    let point = share.to_bytes();
    Secret::written(|bytes| {
        let source = point.expose().iter().chain(binding.expose());
        bytes.iter_mut().zip(source).for_each(|(target, byte)| *target = *byte);
    })
}
