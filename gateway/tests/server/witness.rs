//! The witness by C2SP `tlog-witness`: statuses, durability, time.

use std::sync::Arc;

use prost::Message as _;
use shroud_gateway::{Server, StartError};
use shroud_journal::{
    AddCheckpoint, Checkpoint, CosignedCheckpoint, Cosigning, Origin, Quorum, SignedCheckpoint, Tree,
    WitnessKey, Witnesses,
};
use shroud_wire::gateway::OriginQuery;
use shroud_wire::note::SignatureLine;

use super::client::{Client, Reply};
use super::deployment::{Deployment, Guest, ORIGIN, journal_key};

const PATH: &str = "/v1/add-checkpoint";

/// A journal as its guest keeps it.
struct Journal {
    tree: Tree,
    term: u64,
}

impl Journal {
    fn of(leaves: u8) -> Self {
        let mut journal = Self { tree: Tree::new(), term: 1 };
        journal.grow(0, leaves);
        journal
    }

    fn grow(&mut self, kind: u8, leaves: u8) {
        for leaf in 0..leaves {
            self.tree.append([kind ^ leaf; 32]);
        }
    }

    fn checkpoint(&self) -> SignedCheckpoint {
        let origin = Origin::new(ORIGIN).unwrap();
        let (size, root) = (self.tree.size(), self.tree.root());
        Checkpoint { origin, size, root, term: self.term }.sign(&journal_key())
    }

    fn request(&self, old: u64) -> Vec<u8> {
        let proof = self.tree.consistency(old, self.tree.size()).unwrap_or_default();
        AddCheckpoint::new(old, proof, &self.checkpoint()).to_bytes()
    }
}

async fn registered() -> (Deployment, Client) {
    let deployment = Deployment::started().await;
    let mut client = deployment.client().await;
    deployment.register(&mut client, &Guest::of(ORIGIN)).await;
    (deployment, client)
}

fn key(deployment: &Deployment) -> WitnessKey {
    WitnessKey::new("gcp", deployment.pinned.statement().witness_key).unwrap()
}

/// Verifies the cosignature in a reply as the journal does, and returns its time.
#[track_caller]
fn cosigned(deployment: &Deployment, reply: &Reply, journal: &Journal) -> u64 {
    let text = std::str::from_utf8(&reply.body).unwrap();
    assert_eq!(reply.status.as_u16(), 200, "{text}");
    let line = SignatureLine::parse(text.strip_suffix('\n').unwrap()).unwrap();
    key(deployment).verify(&journal.checkpoint(), &line).unwrap().time()
}

#[track_caller]
fn refused(reply: &Reply, status: u16, body: &str) {
    assert_eq!((reply.status.as_u16(), std::str::from_utf8(&reply.body).unwrap()), (status, body));
}

#[tokio::test]
async fn a_growing_journal_is_cosigned() {
    let (deployment, mut client) = registered().await;
    let mut journal = Journal::of(3);
    assert_eq!(
        cosigned(&deployment, &client.post(PATH, journal.request(0)).await, &journal),
        deployment.clock()
    );
    journal.grow(0x40, 4);
    cosigned(&deployment, &client.post(PATH, journal.request(3)).await, &journal);
    // The same checkpoint again, for a fresh timestamp.
    deployment.set_clock(deployment.clock() + 10);
    let reply = client.post(PATH, journal.request(7)).await;
    assert_eq!(cosigned(&deployment, &reply, &journal), deployment.clock());
    let query = OriginQuery { origin: ORIGIN.into() }.encode_to_vec();
    let known: shroud_wire::gateway::Origin = client.post("/v1/origin", query).await.message();
    let note = [journal.checkpoint().to_bytes().as_slice(), reply.body.as_ref()].concat();
    assert_eq!(known.checkpoint, note);
    assert_eq!(known.time, deployment.clock());
}

#[tokio::test]
async fn the_newest_note_is_what_a_quorum_accepts() {
    let (deployment, mut client) = registered().await;
    let journal = Journal::of(3);
    client.post(PATH, journal.request(0)).await;
    let query = OriginQuery { origin: ORIGIN.into() }.encode_to_vec();
    let known: shroud_wire::gateway::Origin = client.post("/v1/origin", query).await.message();
    let witnesses = Witnesses::new(vec![key(&deployment)]).unwrap();
    let quorum = Quorum::new(1, 1, 1, 0).unwrap();
    let public = Guest::of(ORIGIN).registration().journal_key.try_into().unwrap();
    let origin = Origin::new(ORIGIN).unwrap();
    let cosigned =
        CosignedCheckpoint::verify(&known.checkpoint, &origin, &public, &witnesses, &quorum).unwrap();
    assert_eq!(cosigned.checkpoint(), journal.checkpoint().checkpoint());
    assert_eq!(Cosigning::new(journal.checkpoint()).count(), 0);
}

#[tokio::test]
async fn status_404_for_an_unknown_origin() {
    let deployment = Deployment::started().await;
    let mut client = deployment.client().await;
    refused(&client.post(PATH, Journal::of(3).request(0)).await, 404, "origin_unknown\n");
}

