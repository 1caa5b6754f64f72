//! A gateway on a loopback port, the guests that ask it, and the operators who sign its reference values.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ::aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use prost::Message;
use sha2::{Digest as _, Sha256};
use shroud_attestation::purpose;
use shroud_attestation::reference::{Draft, Operator, Operators, Tuple, signature_line};
use shroud_attestation_mock::{Launch, Platform, ReportInput};
use shroud_gateway::clock::Clock;
use shroud_gateway::{Configuration, Issue, Server};
use shroud_wire::gateway::{
    Attested, Challenge, ChallengeRequest, Item, Items, Registration, Sealed, Unwrap, Unwrapped, Wrap,
    Wrapped, release_transcript, request_bytes, wrap_input_info,
};
use shroud_wire::hpke::{self, Recipient};
use shroud_wire::note::Note;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::client::{Client, Pinned, Reply};

/// The origin that the first guest's configuration names.
pub(crate) const ORIGIN: &str = "shroud.invalid/one";

/// A gateway with everything that it stands on.
pub(crate) struct Deployment {
    pub(crate) directory: TempDir,
    pub(crate) platform: Platform,
    pub(crate) pinned: Arc<Pinned>,
    pub(crate) draft: Draft,
    pub(crate) limits: serde_json::Value,
    clock: Arc<AtomicU64>,
    running: Option<Running>,
}

struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

/// One guest: a launch on the deployment's platform.
#[derive(Clone)]
pub(crate) struct Guest {
    pub(crate) launch: Launch,
    pub(crate) origin: String,
}

/// A request ready to send, with the key that opens its answer.
pub(crate) struct Asked {
    pub(crate) attested: Attested,
    pub(crate) tee: Recipient,
    pub(crate) transcript: Vec<u8>,
}

pub(crate) fn unix() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn operator(name: &str) -> (Ed25519KeyPair, Operator) {
    let key = Ed25519KeyPair::from_seed_unchecked(&Sha256::digest(name)).unwrap();
    let ed25519 = key.public_key().as_ref().try_into().unwrap();
    (key, Operator { name: name.into(), ed25519 })
}

impl Guest {
    /// A guest whose configuration names `origin`.
    pub(crate) fn of(origin: &str) -> Self {
        Self { launch: Launch::of(b"program", origin.as_bytes()), origin: origin.into() }
    }

    pub(crate) fn registration(&self) -> Registration {
        Registration {
            origin: self.origin.clone(),
            state_key_commitment: vec![1; 32],
            journal_key: journal_key().public_key().as_ref().to_vec(),
            genesis: vec![3; 32],
        }
    }
}

pub(crate) fn journal_key() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[9; 32]).unwrap()
}

