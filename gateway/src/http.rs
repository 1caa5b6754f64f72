//! HTTP: one function from a request to an answer; every failure is a [`Refused`] with its status.
//!
//! Bodies are `prost` messages, save for `/v1/add-checkpoint`, which is C2SP text. The whole body is read before the
//! path is judged, so that a refused request leaves its connection usable.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use prost::Message;
use shroud_wire::gateway::{Attested, ChallengeRequest, OriginQuery, Registered as Done, Registration};
use shroud_wire::limits;

use crate::admission::Admitted;
use crate::gateway::Gateway;
use crate::origins::{self, Registered};
use crate::refusal::Refused;
use crate::release;
use crate::slots::Slot;

const BODY_DEADLINE: Duration = Duration::from_secs(10);
const DEADLINE: Duration = Duration::from_secs(20);
const PROTOBUF: HeaderValue = HeaderValue::from_static("application/x-protobuf");

/// What a path answers with.
pub(crate) type Answer = Response<Full<Bytes>>;

/// Answers one request and tells the connection's slot how far it is.
pub(crate) async fn answer(
    gateway: Arc<Gateway>,
    slot: Arc<Slot>,
    request: Request<Incoming>,
) -> Result<Answer, Infallible> {
    slot.asks();
    let path = request.uri().path().to_owned();
    let answered = tokio::time::timeout(DEADLINE, route(&gateway, &slot, &path, request)).await;
    slot.rests();
    Ok(answered.unwrap_or(Err(Refused::Deadline)).unwrap_or_else(|refused| {
        report(&gateway, &path, &refused);
        refusal(&refused)
    }))
}

async fn route(
    gateway: &Arc<Gateway>,
    slot: &Slot,
    path: &str,
    request: Request<Incoming>,
) -> Result<Answer, Refused> {
    let method = request.method().clone();
    let body = read(request.into_body()).await?;
    slot.works();
    let handled = ["challenge", "wrap", "unwrap", "genesis", "origin", "add-checkpoint"];
    let operation = path.strip_prefix("/v1/").filter(|name| handled.contains(name)).ok_or(Refused::Path)?;
    if method != Method::POST {
        return Err(Refused::Method);
    }
    match operation {
        "challenge" => {
            decode::<ChallengeRequest>(&body, "challenge request")?;
            Ok(message(&gateway.challenge()?))
        }
        "wrap" => {
            let admitted = admit(gateway, slot, path, body).await?;
            Ok(message(&release::wrap(gateway, admitted).await?))
        }
        "unwrap" => {
            let admitted = admit(gateway, slot, path, body).await?;
            Ok(message(&release::unwrap(gateway, admitted).await?))
        }
        "genesis" => {
            let admitted = admit(gateway, slot, path, body).await?;
            genesis(gateway, admitted).await
        }
        "origin" => {
            let query: OriginQuery = decode(&body, "origin query")?;
            Ok(message(&gateway.origin(&origins::origin(&query.origin)?)?))
        }
        _ => add_checkpoint(gateway, path, body).await,
    }
}

/// Reads the whole body within its limit and its time.
async fn read(body: Incoming) -> Result<Bytes, Refused> {
    let whole = Limited::new(body, limits::GATEWAY_BODY).collect();
    match tokio::time::timeout(BODY_DEADLINE, whole).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Refused::TooLarge("the body")),
        Ok(Err(_)) | Err(_) => Err(Refused::Body),
    }
}

async fn admit(gateway: &Arc<Gateway>, slot: &Slot, path: &str, body: Bytes) -> Result<Admitted, Refused> {
    let attested: Attested = decode(&body, "attested request")?;
    let path = path.to_owned();
    let admitted = blocking(gateway, move |gateway| Admitted::admit(gateway, &path, attested)).await?;
    slot.proves();
    Ok(admitted)
}

async fn genesis(gateway: &Arc<Gateway>, admitted: Admitted) -> Result<Answer, Refused> {
    let registration: Registration = decode(admitted.body(), "registration")?;
    let registered = Registered::try_from(registration)?;
    let event = admitted.event("genesis", &registered.origin, &[]);
    release::bind(gateway, &admitted, &registered.origin).await?;
    blocking(gateway, move |gateway| gateway.register(registered)).await?;
    gateway.record(event).await?;
    Ok(message(&Done {}))
}

async fn add_checkpoint(gateway: &Arc<Gateway>, path: &str, body: Bytes) -> Result<Answer, Refused> {
    let added = blocking(gateway, move |gateway| gateway.witnesses.add(&gateway.clock, &body)).await?;
    if let Some(detail) = &added.refused {
        gateway.record_refusal(path, "checkpoint", detail);
    }
    let mut response = Response::new(Full::from(added.body));
    *response.status_mut() = StatusCode::from_u16(added.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(added.content_type));
    Ok(response)
}

/// Runs work that computes long or waits for the disk away from the connections.
pub(crate) async fn blocking<T: Send + 'static>(
    gateway: &Arc<Gateway>,
    work: impl FnOnce(&Gateway) -> Result<T, Refused> + Send + 'static,
) -> Result<T, Refused> {
    let gateway = Arc::clone(gateway);
    tokio::task::spawn_blocking(move || work(&gateway)).await.unwrap_or(Err(Refused::Stopping))
}

fn decode<M: Message + Default>(body: &[u8], what: &'static str) -> Result<M, Refused> {
    M::decode(body).map_err(|_| Refused::Malformed(what))
}

fn message(message: &impl Message) -> Answer {
    let mut response = Response::new(Full::from(message.encode_to_vec()));
    response.headers_mut().insert(CONTENT_TYPE, PROTOBUF);
    response
}

fn refusal(refused: &Refused) -> Answer {
    let mut response = message(&refused.to_message());
    *response.status_mut() = refused.status();
    if matches!(refused, Refused::Method) {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
    }
    response
}

/// Tells the log. Strangers' paths and methods are no refusals of this gateway's and would only fill it.
fn report(gateway: &Gateway, path: &str, refused: &Refused) {
    if matches!(refused, Refused::Path | Refused::Method | Refused::Body) {
        return;
    }
    if let Refused::Storage(Some(error)) = refused {
        tracing::error!(%error, "storage failed");
    }
    tracing::warn!(path, kind = refused.kind(), detail = %refused, "refused");
    gateway.record_refusal(path, refused.kind(), &refused.to_string());
}
