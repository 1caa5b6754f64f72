//! The client of the three gateways: challenges, wraps, unwraps, registrations, cosignatures.
//!
//! Bytes go through the host's egress, TLS ends at the gateway's pinned identity, and a released key comes back sealed
//! to a key that lives for this one request (DESIGN §6, purpose `shroud/v1/release`). The host may delay or cut, no more.

mod connection;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use prost::Message as _;
use shroud_attestation::purpose;
use shroud_wire::gateway::{
    Attested, Challenge, ChallengeRequest, Item, Items, Origin, OriginQuery, Refusal, Registration, Sealed,
    Unwrap, Unwrapped, Wrap, Wrapped, release_transcript, request_bytes, wrap_input_info,
};
use shroud_wire::hpke::{self, Recipient};
use shroud_wire::link::Address;
use zeroize::{Zeroize as _, Zeroizing};

use crate::clock::Clock;
use crate::configuration::{GatewayPin, sha256};
use crate::processor::Processor;
use connection::Connections;

/// How long one call to one gateway may take, connection included.
const DEADLINE: Duration = Duration::from_secs(4);

/// Why a gateway did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// It could not be reached, or not in time.
    #[error("gateway {gateway} is out of reach: {detail}")]
    Unreachable {
        /// The gateway's name.
        gateway: String,
        /// What failed.
        detail: String,
    },
    /// It refused.
    #[error("gateway {gateway} refused ({kind}): {detail}")]
    Refused {
        /// The gateway's name.
        gateway: String,
        /// The refusal's name.
        kind: String,
        /// The refusal's sentence.
        detail: String,
    },
    /// Its answer is not what was asked for.
    #[error("gateway {gateway} gave an answer that is not what was asked for: {detail}")]
    Answer {
        /// The gateway's name.
        gateway: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The security processor gave no report.
    #[error(transparent)]
    Processor(#[from] crate::processor::ProcessorError),
    /// No randomness, or no key agreement.
    #[error(transparent)]
    Hpke(#[from] hpke::HpkeError),
}

/// What a gateway answered on `add-checkpoint`.
#[derive(Debug)]
pub(crate) struct CheckpointAnswer {
    /// The HTTP status: 200 with cosignature lines, 409 with the witness's size, or another refusal.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
    /// The witness key that the pinned identity vouches for on this connection.
    pub witness_key: [u8; 32],
}

/// One gateway.
pub(crate) struct Gateway {
    name: String,
    identity: [u8; 32],
    connections: Connections,
}

/// Every gateway, in the configuration's order.
pub(crate) struct Gateways {
    origin: String,
    members: Vec<Arc<Gateway>>,
    processor: Arc<dyn Processor>,
}

impl Gateways {
    /// Clients for the pinned gateways, reached through the host's egress.
    ///
    /// # Errors
    /// What rustls says of its configuration.
    pub(crate) fn new(
        origin: &str,
        pins: &[GatewayPin],
        egress: &Address,
        clock: &Arc<Clock>,
        processor: Arc<dyn Processor>,
    ) -> Result<Self, rustls::Error> {
        let members = pins
            .iter()
            .map(|pin| {
                let connections = Connections::new(pin.clone(), egress.clone(), Arc::clone(clock))?;
                Ok(Arc::new(Gateway { name: pin.name.clone(), identity: pin.identity, connections }))
            })
            .collect::<Result<_, rustls::Error>>()?;
        Ok(Self { origin: origin.to_owned(), members, processor })
    }

    /// The gateways.
    #[must_use]
    pub(crate) fn members(&self) -> &[Arc<Gateway>] {
        &self.members
    }

    /// Wraps keys under one gateway's KMS; each item carries its context.
    ///
    /// # Errors
    /// Every [`GatewayError`].
    pub(crate) async fn wrap(
        &self,
        gateway: &Gateway,
        items: Vec<Item>,
    ) -> Result<Vec<Vec<u8>>, GatewayError> {
        let count = items.len();
        let mut items = Items { items };
        let plain = Zeroizing::new(items.encode_to_vec());
        items.items.iter_mut().for_each(|item| item.bytes.zeroize());
        let nonce = gateway.challenge(&self.origin).await?;
        let hpke_key = gateway.connections.hpke_key().await?;
        let sealed = hpke::seal(&hpke_key, &wrap_input_info(&nonce, &gateway.identity), &plain)?;
        let body = Wrap { origin: self.origin.clone(), sealed: Some(sealed) }.encode_to_vec();
        let answer = self.attested(gateway, "/v1/wrap", nonce, body).await?;
        let wrapped = Wrapped::decode(answer.as_slice()).map_err(|e| gateway.answer(&e))?.wrapped;
        if wrapped.len() == count { Ok(wrapped) } else { Err(gateway.answer(&"another number of keys")) }
    }

    /// Unwraps keys by one gateway's KMS. The answer is sealed to a key that only this call knows.
    ///
    /// # Errors
    /// Every [`GatewayError`].
    pub(crate) async fn unwrap(
        &self,
        gateway: &Gateway,
        items: Vec<Item>,
    ) -> Result<Vec<Zeroizing<Vec<u8>>>, GatewayError> {
        let count = items.len();
        let nonce = gateway.challenge(&self.origin).await?;
        let body = Unwrap { origin: self.origin.clone(), items: Some(Items { items }) }.encode_to_vec();
        let answer = self.attested(gateway, "/v1/unwrap", nonce, body).await?;
        let keys = Unwrapped::decode(answer.as_slice()).map_err(|e| gateway.answer(&e))?.keys;
        if keys.len() == count {
            return Ok(keys.into_iter().map(Zeroizing::new).collect());
        }
        Err(gateway.answer(&"another number of keys"))
    }

    /// Registers the deployment at one gateway. The same registration again is no error.
    ///
    /// # Errors
    /// Every [`GatewayError`].
    pub(crate) async fn register(
        &self,
        gateway: &Gateway,
        registration: &Registration,
    ) -> Result<(), GatewayError> {
        let nonce = gateway.challenge(&self.origin).await?;
        let recipient = Recipient::generate()?;
        let body = registration.encode_to_vec();
        let (request, _) = self.request(gateway, "/v1/genesis", nonce, &recipient, body).await?;
        gateway.call("/v1/genesis", request).await.map(drop)
    }

    /// One attested request whose answer is sealed to a fresh key under the transcript.
    async fn attested(
        &self,
        gateway: &Gateway,
        path: &str,
        nonce: [u8; 32],
        body: Vec<u8>,
    ) -> Result<Zeroizing<Vec<u8>>, GatewayError> {
        let recipient = Recipient::generate()?;
        let (request, transcript) = self.request(gateway, path, nonce, &recipient, body).await?;
        let answer = gateway.call(path, request).await?;
        let sealed = Sealed::decode(answer.as_slice()).map_err(|e| gateway.answer(&e))?;
        let opened = recipient.open(&transcript, &sealed).map_err(|e| gateway.answer(&e))?;
        Ok(Zeroizing::new(opened))
    }

    async fn request(
        &self,
        gateway: &Gateway,
        path: &str,
        nonce: [u8; 32],
        recipient: &Recipient,
        body: Vec<u8>,
    ) -> Result<(Vec<u8>, Vec<u8>), GatewayError> {
        let digest = sha256(&request_bytes(path, &body));
        let transcript = release_transcript(&nonce, &gateway.identity, recipient.public_key(), &digest);
        let evidence = self.processor.report(&purpose::release(&transcript)).await?;
        let request = Attested {
            nonce: nonce.to_vec(),
            tee_key: recipient.public_key().to_vec(),
            report: evidence.report,
            certificates: evidence.certificates,
            body,
        };
        Ok((request.encode_to_vec(), transcript))
    }
}

impl Gateway {
    /// The gateway's name.
    #[must_use]
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What the gateway knows of a log origin.
    ///
    /// # Errors
    /// Every [`GatewayError`].
    pub(crate) async fn origin(&self, origin: &str) -> Result<Origin, GatewayError> {
        let answer =
            self.call("/v1/origin", OriginQuery { origin: origin.to_owned() }.encode_to_vec()).await?;
        Origin::decode(answer.as_slice()).map_err(|e| self.answer(&e))
    }

    /// Asks the witness to cosign a checkpoint (C2SP `tlog-witness`).
    ///
    /// # Errors
    /// [`GatewayError::Unreachable`].
    pub(crate) async fn add_checkpoint(&self, request: Vec<u8>) -> Result<CheckpointAnswer, GatewayError> {
        let answer = self.connections.post("/v1/add-checkpoint", "text/plain", request, DEADLINE).await?;
        Ok(CheckpointAnswer {
            status: answer.status.as_u16(),
            body: answer.body,
            witness_key: answer.witness_key,
        })
    }

    async fn challenge(&self, origin: &str) -> Result<[u8; 32], GatewayError> {
        let query = ChallengeRequest { origin: origin.to_owned() };
        let answer = self.call("/v1/challenge", query.encode_to_vec()).await?;
        let challenge = Challenge::decode(answer.as_slice()).map_err(|e| self.answer(&e))?;
        challenge.nonce.try_into().map_err(|_| self.answer(&"a nonce must have 32 bytes"))
    }

    async fn call(&self, path: &str, body: Vec<u8>) -> Result<Vec<u8>, GatewayError> {
        let answer = self.connections.post(path, "application/x-protobuf", body, DEADLINE).await?;
        if answer.status == StatusCode::OK {
            return Ok(answer.body);
        }
        let refusal = Refusal::decode(answer.body.as_slice()).unwrap_or_default();
        Err(GatewayError::Refused { gateway: self.name.clone(), kind: refusal.kind, detail: refusal.detail })
    }

    fn answer(&self, detail: &dyn std::fmt::Display) -> GatewayError {
        GatewayError::Answer { gateway: self.name.clone(), detail: detail.to_string() }
    }
}