impl Deployment {
    /// A gateway named `gcp` that admits [`Guest::of`]`(`[`ORIGIN`]`)`, not yet started.
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let platform = Platform::for_tests("gateway").unwrap();
        let identity = shroud_gateway::identity_new(&directory.path().join("identity")).unwrap();
        shroud_gateway::keys_new(&directory.path().join("state")).unwrap();
        let draft = Draft {
            version: 1,
            operators: Operators {
                threshold: NonZeroUsize::new(2).unwrap(),
                keys: ["ada", "bob", "eve"].map(|name| operator(name).1).to_vec(),
            },
            tuples: vec![],
            roots: vec![platform.root_pem().to_owned()],
            platform: Default::default(),
        };
        let mut deployment = Self {
            directory,
            platform,
            pinned: Pinned::new("gcp", identity),
            draft,
            limits: serde_json::json!({}),
            clock: Arc::new(AtomicU64::new(unix())),
            running: None,
        };
        deployment.issue(7);
        deployment.admit(&Guest::of(ORIGIN));
        deployment.sign_reference(&["ada", "bob"]);
        deployment
    }

    /// As [`Deployment::new`], started.
    pub(crate) async fn started() -> Self {
        let mut deployment = Self::new();
        deployment.start().await;
        deployment
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Issues a credential over the keys in the state directory.
    pub(crate) fn issue(&self, days: u64) {
        let issue = Issue {
            identity: self.path("identity"),
            state: self.path("state"),
            name: self.pinned.name.clone(),
            out: self.path("credential"),
            days,
            now: self.clock.load(Ordering::SeqCst),
        };
        shroud_gateway::credential_issue(&issue).unwrap();
    }

    /// Adds a guest to the draft of the reference values.
    pub(crate) fn admit(&mut self, guest: &Guest) {
        self.draft.tuples.push(Tuple {
            measurement: guest.launch.measurement,
            host_data: guest.launch.host_data,
            chips: vec![*self.platform.chip_id()],
        });
    }

    /// Writes the draft, signed by these operators.
    pub(crate) fn sign_reference(&self, operators: &[&str]) {
        let text = self.draft.to_text().unwrap();
        let sign = |name: &&str| {
            let (key, operator) = operator(name);
            signature_line(&operator, key.sign(text.as_bytes()).as_ref().try_into().unwrap())
        };
        let signatures = operators.iter().map(sign).collect();
        std::fs::write(self.path("reference"), Note { text, signatures }.to_bytes()).unwrap();
    }

    pub(crate) fn configuration(&self) -> Configuration {
        serde_json::from_value(serde_json::json!({
            "name": self.pinned.name,
            "listen": "127.0.0.1:0",
            "state": self.path("state"),
            "credential": self.path("credential"),
            "reference": self.path("reference"),
            "identity": hex::encode(self.pinned.identity),
            "backend": {"kind": "local", "key": self.path("backend.key")},
            "limits": self.limits,
        }))
        .unwrap()
    }

    pub(crate) async fn start(&mut self) {
        let clock = Arc::clone(&self.clock);
        let clock = Clock::from_source(move || clock.load(Ordering::SeqCst));
        let server = Server::bind_with_clock(&self.configuration(), clock).await.unwrap();
        let (stop, stopped) = oneshot::channel();
        let address = server.address();
        let served = tokio::spawn(server.serve(async move {
            let _ = stopped.await;
        }));
        self.running = Some(Running { address, stop, served });
    }

    pub(crate) async fn stop(&mut self) {
        let running = self.running.take().unwrap();
        running.stop.send(()).unwrap();
        running.served.await.unwrap();
    }

    pub(crate) async fn restart(&mut self) {
        self.stop().await;
        self.start().await;
    }

    pub(crate) fn set_clock(&self, unix: u64) {
        self.clock.store(unix, Ordering::SeqCst);
    }

    pub(crate) fn clock(&self) -> u64 {
        self.clock.load(Ordering::SeqCst)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.running.as_ref().unwrap().address
    }

    pub(crate) async fn client(&self) -> Client {
        Client::connect(self.address(), Arc::clone(&self.pinned)).await
    }

    /// A fresh challenge.
    pub(crate) async fn nonce(&self, client: &mut Client) -> [u8; 32] {
        let body = ChallengeRequest { origin: ORIGIN.into() }.encode_to_vec();
        let challenge: Challenge = client.post("/v1/challenge", body).await.message();
        assert_eq!(challenge.lifetime, self.configuration().limits.challenge_seconds);
        challenge.nonce.try_into().unwrap()
    }

    /// A genuine request over `nonce`, its report bent by `bend`.
    pub(crate) fn attest(
        &self,
        guest: &Guest,
        path: &str,
        nonce: [u8; 32],
        body: Vec<u8>,
        bend: impl FnOnce(&mut ReportInput),
    ) -> Asked {
        let tee = Recipient::generate().unwrap();
        let key = tee.public_key().to_vec();
        let (attested, transcript) = self.attest_key(guest, path, nonce, body, key, bend);
        Asked { attested, tee, transcript }
    }

    /// As [`Deployment::attest`], for an answer sealed to `tee_key`; returns the transcript with it.
    pub(crate) fn attest_key(
        &self,
        guest: &Guest,
        path: &str,
        nonce: [u8; 32],
        body: Vec<u8>,
        tee_key: Vec<u8>,
        bend: impl FnOnce(&mut ReportInput),
    ) -> (Attested, Vec<u8>) {
        let digest = Sha256::digest(request_bytes(path, &body)).into();
        let transcript = release_transcript(&nonce, &self.pinned.identity, &tee_key, &digest);
        let mut input = self.platform.genuine(&guest.launch, purpose::release(&transcript).as_bytes());
        bend(&mut input);
        let evidence = self.platform.report(&input).unwrap();
        let (report, certificates) = (evidence.report, evidence.certificates);
        (Attested { nonce: nonce.to_vec(), tee_key, report, certificates, body }, transcript)
    }

    /// Sends a genuine request over a fresh challenge.
    pub(crate) async fn ask(
        &self,
        client: &mut Client,
        guest: &Guest,
        path: &str,
        body: Vec<u8>,
    ) -> (Reply, Asked) {
        let nonce = self.nonce(client).await;
        let asked = self.attest(guest, path, nonce, body, |_| {});
        (client.post(path, asked.attested.encode_to_vec()).await, asked)
    }

    /// Wraps one key under a context.
    pub(crate) async fn wrap(&self, client: &mut Client, guest: &Guest, context: &[u8], key: &[u8]) -> Reply {
        let nonce = self.nonce(client).await;
        let items = Items { items: vec![Item { context: context.to_vec(), bytes: key.to_vec() }] };
        let body = self.wrap_body(guest, &nonce, &items);
        let asked = self.attest(guest, "/v1/wrap", nonce, body, |_| {});
        let reply = client.post("/v1/wrap", asked.attested.encode_to_vec()).await;
        if !reply.status.is_success() {
            return reply;
        }
        let wrapped = Wrapped::decode(asked.open(&reply).as_slice()).unwrap();
        Reply { body: wrapped.wrapped.into_iter().next().unwrap().into(), ..reply }
    }

    /// The body of a wrap request.
    pub(crate) fn wrap_body(&self, guest: &Guest, nonce: &[u8; 32], items: &Items) -> Vec<u8> {
        let info = wrap_input_info(nonce, &self.pinned.identity);
        let key = self.pinned.statement().hpke_key;
        let sealed = hpke::seal(&key, &info, &items.encode_to_vec()).unwrap();
        Wrap { origin: guest.origin.clone(), sealed: Some(sealed) }.encode_to_vec()
    }

    /// Unwraps one wrapped key under a context.
    pub(crate) async fn unwrap(
        &self,
        client: &mut Client,
        guest: &Guest,
        context: &[u8],
        wrapped: &[u8],
    ) -> Result<Vec<u8>, Reply> {
        let body = unwrap_body(&guest.origin, context, wrapped);
        let (reply, asked) = self.ask(client, guest, "/v1/unwrap", body).await;
        if !reply.status.is_success() {
            return Err(reply);
        }
        let keys = Unwrapped::decode(asked.open(&reply).as_slice()).unwrap();
        Ok(keys.keys.into_iter().next().unwrap())
    }

    /// Registers the guest's origin.
    pub(crate) async fn register(&self, client: &mut Client, guest: &Guest) {
        let body = guest.registration().encode_to_vec();
        let (reply, _) = self.ask(client, guest, "/v1/genesis", body).await;
        assert!(reply.status.is_success(), "{:?}", reply.refusal());
    }

    /// Whether the gateway's log says `text`, now or within two seconds: refusals are written behind the answer.
    pub(crate) async fn logged(&self, text: &str) -> bool {
        let path = self.path("state").join("releases.jsonl");
        for _ in 0..100 {
            if std::fs::read_to_string(&path).unwrap().contains(text) {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        false
    }
}

impl Asked {
    /// Opens a sealed answer.
    pub(crate) fn open(&self, reply: &Reply) -> Vec<u8> {
        self.tee.open(&self.transcript, &reply.message::<Sealed>()).unwrap()
    }
}

pub(crate) fn unwrap_body(origin: &str, context: &[u8], wrapped: &[u8]) -> Vec<u8> {
    let items = Items { items: vec![Item { context: context.to_vec(), bytes: wrapped.to_vec() }] };
    Unwrap { origin: origin.into(), items: Some(items) }.encode_to_vec()
}
