//! Frames with a cap and a deadline of their own.
//!
//! A peer may be silent between frames for as long as it likes, but a frame that has begun must arrive in time, and
//! its length is judged before anything is allocated for it.

use std::time::Duration;

use shroud_wire::frame::{self, FrameError};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio::time::timeout;

/// The length of the next frame, at most `cap`; `None` if the peer has finished.
///
/// # Errors
/// [`FrameError::TooLong`], or `Io` if the link fails.
pub(crate) async fn announced(
    from: &mut (impl AsyncRead + Unpin),
    cap: usize,
    wait: Duration,
) -> Result<Option<usize>, FrameError> {
    let mut prefix = [0; 4];
    let (first, rest) = prefix.split_at_mut(1);
    if from.read(first).await? == 0 {
        return Ok(None);
    }
    in_time(wait, from.read_exact(rest)).await?;
    let found = frame::length(prefix)?;
    if found > cap { Err(FrameError::TooLong { found, limit: cap }) } else { Ok(Some(found)) }
}

/// The bytes of a frame whose length was announced.
///
/// # Errors
/// `Io` if the link fails, ends or is too slow.
pub(crate) async fn body(
    from: &mut (impl AsyncRead + Unpin),
    length: usize,
    wait: Duration,
) -> Result<Vec<u8>, FrameError> {
    let mut bytes = vec![0; length];
    in_time(wait, from.read_exact(&mut bytes)).await?;
    Ok(bytes)
}

/// Writes one message.
///
/// # Errors
/// [`FrameError::TooLong`], or `Io` if the link fails or is too slow.
pub(crate) async fn write(
    to: &mut (impl AsyncWrite + Unpin),
    message: &impl prost::Message,
    wait: Duration,
) -> Result<(), FrameError> {
    match timeout(wait, frame::write(to, message)).await {
        Ok(written) => written,
        Err(_) => Err(late()),
    }
}

async fn in_time(
    wait: Duration,
    read: impl Future<Output = std::io::Result<usize>>,
) -> Result<usize, FrameError> {
    match timeout(wait, read).await {
        Ok(read) => Ok(read?),
        Err(_) => Err(late()),
    }
}

fn late() -> FrameError {
    FrameError::Io(std::io::ErrorKind::TimedOut.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAIT: Duration = Duration::from_secs(10);

    #[tokio::test]
    async fn a_frame_beyond_the_cap_is_refused_before_its_bytes() {
        let mut from: &[u8] = &[0, 0, 4, 1];
        assert!(matches!(
            announced(&mut from, 1024, WAIT).await,
            Err(FrameError::TooLong { found: 1025, limit: 1024 })
        ));
    }

    #[tokio::test]
    async fn an_end_between_frames_is_no_error() {
        let mut from: &[u8] = &[];
        assert!(announced(&mut from, 1024, WAIT).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn an_end_within_a_frame_is_an_error() {
        let mut from: &[u8] = &[0, 0, 0, 9, 1];
        let length = announced(&mut from, 1024, WAIT).await.unwrap().unwrap();
        assert!(matches!(body(&mut from, length, WAIT).await, Err(FrameError::Io(_))));
    }

    #[tokio::test(start_paused = true)]
    async fn a_frame_that_stalls_is_given_up() {
        let (mut peer, mut from) = tokio::io::duplex(64);
        tokio::io::AsyncWriteExt::write_all(&mut peer, &[0, 0, 0, 9, 1]).await.unwrap();
        let length = announced(&mut from, 1024, WAIT).await.unwrap().unwrap();
        let refused = body(&mut from, length, WAIT).await.unwrap_err();
        assert!(matches!(refused, FrameError::Io(error) if error.kind() == std::io::ErrorKind::TimedOut));
    }
}
