//! Length-prefixed frames: `u32be length ‖ bytes`, with a hard cap that is checked before anything is allocated.

use crate::limits;

/// Why a frame was refused.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The peer announced a frame beyond the cap.
    #[error("a frame of {found} bytes, at most {limit} are accepted")]
    TooLong {
        /// What the prefix says.
        found: usize,
        /// The cap.
        limit: usize,
    },
    /// The frame is not the message that was expected.
    #[error("a frame that is no such message: {0}")]
    Message(#[from] prost::DecodeError),
    /// The link failed.
    #[error("the link failed: {0}")]
    Io(#[from] std::io::Error),
}

/// The length that a prefix announces, if it is within the cap.
///
/// # Errors
/// [`FrameError::TooLong`] beyond [`limits::FRAME`].
pub fn length(prefix: [u8; 4]) -> Result<usize, FrameError> {
    let found = usize::try_from(u32::from_be_bytes(prefix)).unwrap_or(usize::MAX);
    if found <= limits::FRAME { Ok(found) } else { Err(FrameError::TooLong { found, limit: limits::FRAME }) }
}

/// A message as one frame, prefix included.
///
/// # Errors
/// [`FrameError::TooLong`] if the message is beyond the cap.
pub fn encode(message: &impl prost::Message) -> Result<Vec<u8>, FrameError> {
    let found = message.encoded_len();
    let too_long = FrameError::TooLong { found, limit: limits::FRAME };
    let Ok(prefix) = u32::try_from(found) else { return Err(too_long) };
    if found > limits::FRAME {
        return Err(too_long);
    }
    let mut frame = Vec::with_capacity(4 + found);
    frame.extend_from_slice(&prefix.to_be_bytes());
    frame.extend_from_slice(&message.encode_to_vec());
    Ok(frame)
}

#[cfg(feature = "link")]
mod io {
    use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

    use super::{FrameError, encode, length};

    /// Reads one message.
    ///
    /// # Errors
    /// Every [`FrameError`]; a link that ends between frames is `Io` of kind `UnexpectedEof`.
    pub async fn read<M: prost::Message + Default>(
        from: &mut (impl AsyncRead + Unpin),
    ) -> Result<M, FrameError> {
        let mut prefix = [0; 4];
        from.read_exact(&mut prefix).await?;
        let mut bytes = vec![0; length(prefix)?];
        from.read_exact(&mut bytes).await?;
        Ok(M::decode(bytes.as_slice())?)
    }

    /// Writes one message and flushes it.
    ///
    /// # Errors
    /// [`FrameError::TooLong`] or `Io`.
    pub async fn write(
        to: &mut (impl AsyncWrite + Unpin),
        message: &impl prost::Message,
    ) -> Result<(), FrameError> {
        to.write_all(&encode(message)?).await?;
        Ok(to.flush().await?)
    }
}

#[cfg(feature = "link")]
pub use io::{read, write};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_beyond_the_cap_is_refused_before_allocation() {
        assert!(matches!(length([0xff; 4]), Err(FrameError::TooLong { .. })));
    }
}
