//! What the enclave and the host are configured with. The enclave's file is measured, so equal options must give equal
//! bytes: members stand in a fixed order, links and ids are kept in the state folder.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use serde::Serialize;
use uuid::Uuid;

use crate::directory::{Layout, write_json};
use crate::error::{DevError, Tried as _};
use crate::operator::Operator;
use crate::ports::Ports;
use crate::role::GATEWAYS;

/// Seconds for which the enclave keeps an unwrapped KEK, unless told otherwise.
pub const KEK_TTL: u64 = 300;
/// Requests that may come at once in development.
const BURST: u32 = 2_000;

#[derive(Serialize)]
struct Measured<'a> {
    origin: String,
    org_id: Uuid,
    user_id: Uuid,
    admin_key_sha256: String,
    auth_confirm_sha256: String,
    links: Links,
    gateways: Vec<Pin<'a>>,
    quorum: Quorum,
    kek_ttl: u64,
    development: Development,
}

#[derive(Serialize)]
struct Links {
    ingress: String,
    store: String,
    egress: String,
}

#[derive(Serialize)]
struct Pin<'a> {
    name: &'a str,
    identity: &'a str,
}

#[derive(Serialize)]
struct Quorum {
    write: usize,
    boot: usize,
    faulty: usize,
}

#[derive(Serialize)]
struct Development {
    loopback_rpc: bool,
    burst: u32,
}

/// Writes the enclave's configuration and returns the SHA-256 of its bytes, which the processor measures.
///
/// `identities` are the public keys (hex) of gcp, aws, azure; `kek_ttl` is in seconds.
///
/// # Errors
/// [`DevError::Io`].
pub fn write_enclave(
    layout: &Layout,
    operator: &Operator,
    identities: &[String; 3],
    kek_ttl: u64,
) -> Result<String, DevError> {
    let link = |name| unix(&layout.socket(name));
    let measured = Measured {
        origin: operator.origin(),
        org_id: operator.org_id(),
        user_id: operator.user_id(),
        admin_key_sha256: sha256_hex(operator.admin_api_key().as_bytes()),
        auth_confirm_sha256: sha256_hex(operator.auth_confirm().as_bytes()),
        links: Links { ingress: link("ingress"), store: link("store"), egress: link("egress") },
        gateways: GATEWAYS.iter().zip(identities).map(|(name, identity)| Pin { name, identity }).collect(),
        quorum: Quorum { write: 2, boot: 2, faulty: 0 },
        kek_ttl,
        development: Development { loopback_rpc: true, burst: BURST },
    };
    let path = layout.configuration();
    write_json(&path, &measured)?;
    let bytes = fs::read(&path).tried(|| format!("reading {}", path.display()))?;
    Ok(sha256_hex(&bytes))
}

#[derive(Serialize)]
struct Host {
    ingress: Ingress,
    store: Store,
    egress: Egress,
}

#[derive(Serialize)]
struct Ingress {
    listen: SocketAddr,
    enclave: String,
}

#[derive(Serialize)]
struct Store {
    listen: String,
    database: PathBuf,
}

#[derive(Serialize)]
struct Egress {
    listen: String,
    targets: BTreeMap<String, SocketAddr>,
}

/// Writes the host's configuration.
///
/// # Errors
/// [`DevError::Io`].
pub fn write_host(layout: &Layout, ports: &Ports) -> Result<(), DevError> {
    let link = |name| unix(&layout.socket(name));
    let targets =
        GATEWAYS.iter().zip(ports.gateways).map(|(name, address)| (format!("gateway/{name}"), address));
    let host = Host {
        ingress: Ingress { listen: ports.ingress, enclave: link("ingress") },
        store: Store { listen: link("store"), database: layout.database() },
        egress: Egress { listen: link("egress"), targets: targets.collect() },
    };
    write_json(&layout.host_configuration(), &host)
}

fn unix(path: &Path) -> String {
    format!("unix:{}", path.display())
}

fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(digest(&SHA256, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::Directory;
    use crate::directory::testing::Scratch;

    fn identities() -> [String; 3] {
        ["01", "02", "03"].map(|byte| byte.repeat(32))
    }

    #[test]
    fn equal_options_give_equal_bytes_and_the_enclave_reads_them() {
        let scratch = Scratch::new();
        let directory = Directory::open(scratch.path()).unwrap();
        let layout = directory.layout();
        let write = |kek_ttl| {
            let operator = Operator::open(layout).unwrap();
            let hash = write_enclave(layout, &operator, &identities(), kek_ttl).unwrap();
            (hash, fs::read(layout.configuration()).unwrap())
        };
        let (first, bytes) = write(KEK_TTL);
        assert_eq!(write(KEK_TTL), (first.clone(), bytes.clone()));
        assert_ne!(write(0).0, first);
        let read = shroud_enclave::Configuration::parse(&bytes).unwrap();
        assert_eq!(hex::encode(read.digest), first);
        assert_eq!(read.gateways.len(), 3);
    }

    #[test]
    fn the_measured_configuration_holds_no_secret() {
        let scratch = Scratch::new();
        let directory = Directory::open(scratch.path()).unwrap();
        let operator = Operator::open(directory.layout()).unwrap();
        write_enclave(directory.layout(), &operator, &identities(), KEK_TTL).unwrap();
        let text = fs::read_to_string(directory.layout().configuration()).unwrap();
        assert!(text.contains(&sha256_hex(operator.admin_api_key().as_bytes())));
        assert!(!text.contains(operator.admin_api_key()) && !text.contains(operator.auth_confirm()));
    }
}
