//! One accepted TLS connection, as session evidence needs it: the key it was accepted with, and its exporter.
//!
//! hyper owns the stream while requests come in, so both sides of [`Shared`] hold it behind a lock that nobody contends
//! for: an exporter is asked for only while a request of the same connection is answered.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use shroud_attestation::session::EXPORTER;
use shroud_wire::link::Link;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::server::TlsStream;

/// Derives what both ends of one connection share, and nobody else (RFC 8446 §7.5).
pub(crate) trait Exporter: Send + Sync {
    /// 32 bytes of [`EXPORTER`] under `context`; `None` where TLS gives none.
    fn export(&self, context: &[u8; 32]) -> Option<[u8; 32]>;
}

/// What session evidence says of a connection.
pub(crate) struct Channel {
    spki: Arc<[u8]>,
    exporter: Box<dyn Exporter>,
}

impl Channel {
    /// A connection that was accepted with the key `spki` (SubjectPublicKeyInfo in DER).
    pub(crate) fn new(spki: Arc<[u8]>, exporter: impl Exporter + 'static) -> Self {
        Self { spki, exporter: Box::new(exporter) }
    }

    /// The key that the connection was accepted with.
    pub(crate) fn spki(&self) -> Arc<[u8]> {
        Arc::clone(&self.spki)
    }

    /// The connection's exporter for a nonce.
    pub(crate) fn export(&self, nonce: &[u8; 32]) -> Option<[u8; 32]> {
        self.exporter.export(nonce)
    }
}

/// A TLS stream that can be asked for its exporter while HTTP owns it.
#[derive(Clone)]
pub(crate) struct Shared(Arc<Mutex<TlsStream<Link>>>);

impl Shared {
    /// Shares a stream whose handshake is complete.
    pub(crate) fn new(stream: TlsStream<Link>) -> Self {
        Self(Arc::new(Mutex::new(stream)))
    }

    fn stream(&self) -> MutexGuard<'_, TlsStream<Link>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Exporter for Shared {
    fn export(&self, context: &[u8; 32]) -> Option<[u8; 32]> {
        self.stream().get_ref().1.export_keying_material([0; 32], EXPORTER, Some(context)).ok()
    }
}

impl AsyncRead for Shared {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream()).poll_read(cx, buf)
    }
}

impl AsyncWrite for Shared {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.stream()).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.stream()).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream().is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream()).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream()).poll_shutdown(cx)
    }
}
