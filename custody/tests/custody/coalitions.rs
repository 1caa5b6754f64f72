//! Which coalitions of {gcp, aws, azure, client} open a secret, for each mode, cell by cell.
//!
//! The adversary of this test is no user of the crate: from the parts that a coalition holds it makes every key that it can
//! think of, by arithmetic and derivations of its own, and tries each on the value. First with the rows laid open, as
//! for whoever has the state key; then as the database really is, sealed under a state key that two clouds must open.

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aws_lc_rs::hkdf;
use shroud_custody::{Commitments, CustodyMode, Provider, StateKey};

use crate::oracles::school;
use crate::scene::{PLACE, Scene, Stream, VALUE};

/// The coalitions: g = gcp, a = aws, z = azure, c = client.
const COALITIONS: [&str; 16] =
    ["-", "g", "a", "z", "c", "ga", "gz", "az", "gc", "ac", "zc", "gaz", "gac", "gzc", "azc", "gazc"];

/// Per mode, which of the coalitions open a secret whose rows lie open, and one as it is stored.
const EXPECTED: [(CustodyMode, &str, &str); 5] = [
    (CustodyMode::Unsplit, ".o...oo.o..ooo.o", ".....oo....ooo.o"),
    (CustodyMode::Client2of2, "........o...oo.o", "............oo.o"),
    (CustodyMode::MultiHsm2of3, ".....ooo...ooooo", ".....ooo...ooooo"),
    (CustodyMode::Client2of3, "........oo..oooo", "............oooo"),
    (CustodyMode::MultiHsmClient2of3, "............oooo", "............oooo"),
];

#[test]
fn coalitions_with_the_rows_laid_open() {
    println!("{}", header("rows laid open"));
    for (mode, expected, _) in EXPECTED {
        let scene = Scene::set(mode);
        let cells: String = COALITIONS.iter().map(|coalition| cell(opens(&scene, coalition))).collect();
        println!("{}", line(mode, &cells));
        assert_eq!(cells, expected, "{mode}");
    }
}

#[test]
fn coalitions_with_the_database_as_stored() {
    println!("{}", header("as stored"));
    for (mode, _, expected) in EXPECTED {
        let scene = Scene::set(mode);
        let database = Database::around(&scene);
        let cells: String =
            COALITIONS.iter().map(|coalition| cell(database.opens(&scene, coalition))).collect();
        println!("{}", line(mode, &cells));
        assert_eq!(cells, expected, "{mode}");
    }
}

/// The table of what split custody protects against, for `2of2_client_custody`, `2of3_multi_hsm` and
/// `2of3_client_custody`: who is compromised, and whether that exposes a secret even with the rows laid open.
const THREATS: [(&str, &[&str], [bool; 3]); 5] = [
    ("one cloud", &["g", "a", "z"], [false, false, false]),
    ("the server, or a backup of its database", &["-"], [false, false, false]),
    ("two clouds", &["ga", "gz", "az"], [false, true, false]),
    ("the client's share leaked", &["c"], [false, false, false]),
    ("the client's share leaked, and gcp's", &["gc"], [true, false, true]),
];

#[test]
fn threats_expose_what_the_table_says_and_no_more() {
    let modes = [CustodyMode::Client2of2, CustodyMode::MultiHsm2of3, CustodyMode::Client2of3];
    for (threat, coalitions, exposed) in THREATS {
        for (mode, exposed) in modes.into_iter().zip(exposed) {
            let scene = Scene::set(mode);
            assert!(
                coalitions.iter().all(|coalition| opens(&scene, coalition) == exposed),
                "{threat}: {mode}"
            );
        }
    }
}

/// gcp and aws have the DEK of a `2of3_client_custody` secret and even the client's point. The binding they do not have.
#[test]
fn gcp_and_aws_interpolate_the_clients_point_and_fail() {
    let scene = Scene::set(CustodyMode::Client2of3);
    let (parts, client) = (Parts::held(&scene, "ga"), Parts::held(&scene, "c"));
    let (_, clients_point) = client.points[0];
    let interpolated = at(&parts.points[0], &parts.points[1], 3);
    assert_eq!(interpolated, clients_point, "the point itself is within reach");
    let dek = at(&parts.points[0], &parts.points[1], 0);
    let binding = client.bindings[0];
    assert_eq!(
        decrypted(&scene, &[&dek[..], &binding].concat()).unwrap(),
        VALUE,
        "only the binding is missing"
    );
    assert!(!opens(&scene, "ga") && !opens(&scene, "gaz"));
}

/// What a coalition has in plain: points of lines, halves, bindings.
struct Parts {
    points: Vec<(u8, [u8; 32])>,
    bindings: Vec<[u8; 32]>,
}

impl Parts {
    fn held(scene: &Scene, coalition: &str) -> Self {
        let mut parts = Self { points: Vec::new(), bindings: Vec::new() };
        for provider in scene.mode.providers() {
            if coalition.contains(letter(*provider)) {
                let share = scene.plain_share(*provider);
                parts.points.push((share[0], share[1..].try_into().unwrap()));
            }
        }
        if coalition.contains('c') {
            parts.add_client(scene);
        }
        parts
    }

