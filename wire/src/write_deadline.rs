//! A deadline for what leaves: a peer that asks and then does not read, or reads a byte at a time, loses its connection.
//!
//! The time runs from the first write that has to wait until everything is flushed; single bytes that the peer takes
//! in between do not start it anew.

use std::io;
use std::io::IoSlice;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// A stream whose writes have `span` to be flushed.
#[derive(Debug)]
pub struct WriteDeadline<S> {
    stream: S,
    span: Duration,
    waiting: Option<Pin<Box<Sleep>>>,
}

impl<S> WriteDeadline<S> {
    /// `stream` with a deadline.
    #[must_use]
    pub fn new(stream: S, span: Duration) -> Self {
        Self { stream, span, waiting: None }
    }

    /// A write that has to wait fails with `TimedOut` once the time is over.
    fn in_time<T>(&mut self, cx: &mut Context<'_>, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            return outcome;
        }
        let span = self.span;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(span)));
        waiting.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for WriteDeadline<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WriteDeadline<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.in_time(cx, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.in_time(cx, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_flush(cx);
        if outcome.is_ready() {
            self.waiting = None;
        }
        self.in_time(cx, outcome)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.in_time(cx, outcome)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufWriter, duplex};
    use tokio::time::Instant;

    use super::*;

    const SPAN: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_nobody_reads_is_given_up() {
        let (_peer, own) = duplex(4);
        let begun = Instant::now();
        let written = WriteDeadline::new(own, SPAN).write_all(b"answer").await;
        assert_eq!(written.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert!(begun.elapsed() < SPAN + Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_takes_a_byte_at_a_time_gains_no_time() {
        let (mut peer, own) = duplex(4);
        let begun = Instant::now();
        let reading = async {
            while peer.read_u8().await.is_ok() {
                tokio::time::sleep(SPAN / 3).await;
            }
        };
        let writing = async move { WriteDeadline::new(own, SPAN).write_all(&[7; 64]).await };
        let (written, ()) = tokio::join!(writing, reading);
        assert_eq!(written.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert!(begun.elapsed() < 3 * SPAN);
    }

    #[tokio::test(start_paused = true)]
    async fn each_answer_that_is_taken_has_its_own_time() {
        let (mut peer, own) = duplex(4);
        let mut own = WriteDeadline::new(BufWriter::with_capacity(4, own), SPAN);
        for _ in 0..5 {
            let reading = async {
                tokio::time::sleep(SPAN / 2).await;
                peer.read_exact(&mut [0; 8]).await.map(|_| ())
            };
            let writing = async {
                own.write_all(b"answered").await?;
                own.flush().await
            };
            let (written, read) = tokio::join!(writing, reading);
            written.and(read).unwrap();
        }
    }
}