#[tokio::test]
async fn status_400_for_what_is_no_request() {
    let (_deployment, mut client) = registered().await;
    for body in ["", "old 0\n", "old x\n\nnote", "old 0\n\n\n\n"] {
        refused(&client.post(PATH, body).await, 400, "malformed\n");
    }
    let request = AddCheckpoint::new(9, vec![], &Journal::of(3).checkpoint()).to_bytes();
    refused(&client.post(PATH, request).await, 400, "old_above_new\n");
}

#[tokio::test]
async fn status_403_for_another_signer() {
    let (_deployment, mut client) = registered().await;
    let stranger = ::aws_lc_rs::signature::Ed25519KeyPair::from_seed_unchecked(&[1; 32]).unwrap();
    let checkpoint = Journal::of(3).checkpoint().checkpoint().clone().sign(&stranger);
    let request = AddCheckpoint::new(0, vec![], &checkpoint).to_bytes();
    refused(&client.post(PATH, request).await, 403, "signature\n");
}

#[tokio::test]
async fn status_409_with_the_size_for_a_rollback() {
    let (_deployment, mut client) = registered().await;
    let mut journal = Journal::of(5);
    client.post(PATH, journal.request(0)).await;
    let older = Journal::of(4);
    let reply = client.post(PATH, older.request(0)).await;
    refused(&reply, 409, "5\n");
    assert_eq!(reply.content_type, "text/x.tlog.size");
    journal.grow(9, 1);
    refused(&client.post(PATH, journal.request(4)).await, 409, "5\n");
}

#[tokio::test]
async fn status_409_for_a_fork_of_the_same_size() {
    let (_deployment, mut client) = registered().await;
    client.post(PATH, Journal::of(5).request(0)).await;
    let mut fork = Journal::of(4);
    fork.grow(0x77, 1);
    refused(&client.post(PATH, fork.request(5)).await, 409, "5\n");
}

#[tokio::test]
async fn status_422_for_a_fork() {
    let (_deployment, mut client) = registered().await;
    client.post(PATH, Journal::of(5).request(0)).await;
    let mut fork = Journal::of(4);
    fork.grow(0x77, 6);
    refused(&client.post(PATH, fork.request(5)).await, 422, "proof\n");
}

#[tokio::test]
async fn status_403_for_an_older_term() {
    let (_deployment, mut client) = registered().await;
    let mut journal = Journal::of(3);
    journal.term = 2;
    client.post(PATH, journal.request(0)).await;
    journal.term = 1;
    journal.grow(0x40, 1);
    refused(&client.post(PATH, journal.request(3)).await, 403, "term 2\n");
}

#[tokio::test]
async fn memory_survives_a_restart() {
    let (mut deployment, mut client) = registered().await;
    let mut journal = Journal::of(3);
    client.post(PATH, journal.request(0)).await;
    drop(client);
    deployment.restart().await;
    let mut client = deployment.client().await;
    refused(&client.post(PATH, journal.request(0)).await, 409, "3\n");
    journal.grow(0x40, 2);
    cosigned(&deployment, &client.post(PATH, journal.request(3)).await, &journal);
}

#[tokio::test]
async fn lost_memory_is_refused_and_never_begun_anew() {
    let (mut deployment, mut client) = registered().await;
    let journal = Journal::of(3);
    client.post(PATH, journal.request(0)).await;
    drop(client);
    deployment.stop().await;
    for entry in std::fs::read_dir(deployment.path("state").join("witness")).unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
    deployment.start().await;
    let mut client = deployment.client().await;
    refused(&client.post(PATH, journal.request(0)).await, 503, "memory_lost\n");
    deployment.register(&mut client, &Guest::of(ORIGIN)).await;
    refused(&client.post(PATH, journal.request(0)).await, 503, "memory_lost\n");
    let query = OriginQuery { origin: ORIGIN.into() }.encode_to_vec();
    client.post("/v1/origin", query).await.refused(503, "memory_lost");
}

#[tokio::test]
async fn clock_backwards() {
    let (mut deployment, mut client) = registered().await;
    let (journal, then) = (Journal::of(3), deployment.clock());
    deployment.set_clock(then + 100);
    cosigned(&deployment, &client.post(PATH, journal.request(0)).await, &journal);
    deployment.set_clock(then + 99);
    assert_eq!(cosigned(&deployment, &client.post(PATH, journal.request(3)).await, &journal), then + 100);
    deployment.set_clock(then);
    client.post(PATH, journal.request(3)).await.refused(503, "clock_backwards");
    drop(client);
    deployment.stop().await;
    let clock = shroud_gateway::clock::Clock::from_source(move || then);
    let refused = Server::bind_with_clock(&deployment.configuration(), clock).await.unwrap_err();
    assert!(matches!(refused, StartError::Clock(_)), "{refused}");
}

#[tokio::test]
async fn concurrent_calls_extend_one_line() {
    let (deployment, mut client) = registered().await;
    client.post(PATH, Journal::of(1).request(0)).await;
    let deployment = Arc::new(deployment);
    let mut calls = tokio::task::JoinSet::new();
    for fork in 0..8 {
        let deployment = Arc::clone(&deployment);
        calls.spawn(async move {
            let mut client = deployment.client().await;
            let mut journal = Journal::of(1);
            journal.grow(0x10 * fork + 1, 2);
            client.post(PATH, journal.request(1)).await.status.as_u16()
        });
    }
    let mut statuses = calls.join_all().await;
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409, 409, 409, 409, 409, 409]);
}