    fn add_client(&mut self, scene: &Scene) {
        use base64ct::{Base64, Encoding};
        let Some(share) = &scene.sealed.client_share else { return };
        let bytes = Base64::decode_vec(&share.to_base64()).unwrap();
        if let Ok(half) = bytes.as_slice().try_into() {
            self.points.push((0, half));
        } else {
            self.points.push((bytes[0], bytes[1..33].try_into().unwrap()));
            self.bindings.push(bytes[33..].try_into().unwrap());
        }
    }

    /// Every 32 bytes that these parts give: the parts, the lines through any two of them at zero and at each index, and
    /// the sums of any two of all these.
    fn candidates(&self) -> Vec<[u8; 32]> {
        let mut all: Vec<_> = self.points.iter().map(|(_, values)| *values).chain([[0; 32]]).collect();
        for (position, left) in self.points.iter().enumerate() {
            for right in self.points.iter().skip(position + 1).filter(|right| right.0 != left.0) {
                all.extend([0, 1, 2, 3].map(|x| at(left, right, x)));
            }
        }
        let sums: Vec<_> = all.iter().flat_map(|left| all.iter().map(|right| added(left, right))).collect();
        all.extend(sums);
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// Whether any key that the coalition can make opens the value.
fn opens(scene: &Scene, coalition: &str) -> bool {
    let parts = Parts::held(scene, coalition);
    let candidates = parts.candidates();
    let bindings = candidates.iter().chain(&parts.bindings).map(<[u8; 32]>::as_slice).chain([&[][..]]);
    let mut keys =
        bindings.flat_map(|binding| candidates.iter().map(move |dek| [&dek[..], binding].concat()));
    keys.any(|key| decrypted(scene, &key).as_deref() == Some(VALUE))
}

/// The rows of a secret under the state key, and the shares of the state key at their clouds.
struct Database {
    row: Vec<u8>,
    state_key_shares: Vec<(Provider, [u8; 33])>,
    commitment: [u8; 32],
}

impl Database {
    fn around(scene: &Scene) -> Self {
        let mut random = Stream::seeded("database");
        let key = StateKey::generate(&mut random);
        let row = key.seal(b"row", &scene.sealed.value, &mut random).unwrap();
        let shares = key.split(&mut random);
        let state_key_shares = shares.map(|(provider, share)| (provider, *share.to_bytes().expose())).into();
        Self { row, state_key_shares, commitment: key.commitment(PLACE.origin) }
    }

    fn opens(&self, scene: &Scene, coalition: &str) -> bool {
        let held = self.state_key_shares.iter().filter(|(provider, _)| coalition.contains(letter(*provider)));
        let shares: Vec<_> = held.map(|(provider, share)| (*provider, share.as_slice())).collect();
        let Ok((key, _)) = StateKey::rebuild(PLACE.origin, &self.commitment, &shares) else { return false };
        key.open(b"row", &self.row).unwrap().as_slice() == scene.sealed.value && opens(scene, coalition)
    }
}

/// Derives a value key as the format says and tries it.
fn decrypted(scene: &Scene, key: &[u8]) -> Option<Vec<u8>> {
    let context = PLACE.value(scene.mode);
    let mut value_key = [0; 32];
    let extracted = hkdf::Salt::new(hkdf::HKDF_SHA256, &[0; 32]).extract(key);
    extracted.expand(&[&context], hkdf::HKDF_SHA256).unwrap().fill(&mut value_key).unwrap();
    let (nonce, msg) = scene.sealed.value[1..].split_at(12);
    let cipher = aes_gcm::Aes256Gcm::new(&value_key.into());
    cipher.decrypt(nonce.try_into().unwrap(), Payload { msg, aad: &context }).ok()
}

/// The value at `x` of the line through two points.
fn at(left: &(u8, [u8; 32]), right: &(u8, [u8; 32]), x: u8) -> [u8; 32] {
    let scale = (1..=255).find(|inverse| school(*inverse, left.0 ^ right.0) == 1).unwrap();
    let (l, r) = (school(x ^ right.0, scale), school(x ^ left.0, scale));
    core::array::from_fn(|i| school(l, left.1[i]) ^ school(r, right.1[i]))
}

fn added(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    core::array::from_fn(|i| left[i] ^ right[i])
}

fn letter(provider: Provider) -> char {
    match provider {
        Provider::Gcp => 'g',
        Provider::Aws => 'a',
        Provider::Azure => 'z',
    }
}

fn cell(opens: bool) -> char {
    if opens { 'o' } else { '.' }
}

fn header(title: &str) -> String {
    format!("\n{title:<24}{}", COALITIONS.map(|coalition| format!("{coalition:>5}")).concat())
}

fn line(mode: CustodyMode, cells: &str) -> String {
    format!("{:<24}{}", mode.name(), cells.chars().map(|cell| format!("{cell:>5}")).collect::<String>())
}

/// The stored form of the commitments gives no key either: they are tags under the secrets that they commit to.
#[test]
fn commitments_open_nothing() {
    for mode in CustodyMode::ALL {
        let scene = Scene::set(mode);
        let bytes = scene.sealed.commitment.to_bytes();
        assert_eq!(bytes.len(), Commitments::LENGTH);
        assert!(bytes.chunks(32).all(|commitment| decrypted(&scene, commitment).is_none()), "{mode}");
    }
}
