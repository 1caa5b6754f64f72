//! An agent: it speaks plain HTTP to a sidecar.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Frame};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use shroud_cli::connect::forward::Sidecar;
use shroud_cli::connect::server::Server;
use shroud_cli::connect::{Attestor, Checkpoints, References};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

type Body = BoxBody<Bytes, Infallible>;

/// Starts a sidecar in front of `enclave`, which remembers nothing from before.
pub(crate) async fn sidecar(enclave: SocketAddr, references: Arc<References>) -> SocketAddr {
    sidecar_with(enclave, references, Attestor::new(None, Checkpoints::open(None).unwrap())).await
}

/// Starts a sidecar in front of `enclave` that judges sessions by `attestor`.
pub(crate) async fn sidecar_with(
    enclave: SocketAddr,
    references: Arc<References>,
    attestor: Attestor,
) -> SocketAddr {
    let sidecar = Sidecar::new(&enclave.to_string(), references, attestor).unwrap();
    let server = Server::bind("127.0.0.1:0".parse().unwrap(), sidecar).await.unwrap();
    let address = server.address();
    tokio::spawn(server.run(std::future::pending()));
    address
}

/// One connection of an agent.
pub(crate) struct Agent(SendRequest<Body>);

impl Agent {
    /// Connects.
    pub(crate) async fn connect(sidecar: SocketAddr) -> Self {
        let stream = TcpStream::connect(sidecar).await.unwrap();
        let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self(sender)
    }

    /// Posts a body of known length.
    pub(crate) async fn post(&mut self, path: &str, body: impl Into<Bytes>) -> Response<Bytes> {
        self.send(path, Full::new(body.into()).boxed()).await
    }

    /// Posts `count` chunks of `size` bytes, without saying how many.
    pub(crate) async fn post_chunked(&mut self, path: &str, count: usize, size: usize) -> Response<Bytes> {
        let chunks = Chunks { left: count, chunk: Bytes::from(vec![b'a'; size]) };
        self.send(path, chunks.boxed()).await
    }

    async fn send(&mut self, path: &str, body: Body) -> Response<Bytes> {
        self.0.ready().await.expect("the connection is still usable");
        let request = Request::post(path).header("host", "agent").body(body).unwrap();
        let (head, body) = self.0.send_request(request).await.unwrap().into_parts();
        Response::from_parts(head, body.collect().await.unwrap().to_bytes())
    }
}

/// A body that does not say how long it is.
struct Chunks {
    left: usize,
    chunk: Bytes,
}

impl hyper::body::Body for Chunks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(left) = self.left.checked_sub(1) else { return Poll::Ready(None) };
        self.left = left;
        Poll::Ready(Some(Ok(Frame::data(self.chunk.clone()))))
    }
}

/// Sends bytes as they are and reads until the sidecar closes.
pub(crate) async fn raw(sidecar: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(sidecar).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

/// The problem document of an answer, which must be one.
pub(crate) fn problem(answer: &Response<Bytes>) -> Value {
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    let document: Value = serde_json::from_slice(answer.body()).unwrap();
    assert_eq!(document["status"], answer.status().as_u16());
    assert_eq!(document["type"], "about:blank");
    document
}
