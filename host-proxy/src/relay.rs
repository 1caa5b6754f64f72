//! Two streams become one connection: bytes are copied both ways until both ends are through.
//!
//! Nothing is parsed. A peer that has finished sending is a half-close, which is passed on while the other direction
//! goes on. A slow reader slows its writer down, because one buffer per direction is all there is.
//!
//! Silence costs its sender the connection: before the first byte of whoever opened it, since TLS has the client speak
//! first; once one direction has ended; and, much later, in any case.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, split};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout};

use crate::limits::{BUFFER, Limits};

/// Copies both ways until both directions have ended. `opener` is the stream whose peer opened the connection.
///
/// # Errors
/// What either stream says, or `TimedOut` when a wait of `limits` is over: for the opener's first byte, for anything to
/// move, for what is under way once one direction has ended, or for one write.
pub(crate) async fn both_ways<A, B>(opener: A, other: B, limits: &Limits) -> io::Result<()>
where
    A: AsyncRead + AsyncWrite,
    B: AsyncRead + AsyncWrite,
{
    let (opener_in, opener_out) = split(opener);
    let (other_in, other_out) = split(other);
    let pulse = Pulse::new(limits);
    let copied = async {
        let there = one_way(opener_in, other_out, Stage::Opened, &pulse, limits.write);
        let back = one_way(other_in, opener_out, Stage::Silent, &pulse, limits.write);
        tokio::try_join!(there, back).map(|_| ())
    };
    tokio::select! {
        copied = copied => copied,
        () = pulse.stops() => Err(io::ErrorKind::TimedOut.into()),
    }
}

/// How far a connection is; it never goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    /// Its opener has said nothing.
    Silent,
    /// Its opener has spoken.
    Opened,
    /// One direction has ended.
    HalfClosed,
}

/// When something moved last, and how long nothing may move now.
#[derive(Debug)]
struct Pulse<'limits> {
    limits: &'limits Limits,
    beat: Mutex<Beat>,
    shorter: Notify,
}

#[derive(Clone, Copy, Debug)]
struct Beat {
    stage: Stage,
    since: Instant,
}

impl<'limits> Pulse<'limits> {
    fn new(limits: &'limits Limits) -> Self {
        let beat = Beat { stage: Stage::Silent, since: Instant::now() };
        Self { limits, beat: Mutex::new(beat), shorter: Notify::new() }
    }

    fn beat(&self) -> MutexGuard<'_, Beat> {
        self.beat.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something moved; the connection is at `stage` at least.
    fn moved(&self, stage: Stage) {
        let mut beat = self.beat();
        // What the other end says gives an opener that is silent no time.
        if beat.stage.max(stage) != Stage::Silent {
            *beat = Beat { stage: beat.stage.max(stage), since: Instant::now() };
        }
        drop(beat);
        if stage == Stage::HalfClosed {
            self.shorter.notify_one();
        }
    }

    fn until(&self) -> Instant {
        let Beat { stage, since } = *self.beat();
        since
            + match stage {
                Stage::Silent => self.limits.first_byte,
                Stage::Opened => self.limits.idle,
                Stage::HalfClosed => self.limits.half_closed,
            }
    }

    /// Ends when nothing has moved for as long as the stage allows.
    async fn stops(&self) {
        loop {
            let until = self.until();
            if until <= Instant::now() {
                return;
            }
            tokio::select! {
                () = sleep_until(until) => {}
                () = self.shorter.notified() => {}
            }
        }
    }
}

/// Copies one direction; its bytes bring the connection to `stage`.
async fn one_way(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    stage: Stage,
    pulse: &Pulse<'_>,
    wait: Duration,
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        let read = from.read(&mut buffer).await?;
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else {
            pulse.moved(Stage::HalfClosed);
            return half_close(&mut to).await;
        };
        pulse.moved(stage);
        timeout(wait, to.write_all(bytes)).await??;
        pulse.moved(stage);
    }
}

/// A peer that is gone altogether has nothing left to be told.
async fn half_close(to: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
    match to.shutdown().await {
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{DuplexStream, duplex};
    use tokio::task::JoinHandle;
    use tokio::time::sleep;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    type Relay = JoinHandle<io::Result<()>>;

    /// The client's end, the enclave's end and the relay between them.
    fn relayed(limits: Limits) -> (DuplexStream, DuplexStream, Relay) {
        let (client, opener) = duplex(64);
        let (enclave, other) = duplex(64);
        (client, enclave, tokio::spawn(async move { both_ways(opener, other, &limits).await }))
    }

    async fn timed_out(relay: Relay) -> Duration {
        let begun = Instant::now();
        assert_eq!(relay.await.unwrap().unwrap_err().kind(), io::ErrorKind::TimedOut);
        begun.elapsed()
    }

    #[tokio::test]
    async fn a_half_close_is_passed_on_and_the_other_direction_goes_on() {
        let (mut client, mut server, relay) = relayed(Limits::default());
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
        let limits = Limits::default();
        let (mut client, _enclave, relay) = relayed(limits);
        client.write_all(b"hello").await.unwrap();
        let lasted = timed_out(relay).await;
        assert!(lasted >= limits.idle && lasted < limits.idle + SECOND, "{lasted:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_never_speaks_is_ended_in_seconds() {
        let limits = Limits::default();
        let (_client, mut enclave, relay) = relayed(limits);
        enclave.write_all(b"a greeting gives no time").await.unwrap();
        let lasted = timed_out(relay).await;
        assert!(lasted < limits.first_byte + SECOND, "{lasted:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_stays_when_the_enclave_has_ended_is_ended_in_seconds() {
        let limits = Limits::default();
        let (mut client, enclave, relay) = relayed(limits);
        client.write_all(b"hello").await.unwrap();
        sleep(SECOND).await;
        drop(enclave);
        let lasted = timed_out(relay).await;
        assert!(lasted < limits.half_closed + SECOND, "{lasted:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_under_way_after_a_half_close_is_delivered() {
        let limits = Limits::default();
        let (mut client, mut enclave, relay) = relayed(limits);
        client.write_all(b"ask").await.unwrap();
        client.shutdown().await.unwrap();
        for _ in 0..10 {
            sleep(limits.half_closed / 2).await;
            enclave.write_all(b"piece").await.unwrap();
        }
        drop(enclave);
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer, b"piece".repeat(10));
        relay.await.unwrap().unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_read_is_ended_before_it_counts_as_idle() {
        let limits = Limits::default();
        let (mut client, mut enclave, relay) = relayed(limits);
        client.write_all(b"ask").await.unwrap();
        let writing = tokio::spawn(async move { enclave.write_all(&[7; 4096]).await });
        let lasted = timed_out(relay).await;
        assert!(lasted < limits.write + SECOND, "{lasted:?}");
        assert!(writing.await.unwrap().is_err() || lasted < limits.idle);
    }
}
