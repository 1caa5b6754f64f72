//! Kept-alive connections to one gateway: host egress, TLS to the pinned identity, HTTP/1.1.

use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use shroud_wire::credential::Statement;
use shroud_wire::egress::{Dial, DialAnswer};
use shroud_wire::link::{Address, Link};
use shroud_wire::{frame, limits};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::GatewayError;
use super::tls::{self, Pinned};
use crate::clock::Clock;
use crate::configuration::GatewayPin;

/// Connections that are kept for the next call.
const IDLE: usize = 8;

/// A whole answer.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Vec<u8>,
    pub(super) witness_key: [u8; 32],
}

struct Connection {
    sender: SendRequest<Full<Bytes>>,
    statement: Arc<Statement>,
}

/// Connections to one gateway.
pub(super) struct Connections {
    pin: GatewayPin,
    egress: Address,
    config: Arc<ClientConfig>,
    pinned: Arc<Pinned>,
    idle: Mutex<Vec<Connection>>,
    vouched: Mutex<Option<Arc<Statement>>>,
    clock: Arc<Clock>,
}

impl Connections {
    pub(super) fn new(pin: GatewayPin, egress: Address, clock: Arc<Clock>) -> Result<Self, rustls::Error> {
        let (config, pinned) = tls::client(pin.clone(), Arc::clone(&clock))?;
        let (idle, vouched) = (Mutex::default(), Mutex::default());
        Ok(Self { pin, egress, config, pinned, idle, vouched, clock })
    }

    /// The HPKE key that the identity vouches for.
    pub(super) async fn hpke_key(&self) -> Result<[u8; 32], GatewayError> {
        Ok(self.statement().await?.hpke_key)
    }

    /// One request. It is sent once, on one connection; a kept connection that turns out to be closed before a byte
    /// was sent is replaced.
    pub(super) async fn post(
        &self,
        path: &str,
        media: &str,
        body: Vec<u8>,
        deadline: Duration,
    ) -> Result<Answer, GatewayError> {
        match tokio::time::timeout(deadline, self.exchange(path, media, body)).await {
            Ok(answer) => answer,
            Err(_) => Err(self.unreachable(&format!("no answer within {} s", deadline.as_secs()))),
        }
    }

    async fn exchange(&self, path: &str, media: &str, body: Vec<u8>) -> Result<Answer, GatewayError> {
        let mut connection = self.ready().await?;
        let request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header(HOST, self.pin.name.as_str())
            .header(CONTENT_TYPE, media)
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| self.unreachable(&error))?;
        let response =
            connection.sender.send_request(request).await.map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), limits::GATEWAY_BODY).collect().await;
        let body = body.map_err(|error| self.unreachable(&error))?.to_bytes().to_vec();
        let witness_key = connection.statement.witness_key;
        self.keep(connection);
        Ok(Answer { status, body, witness_key })
    }

    async fn ready(&self) -> Result<Connection, GatewayError> {
        loop {
            let kept = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let Some(mut connection) = kept else { return self.dial().await };
            let current = connection.statement.not_after >= self.clock.credentials();
            if current && connection.sender.ready().await.is_ok() {
                return Ok(connection);
            }
        }
    }

    fn keep(&self, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE && !connection.sender.is_closed() {
            idle.push(connection);
        }
    }

    async fn statement(&self) -> Result<Arc<Statement>, GatewayError> {
        let known = self.vouched.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(statement) = known.filter(|statement| statement.not_after >= self.clock.credentials()) {
            return Ok(statement);
        }
        let connection = tokio::time::timeout(super::DEADLINE, self.dial()).await;
        let connection = connection.map_err(|_| self.unreachable(&"no connection in time"))??;
        let statement = Arc::clone(&connection.statement);
        self.keep(connection);
        Ok(statement)
    }

    async fn dial(&self) -> Result<Connection, GatewayError> {
        let link = self.through_host().await?;
        let name =
            ServerName::try_from("gateway.shroud.invalid").map_err(|error| self.unreachable(&error))?;
        let connector = TlsConnector::from(Arc::clone(&self.config));
        let stream = connector.connect(name, link).await.map_err(|error| self.unreachable(&error))?;
        let statement = Arc::new(self.vouched(&stream)?);
        *self.vouched.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&statement));
        let handshake = http1::handshake(TokioIo::new(stream)).await;
        let (sender, connection) = handshake.map_err(|error| self.unreachable(&error))?;
        tokio::spawn(connection);
        Ok(Connection { sender, statement })
    }

    async fn through_host(&self) -> Result<Link, GatewayError> {
        let mut link = Link::connect(&self.egress).await.map_err(|error| self.unreachable(&error))?;
        let dial = Dial { target: format!("gateway/{}", self.pin.name) };
        frame::write(&mut link, &dial).await.map_err(|error| self.unreachable(&error))?;
        let answer: DialAnswer = frame::read(&mut link).await.map_err(|error| self.unreachable(&error))?;
        if answer.error.is_empty() { Ok(link) } else { Err(self.unreachable(&answer.error)) }
    }

    fn vouched(&self, stream: &TlsStream<Link>) -> Result<Statement, GatewayError> {
        let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
        let certificate =
            certificates.first().ok_or_else(|| self.unreachable(&"it showed no certificate"))?;
        let credential = self.pinned.credential(certificate).map_err(|error| self.unreachable(&error))?;
        Ok(credential.statement().clone())
    }

    fn unreachable(&self, detail: &dyn Display) -> GatewayError {
        GatewayError::Unreachable { gateway: self.pin.name.clone(), detail: detail.to_string() }
    }
}
