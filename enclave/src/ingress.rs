//! Bytes from clients: link, TLS, HTTP/1.1, one request at a time per connection. Everything is bounded.
//!
//! The host hands connections over and may cut them; it sees ciphertext. Whatever fails before a whole request is
//! there ends the connection; from then on every answer is JSON, or the API's problem format.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use shroud_wire::limits;
use shroud_wire::link::{Link, Listener};
use shroud_wire::write_deadline::WriteDeadline;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::api::problem::Problem;
use crate::api::{Api, Call, Reply};
use crate::session::{Channel, Shared};
use crate::tls::Identity;

/// Connections at once; more wait in the listener's queue.
const CONNECTIONS: usize = 2048;
/// How long a handshake, or the headers of a request, may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long one request may take before it is answered with 503.
const DEADLINE: Duration = Duration::from_secs(9);
/// How long a client may take to read one answer.
const ANSWER: Duration = Duration::from_secs(30);
/// Bytes of a body over the limit that are read away, so that the connection can be used again.
const DRAIN: usize = 4 * limits::HTTP_BODY;

/// Accepts connections until the process ends.
pub(crate) async fn serve(listener: Listener, identity: Arc<Identity>, api: Arc<Api>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok(link) => drop(tokio::spawn(connection(link, Arc::clone(&identity), Arc::clone(&api), place))),
            Err(error) => {
                tracing::warn!(%error, "ingress");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn connection(link: Link, identity: Arc<Identity>, api: Arc<Api>, _place: OwnedSemaphorePermit) {
    let (acceptor, spki) = identity.acceptor();
    let Ok(Ok(stream)) = tokio::time::timeout(PATIENCE, acceptor.accept(link)).await else { return };
    let stream = Shared::new(stream);
    let channel = Arc::new(Channel::new(spki, stream.clone()));
    let service = service_fn(move |request| {
        let (api, channel) = (Arc::clone(&api), Arc::clone(&channel));
        async move { Ok::<_, Infallible>(answer(&api, channel, request).await) }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(90))
        .max_buf_size(limits::HTTP_HEADERS)
        .serve_connection(TokioIo::new(WriteDeadline::new(stream, ANSWER)), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "connection");
    }
}

async fn answer(api: &Api, channel: Arc<Channel>, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (parts, body) = request.into_parts();
    let outcome = match tokio::time::timeout(PATIENCE, whole(body)).await {
        Ok(Ok(body)) => {
            match tokio::time::timeout(DEADLINE, api.handle(Call::new(parts, body).over(channel))).await {
                Ok(outcome) => outcome,
                Err(_) => Err(Problem::unavailable("deadline", "the request could not be completed in time")),
            }
        }
        Ok(Err(problem)) => Err(problem),
        Err(_) => Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "the request's body did not arrive in time")),
    };
    match outcome {
        Ok(reply) => succeeded(reply),
        Err(problem) => failed(&problem),
    }
}

/// The whole body, up to the limit.
async fn whole(mut body: Incoming) -> Result<Bytes, Problem> {
    let announced = body.size_hint().lower();
    if announced > limits::HTTP_BODY as u64 {
        drain(&mut body).await;
        return Err(too_large(announced));
    }
    match Limited::new(&mut body, limits::HTTP_BODY).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            drain(&mut body).await;
            Err(too_large(limits::HTTP_BODY as u64 + 1))
        }
        Err(_) => Err(Problem::bad_request("the request's body ended early")),
    }
}

fn too_large(found: u64) -> Problem {
    let detail = format!("a body of at most {} bytes was expected, found {found} or more", limits::HTTP_BODY);
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
}

async fn drain(body: &mut Incoming) {
    let mut read = 0;
    while read < DRAIN {
        match body.frame().await {
            Some(Ok(frame)) => read += frame.data_ref().map_or(0, Bytes::len),
            _ => return,
        }
    }
}

fn succeeded(reply: Reply) -> Response<Full<Bytes>> {
    let (status, media, body) = reply.into_parts();
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    if status != StatusCode::NO_CONTENT {
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media));
    }
    response
}

fn failed(problem: &Problem) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(problem.body())));
    *response.status_mut() = problem.status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if let Some(seconds) = problem.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let Some(allow) = problem.allow.as_deref().and_then(|methods| HeaderValue::from_str(methods).ok()) {
        headers.insert(ALLOW, allow);
    }
    response
}
