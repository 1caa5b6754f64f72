//! The gateways' protocol: `prost` bodies over HTTP/1.1 over TLS to a pinned identity.
//!
//! | request | body | answer |
//! |---|---|---|
//! | `POST /v1/challenge` | [`ChallengeRequest`] | [`Challenge`] |
//! | `POST /v1/wrap` | [`Attested`] over [`Wrap`] | [`Sealed`] around [`Wrapped`] |
//! | `POST /v1/unwrap` | [`Attested`] over [`Unwrap`] | [`Sealed`] around [`Unwrapped`] |
//! | `POST /v1/genesis` | [`Attested`] over [`Registration`] | [`Registered`] |
//! | `POST /v1/origin` | [`OriginQuery`] | [`Origin`] |
//! | `POST /v1/add-checkpoint` | C2SP `tlog-witness` text | cosignature lines |
//!
//! A refusal is an HTTP status other than 200 with a [`Refusal`]. The report inside [`Attested`] binds
//! `SHA-512(`[`release_transcript`]`)`, and a sealed answer carries the same transcript as its HPKE `info`.

use crate::canonical::Canonical;

/// The label of a release.
pub const RELEASE: &str = "shroud/v1/release";
/// The label of the digest of a request.
pub const REQUEST: &str = "shroud/v1/request";
/// The label under which plaintext is sealed to a gateway.
pub const WRAP_INPUT: &str = "shroud/v1/wrap-input";

/// What is hashed into a request's digest: the path and the exact body bytes.
#[must_use]
pub fn request_bytes(path: &str, body: &[u8]) -> Vec<u8> {
    Canonical::new(REQUEST).field(path).field(body).into_bytes()
}

/// The transcript of one release: gateway nonce ‖ gateway identity ‖ TEE public key ‖ digest of the request.
#[must_use]
pub fn release_transcript(
    nonce: &[u8; 32],
    identity: &[u8; 32],
    tee_key: &[u8],
    request: &[u8; 32],
) -> Vec<u8> {
    Canonical::new(RELEASE).field(nonce).field(identity).field(tee_key).field(request).into_bytes()
}

/// The HPKE `info` under which [`Wrap::sealed`] is sealed to a gateway.
#[must_use]
pub fn wrap_input_info(nonce: &[u8; 32], identity: &[u8; 32]) -> Vec<u8> {
    Canonical::new(WRAP_INPUT).field(nonce).field(identity).into_bytes()
}

/// Asks for a nonce.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct ChallengeRequest {
    /// The log origin of the deployment that asks.
    #[prost(string, tag = "1")]
    pub origin: String,
}

/// A nonce, good for one request and for a short time.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Challenge {
    /// 32 random bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub nonce: Vec<u8>,
    /// Seconds until it is refused.
    #[prost(uint32, tag = "2")]
    pub lifetime: u32,
}

/// A request that an attestation report authorises.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Attested {
    /// The challenge's nonce.
    #[prost(bytes = "vec", tag = "1")]
    pub nonce: Vec<u8>,
    /// The HPKE public key that the answer is sealed to; fresh for each request.
    #[prost(bytes = "vec", tag = "2")]
    pub tee_key: Vec<u8>,
    /// The raw report.
    #[prost(bytes = "vec", tag = "3")]
    pub report: Vec<u8>,
    /// The certificate table (GHCB) or certificates that go with it.
    #[prost(bytes = "vec", tag = "4")]
    pub certificates: Vec<u8>,
    /// The encoded request: its bytes are what the report binds.
    #[prost(bytes = "vec", tag = "5")]
    pub body: Vec<u8>,
}

/// A plaintext or ciphertext with the context that it is bound to.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Item {
    /// Where the key belongs; the KMS's AAD.
    #[prost(bytes = "vec", tag = "1")]
    pub context: Vec<u8>,
    /// The key to wrap, or the wrapped key.
    #[prost(bytes = "vec", tag = "2")]
    pub bytes: Vec<u8>,
}

/// Several items.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Items {
    /// At most [`crate::limits::WRAP_ITEMS`].
    #[prost(message, repeated, tag = "1")]
    pub items: Vec<Item>,
}

/// Asks to wrap keys.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Wrap {
    /// The log origin of the deployment.
    #[prost(string, tag = "1")]
    pub origin: String,
    /// [`Items`] sealed to the gateway's HPKE key under [`wrap_input_info`].
    #[prost(message, optional, tag = "2")]
    pub sealed: Option<Sealed>,
}

/// Asks to unwrap keys.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Unwrap {
    /// The log origin of the deployment.
    #[prost(string, tag = "1")]
    pub origin: String,
    /// What to unwrap.
    #[prost(message, optional, tag = "2")]
    pub items: Option<Items>,
}

/// HPKE base mode, X25519-HKDF-SHA256 with AES-256-GCM, empty AAD.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Sealed {
    /// The encapsulated secret.
    #[prost(bytes = "vec", tag = "1")]
    pub encapsulated: Vec<u8>,
    /// The ciphertext with its tag.
    #[prost(bytes = "vec", tag = "2")]
    pub ciphertext: Vec<u8>,
}

/// Wrapped keys, in the order of the request.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Wrapped {
    /// One per item.
    #[prost(bytes = "vec", repeated, tag = "1")]
    pub wrapped: Vec<Vec<u8>>,
}

/// Plain keys, in the order of the request.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Unwrapped {
    /// One per item.
    #[prost(bytes = "vec", repeated, tag = "1")]
    pub keys: Vec<Vec<u8>>,
}

/// What a deployment registers once per log origin.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct Registration {
    /// The log origin.
    #[prost(string, tag = "1")]
    pub origin: String,
    /// Commitment to the state key, 32 bytes.
    #[prost(bytes = "vec", tag = "2")]
    pub state_key_commitment: Vec<u8>,
    /// The journal's Ed25519 public key, 32 bytes.
    #[prost(bytes = "vec", tag = "3")]
    pub journal_key: Vec<u8>,
    /// The hash of the journal's first entry, 32 bytes.
    #[prost(bytes = "vec", tag = "4")]
    pub genesis: Vec<u8>,
}

/// The registration is durable; the same one again is no error.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Registered {}

/// Asks what a gateway knows of a log origin.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct OriginQuery {
    /// The log origin.
    #[prost(string, tag = "1")]
    pub origin: String,
}

/// What a gateway knows of a log origin.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Origin {
    /// Absent if the origin was never registered here.
    #[prost(message, optional, tag = "1")]
    pub registration: Option<Registration>,
    /// The newest checkpoint that this gateway cosigned for the origin, with its cosignature; empty if none.
    #[prost(bytes = "vec", tag = "2")]
    pub checkpoint: Vec<u8>,
    /// The gateway's clock, unix seconds; never below the timestamp of a cosignature that it gave.
    #[prost(uint64, tag = "3")]
    pub time: u64,
}

/// Why a gateway refused.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Refusal {
    /// A name to act on, such as `attestation`, `nonce`, `origin_known`, `rate_limit`.
    #[prost(string, tag = "1")]
    pub kind: String,
    /// A sentence for the log of the enclave.
    #[prost(string, tag = "2")]
    pub detail: String,
}
