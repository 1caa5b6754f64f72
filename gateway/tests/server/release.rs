//! What a genuine guest gets: its own keys, sealed to its own key, and a line in the log for each.

use prost::Message as _;
use shroud_gateway::log;
use shroud_wire::gateway::{Item, Items, Sealed, Unwrap, Unwrapped, Wrapped};
use shroud_wire::hpke::{HpkeError, Recipient};

use super::deployment::{Deployment, Guest, ORIGIN, unwrap_body};

#[tokio::test]
async fn a_key_comes_back_to_its_guest_after_a_restart() {
    let mut deployment = Deployment::started().await;
    let (guest, mut client) = (Guest::of(ORIGIN), deployment.client().await);
    let wrapped = deployment.wrap(&mut client, &guest, b"kek", &[7; 32]).await.body;
    assert!(!wrapped.windows(8).any(|window| window == [7; 8]));
    drop(client);
    deployment.restart().await;
    let mut client = deployment.client().await;
    assert_eq!(deployment.unwrap(&mut client, &guest, b"kek", &wrapped).await.unwrap(), [7; 32]);
    deployment.stop().await;
    let path = deployment.path("state").join("releases.jsonl");
    // started, wrap, started, unwrap
    assert_eq!(log::verify(&path, "gcp").unwrap().sequence, 4);
}

#[tokio::test]
async fn many_items_keep_their_order() {
    let deployment = Deployment::started().await;
    let (guest, mut client) = (Guest::of(ORIGIN), deployment.client().await);
    let plain: Vec<Item> = (0..64).map(|n| Item { context: vec![1, n], bytes: vec![n; 32] }).collect();
    let nonce = deployment.nonce(&mut client).await;
    let body = deployment.wrap_body(&guest, &nonce, &Items { items: plain.clone() });
    let asked = deployment.attest(&guest, "/v1/wrap", nonce, body, |_| {});
    let reply = client.post("/v1/wrap", asked.attested.encode_to_vec()).await;
    let wrapped = Wrapped::decode(asked.open(&reply).as_slice()).unwrap().wrapped;
    let items = plain.iter().zip(wrapped).map(|(item, bytes)| Item { bytes, ..item.clone() }).collect();
    let body = Unwrap { origin: ORIGIN.into(), items: Some(Items { items }) }.encode_to_vec();
    let (reply, asked) = deployment.ask(&mut client, &guest, "/v1/unwrap", body).await;
    let keys = Unwrapped::decode(asked.open(&reply).as_slice()).unwrap().keys;
    assert_eq!(keys, plain.into_iter().map(|item| item.bytes).collect::<Vec<_>>());
}

#[tokio::test]
async fn only_the_tee_key_opens_the_answer() {
    let deployment = Deployment::started().await;
    let (guest, mut client) = (Guest::of(ORIGIN), deployment.client().await);
    let wrapped = deployment.wrap(&mut client, &guest, b"kek", &[7; 32]).await.body;
    let body = unwrap_body(ORIGIN, b"kek", &wrapped);
    let (reply, asked) = deployment.ask(&mut client, &guest, "/v1/unwrap", body).await;
    let sealed: Sealed = reply.message();
    assert!(!sealed.ciphertext.windows(8).any(|window| window == [7; 8]));
    let other = Recipient::generate().unwrap();
    assert_eq!(other.open(&asked.transcript, &sealed), Err(HpkeError));
    let mut another = asked.transcript.clone();
    *another.last_mut().unwrap() ^= 1;
    assert_eq!(asked.tee.open(&another, &sealed), Err(HpkeError));
    assert!(asked.tee.open(&asked.transcript, &sealed).is_ok());
}

#[tokio::test]
async fn a_wrapped_key_opens_under_its_context_alone() {
    let deployment = Deployment::started().await;
    let (guest, mut client) = (Guest::of(ORIGIN), deployment.client().await);
    let wrapped = deployment.wrap(&mut client, &guest, b"kek", &[7; 32]).await.body;
    let other = deployment.unwrap(&mut client, &guest, b"kek2", &wrapped).await.unwrap_err();
    other.refused(422, "unopened");
    let mut bent = wrapped.to_vec();
    *bent.last_mut().unwrap() ^= 1;
    let bent = deployment.unwrap(&mut client, &guest, b"kek", &bent).await.unwrap_err();
    bent.refused(422, "unopened");
}

#[tokio::test]
async fn secret_never_prints() {
    let mut deployment = Deployment::started().await;
    let (guest, mut client) = (Guest::of(ORIGIN), deployment.client().await);
    let key: [u8; 32] = *b"a key that a test can search for";
    let wrapped = deployment.wrap(&mut client, &guest, b"kek", &key).await.body;
    deployment.unwrap(&mut client, &guest, b"kek", &wrapped).await.unwrap();
    drop(client);
    deployment.stop().await;
    let (mut files, mut marker) = (0, false);
    let mut folders = vec![deployment.directory.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let content = std::fs::read(&path).unwrap();
            let text = String::from_utf8_lossy(&content);
            marker |= text.contains(ORIGIN);
            assert!(!content.windows(32).any(|window| window == key), "{}", path.display());
            assert!(!text.contains(&hex::encode(key)), "{}", path.display());
            files += 1;
        }
    }
    assert!(files >= 8 && marker, "the search saw {files} files");
}
