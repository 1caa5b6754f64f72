//! What was sealed once must open forever: every file of `vectors/` is a state of the formats that was in use.
//!
//! A change of format adds a file and leaves the others as they are. `cargo test -p shroud-custody freeze -- --ignored`
//! writes the file of the present formats, and refuses to replace one. `vectors/open.py` opens them with another
//! implementation.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use shroud_custody::{
    ClientShare, Commitment, Commitments, CustodyMode, Kek, KekSet, Provider, SecretContext, Share, StateKey,
    StoredSecret, open_secret, shamir,
};

use crate::scene::{PLACE, Scene, Stream, VALUE};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors")
}

fn frozen() -> Vec<Value> {
    let files = fs::read_dir(folder()).unwrap().map(|file| file.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    let vectors: Vec<_> =
        files.map(|path| serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()).collect();
    assert!(!vectors.is_empty(), "the vectors are gone");
    vectors
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap_or_else(|| panic!("no {member}"))
}

fn bytes(value: &Value, member: &str) -> Vec<u8> {
    hex::decode(text(value, member)).unwrap()
}

fn by_provider(value: &Value) -> Vec<(Provider, Vec<u8>)> {
    let members = value.as_object().unwrap().iter();
    members.map(|(name, hex)| (name.parse().unwrap(), hex::decode(hex.as_str().unwrap()).unwrap())).collect()
}

fn each(member: &str, test: impl Fn(&Value)) {
    for vectors in frozen() {
        let list = vectors[member].as_array().unwrap().clone();
        assert!(!list.is_empty());
        list.iter().for_each(&test);
    }
}

#[test]
fn frozen_secrets_open() {
    each("secrets", |vector| {
        let mode: CustodyMode = text(vector, "mode").parse().unwrap();
        let place = SecretContext {
            origin: text(vector, "origin"),
            org: text(vector, "org"),
            vault: text(vector, "vault"),
            path: text(vector, "path"),
            version: vector["version"].as_u64().unwrap(),
        };
        let keks: Vec<_> = by_provider(&vector["keks"])
            .into_iter()
            .map(|(provider, bytes)| (provider, Kek::parse(&bytes).unwrap()))
            .collect();
        let set = keks.iter().fold(KekSet::new(), |set, (provider, kek)| set.with(*provider, kek));
        let client = vector["client_share"].as_str().map(|text| ClientShare::parse(mode, text).unwrap());
        let commitment = Commitments::parse(&bytes(vector, "commitment")).unwrap();
        let (value, shares) = (bytes(vector, "value"), by_provider(&vector["shares"]));
        let stored = StoredSecret { value: &value, commitment: &commitment, shares: &shares };
        let opened = open_secret(mode, &place, &stored, &set, client.as_ref()).unwrap();
        assert_eq!(opened.value.as_slice(), bytes(vector, "plaintext"), "{mode}");
        assert_eq!(opened.faults, vec![], "{mode}");
    });
}

#[test]
fn frozen_shares_combine() {
    each("splits", |vector| {
        let secret = shroud_custody::Secret::<32>::copied(&bytes(vector, "secret")).unwrap();
        let commitment = Commitment::to(&secret, b"frozen");
        let shares: Vec<_> = vector["shares"].as_array().unwrap().iter().map(share).collect();
        for (left, right) in [(0, 1), (1, 2), (2, 0)] {
            let rebuilt = shamir::combine(&shares[left], &shares[right]).unwrap();
            assert!(rebuilt.confirm(&commitment, b"frozen").is_ok());
        }
    });
}

fn share(hex: &Value) -> Share {
    Share::parse(&hex::decode(hex.as_str().unwrap()).unwrap()).unwrap()
}

#[test]
fn frozen_state_keys_rebuild() {
    each("state_keys", |vector| {
        let (origin, shares) = (text(vector, "origin"), by_provider(&vector["shares"]));
        let shares: Vec<_> = shares.iter().map(|(provider, bytes)| (*provider, bytes.as_slice())).collect();
        let commitment = bytes(vector, "commitment").try_into().unwrap();
        let (key, faults) = StateKey::rebuild(origin, &commitment, &shares).unwrap();
        assert_eq!(faults, vec![]);
        let opened = key.open(&bytes(vector, "context"), &bytes(vector, "sealed")).unwrap();
        assert_eq!(opened.as_slice(), bytes(vector, "plaintext"));
        assert_eq!(key.derive(text(vector, "label")).expose().as_slice(), bytes(vector, "derived"));
    });
}

#[test]
#[ignore = "writes the vectors of the present formats"]
fn freeze() {
    let path = folder().join("1.json");
    assert!(!path.exists(), "what is frozen stays");
    let secrets = CustodyMode::ALL.map(frozen_secret);
    let splits = ["one", "two", "three"].map(frozen_split);
    let vectors = json!({ "secrets": secrets, "splits": splits, "state_keys": [frozen_state_key()] });
    fs::write(path, format!("{vectors:#}\n")).unwrap();
}

fn frozen_secret(mode: CustodyMode) -> Value {
    let scene = Scene::set(mode);
    let named = |bytes: &dyn Fn(Provider) -> String| {
        let members =
            mode.providers().iter().map(|provider| (provider.name().to_owned(), json!(bytes(*provider))));
        Value::Object(members.collect())
    };
    let sealed = |provider| scene.sealed.shares.iter().find(|(holder, _)| *holder == provider).unwrap();
    json!({
        "mode": mode.name(),
        "origin": PLACE.origin, "org": PLACE.org, "vault": PLACE.vault, "path": PLACE.path, "version": PLACE.version,
        "keks": named(&|provider| hex::encode(scene.vault.kek(provider).expose())),
        "commitment": hex::encode(scene.sealed.commitment.to_bytes()),
        "shares": named(&|provider| hex::encode(&sealed(provider).1)),
        "client_share": scene.sealed.client_share.as_ref().map(|share| share.to_base64().to_string()),
        "value": hex::encode(&scene.sealed.value),
        "plaintext": hex::encode(VALUE),
    })
}

fn frozen_split(seed: &str) -> Value {
    let mut random = Stream::seeded(format!("frozen/{seed}"));
    let secret = shroud_custody::Secret::random(&mut random);
    let shares = shamir::split(&secret, &mut random).map(|share| hex::encode(share.to_bytes().expose()));
    json!({ "secret": hex::encode(secret.expose()), "shares": shares })
}

fn frozen_state_key() -> Value {
    let mut random = Stream::seeded("frozen/state key");
    let key = StateKey::generate(&mut random);
    let shares = key
        .split(&mut random)
        .map(|(provider, share)| (provider.name().to_owned(), json!(hex::encode(share.to_bytes().expose()))));
    let sealed = key.seal(b"a row's context", b"a row's body", &mut random).unwrap();
    json!({
        "origin": PLACE.origin,
        "commitment": hex::encode(key.commitment(PLACE.origin)),
        "shares": Value::Object(shares.into_iter().collect()),
        "context": hex::encode(b"a row's context"),
        "sealed": hex::encode(sealed),
        "plaintext": hex::encode(b"a row's body"),
        "label": "shroud/v1/example",
        "derived": hex::encode(key.derive("shroud/v1/example").expose()),
    })
}
