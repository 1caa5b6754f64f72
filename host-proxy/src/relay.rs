//! Two streams become one connection: bytes are copied both ways until both ends are through.
//!
//! Nothing is parsed. A peer that has finished sending is a half-close, which is passed on while the other direction
//! goes on. A slow reader slows its writer down, because one buffer per direction is all there is.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, split};

use crate::limits::BUFFER;

/// Copies both ways until both directions have ended.
///
/// # Errors
/// What either stream says, or `TimedOut` when both directions were silent for `idle` (and at most twice that).
pub(crate) async fn both_ways<A, B>(left: A, right: B, idle: Duration) -> io::Result<()>
where
    A: AsyncRead + AsyncWrite,
    B: AsyncRead + AsyncWrite,
{
    let (left_in, left_out) = split(left);
    let (right_in, right_out) = split(right);
    let moved = AtomicU64::new(0);
    let copied = async {
        tokio::try_join!(one_way(left_in, right_out, &moved), one_way(right_in, left_out, &moved)).map(|_| ())
    };
    tokio::select! {
        copied = copied => copied,
        () = silence(&moved, idle) => Err(io::ErrorKind::TimedOut.into()),
    }
}

async fn one_way(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    moved: &AtomicU64,
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        let read = from.read(&mut buffer).await?;
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else {
            return half_close(&mut to).await;
        };
        to.write_all(bytes).await?;
        moved.fetch_add(1, Ordering::Relaxed);
    }
}

/// A peer that is gone altogether has nothing left to be told.
async fn half_close(to: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
    match to.shutdown().await {
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
        other => other,
    }
}

/// Ends when nothing has moved for a whole span.
async fn silence(moved: &AtomicU64, span: Duration) {
    let mut seen = moved.load(Ordering::Relaxed);
    loop {
        tokio::time::sleep(span).await;
        let now = moved.load(Ordering::Relaxed);
        if now == seen {
            return;
        }
        seen = now;
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn a_half_close_is_passed_on_and_the_other_direction_goes_on() {
        let (mut client, left) = duplex(64);
        let (mut server, right) = duplex(64);
        let relay = tokio::spawn(both_ways(left, right, LONG));
        client.write_all(b"ask").await.unwrap();
        client.shutdown().await.unwrap();
        let mut asked = Vec::new();
        server.read_to_end(&mut asked).await.unwrap();
        server.write_all(b"answer").await.unwrap();
        drop(server);
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.unwrap();
        assert_eq!((asked.as_slice(), answer.as_slice()), (b"ask".as_slice(), b"answer".as_slice()));
        relay.await.unwrap().unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_connection_is_ended() {
        let (_client, left) = duplex(64);
        let (_server, right) = duplex(64);
        let ended = both_ways(left, right, LONG).await;
        assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
