//! The measured configuration: one file, whose SHA-256 is the guest's HOST_DATA (DESIGN §6).
//!
//! It is public and holds no secret. Nothing else from outside is read. It is trusted only after the report has said
//! that HOST_DATA is the digest of these very bytes.

use aws_lc_rs::digest::{SHA256, digest};
use serde::Deserialize;
use shroud_journal::Quorum;
use shroud_wire::link::Address;
use uuid::Uuid;

/// Why a configuration was refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigurationError {
    /// Not the expected JSON.
    #[error("the configuration is not what was expected: {0}")]
    Form(#[from] serde_json::Error),
    /// A value is out of its range.
    #[error("configuration member {member}: expected {expected}, found {found}")]
    Value {
        /// The member's name.
        member: &'static str,
        /// What it should be.
        expected: &'static str,
        /// What it is.
        found: String,
    },
    /// The quorums do not protect against a rollback.
    #[error("configuration member quorum: {0}")]
    Quorum(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    origin: String,
    org_id: Uuid,
    user_id: Uuid,
    admin_key_sha256: String,
    auth_confirm_sha256: String,
    links: RawLinks,
    gateways: Vec<RawGateway>,
    quorum: RawQuorum,
    kek_ttl: u64,
    development: Option<Development>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLinks {
    ingress: String,
    store: String,
    egress: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawGateway {
    name: String,
    identity: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawQuorum {
    write: usize,
    boot: usize,
    faulty: usize,
}

/// What the development set-up is allowed; absent in production.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Development {
    /// Loopback `http://` RPC URLs are allowed.
    pub loopback_rpc: bool,
    /// Requests that may come at once before the rate limit bites.
    pub burst: u32,
}

/// The links to the host.
#[derive(Clone, Debug)]
pub struct Links {
    /// Where clients' bytes come in.
    pub ingress: Address,
    /// Where rows and entries are kept.
    pub store: Address,
    /// The way out to gateways.
    pub egress: Address,
}

/// A gateway and the identity that it is pinned to.
#[derive(Clone, Debug)]
pub struct GatewayPin {
    /// `gcp`, `aws` or `azure`.
    pub name: String,
    /// Its offline Ed25519 public key.
    pub identity: [u8; 32],
}

/// The configuration, checked.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// The log origin; carries the deployment's id.
    pub origin: String,
    /// The one organisation.
    pub org_id: Uuid,
    /// The one person.
    pub user_id: Uuid,
    /// SHA-256 of the admin's first API key.
    pub admin_key_sha256: [u8; 32],
    /// SHA-256 of what the person sends as `X-Auth-Confirm`.
    pub auth_confirm_sha256: [u8; 32],
    /// The links to the host.
    pub links: Links,
    /// The three gateways.
    pub gateways: Vec<GatewayPin>,
    /// Write and boot quorum, checked.
    pub quorum: Quorum,
    /// Seconds that an unwrapped KEK is kept; 0 asks the clouds each time.
    pub kek_ttl: u64,
    /// Present in development only.
    pub development: Option<Development>,
    /// SHA-256 of the file's bytes: what HOST_DATA must be.
    pub digest: [u8; 32],
}

impl Configuration {
    /// Reads the file's bytes.
    ///
    /// # Errors
    /// Every [`ConfigurationError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, ConfigurationError> {
        let raw: Raw = serde_json::from_slice(bytes)?;
        let quorum = Quorum::new(raw.gateways.len(), raw.quorum.write, raw.quorum.boot, raw.quorum.faulty)
            .map_err(|error| ConfigurationError::Quorum(error.to_string()))?;
        Ok(Self {
            origin: origin(raw.origin)?,
            org_id: raw.org_id,
            user_id: raw.user_id,
            admin_key_sha256: hash("admin_key_sha256", &raw.admin_key_sha256)?,
            auth_confirm_sha256: hash("auth_confirm_sha256", &raw.auth_confirm_sha256)?,
            links: links(&raw.links)?,
            gateways: gateways(raw.gateways)?,
            quorum,
            kek_ttl: raw.kek_ttl,
            development: raw.development,
            digest: sha256(bytes),
        })
    }
}

/// SHA-256 of `bytes`.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, bytes).as_ref());
    out
}

fn value(member: &'static str, expected: &'static str, found: &str) -> ConfigurationError {
    ConfigurationError::Value { member, expected, found: found.to_owned() }
}

fn origin(text: String) -> Result<String, ConfigurationError> {
    let printable = text.chars().all(|c| c.is_ascii_graphic() && c != '+');
    if printable && (1..=200).contains(&text.len()) {
        return Ok(text);
    }
    Err(value("origin", "1 to 200 printable ASCII characters without space or plus", &text))
}

fn hash(member: &'static str, text: &str) -> Result<[u8; 32], ConfigurationError> {
    let mut out = [0; 32];
    hex::decode_to_slice(text, &mut out).map_err(|_| value(member, "64 hex digits", text))?;
    Ok(out)
}

fn links(raw: &RawLinks) -> Result<Links, ConfigurationError> {
    let address =
        |member, text: &str| text.parse::<Address>().map_err(|_| value(member, "a link address", text));
    Ok(Links {
        ingress: address("links.ingress", &raw.ingress)?,
        store: address("links.store", &raw.store)?,
        egress: address("links.egress", &raw.egress)?,
    })
}

fn gateways(raw: Vec<RawGateway>) -> Result<Vec<GatewayPin>, ConfigurationError> {
    let names: Vec<&str> = raw.iter().map(|gateway| gateway.name.as_str()).collect();
    if names != ["gcp", "aws", "azure"] {
        return Err(value("gateways", "gcp, aws, azure, in this order", &names.join(", ")));
    }
    let pins: Vec<GatewayPin> = raw
        .into_iter()
        .map(|gateway| {
            Ok(GatewayPin { identity: hash("gateways.identity", &gateway.identity)?, name: gateway.name })
        })
        .collect::<Result<_, ConfigurationError>>()?;
    for (index, pin) in pins.iter().enumerate() {
        if pins.iter().skip(index + 1).any(|other| other.identity == pin.identity) {
            return Err(value("gateways.identity", "a key of its own for each gateway", &pin.name));
        }
    }
    Ok(pins)
}
