//! After an operation the process's own memory holds none of the keys, shares and values that took part in it.
//!
//! The test knows every secret in a masked form only, and scans all writable memory for its plain parts. The scan first
//! finds a value that was planted on the heap and one on the stack, so that it cannot pass for blindness.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use shroud_custody::{
    CustodyMode, Kek, KekSet, Provider, Random, Secret, SecretContext, StateKey, StoredSecret, SystemRandom,
    open_secret, seal_secret,
};

const MASK: u8 = 0xa5;
/// How many bytes of a secret count as a trace of it.
const TRACE: usize = 8;

/// Draws from the system and remembers what it drew, masked.
#[derive(Default)]
struct Recorder {
    drawn: Vec<Vec<u8>>,
}

impl Random for Recorder {
    fn fill(&mut self, bytes: &mut [u8]) {
        SystemRandom.fill(bytes);
        self.drawn.push(masked(bytes));
    }
}

fn masked(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|byte| byte ^ MASK).collect()
}

/// The masked value at `x` of the line through two masked secrets, of which no plain byte is written anywhere.
fn masked_point(secret: &[u8], slope: &[u8], x: u8) -> Vec<u8> {
    let double = |byte: u8| (byte << 1) ^ if byte > 127 { 0x1b } else { 0 };
    let times = |byte: u8| [0, byte, double(byte), byte ^ double(byte)][usize::from(x)];
    secret.iter().zip(slope).map(|(s, t)| (s ^ MASK) ^ times(t ^ MASK) ^ MASK).collect()
}

/// The named secrets of one life of a secret: sealed, opened, dropped.
fn life(mode: CustodyMode) -> Vec<(String, Vec<u8>)> {
    let place = SecretContext { origin: "o", org: "g", vault: "v", path: "p", version: 1 };
    let mut random = Recorder::default();
    let mut value = vec![0; 64];
    random.fill(&mut value);
    let keks = Provider::ALL.map(|provider| (provider, Kek::generate(&mut random)));
    let set = keks.iter().fold(KekSet::new(), |set, (provider, kek)| set.with(*provider, kek));
    let sealed = seal_secret(mode, &place, &set, &value, &mut random).unwrap();
    zeroize::Zeroize::zeroize(&mut value);
    let stored =
        StoredSecret { value: &sealed.value, commitment: &sealed.commitment, shares: &sealed.shares };
    drop(open_secret(mode, &place, &stored, &set, sealed.client_share.as_ref()).unwrap());
    let names = ["value", "gcp's KEK", "aws's KEK", "azure's KEK", "DEK"];
    let mut known: Vec<_> =
        names.iter().zip(&random.drawn).map(|(name, bytes)| ((*name).to_owned(), bytes.clone())).collect();
    known.extend(parts(mode, &random.drawn[4..]));
    known
}

/// What the DEK was split into, from the draws that follow it.
fn parts(mode: CustodyMode, drawn: &[Vec<u8>]) -> Vec<(String, Vec<u8>)> {
    let [dek, first, second, ..] = drawn else { unreachable!("a DEK, and what splits it") };
    let points = |secret: &[u8], slope: &[u8]| {
        let points: Vec<_> =
            (1..=3).map(|x| (format!("share {x}"), masked_point(secret, slope, x))).collect();
        points.into_iter().chain([("slope".to_owned(), slope.to_vec())])
    };
    let other_half: Vec<_> = dek.iter().zip(first).map(|(d, h)| d ^ h ^ MASK).collect();
    let halves =
        [("client's half".to_owned(), first.clone()), ("servers' half".to_owned(), other_half.clone())];
    match mode {
        CustodyMode::Unsplit => Vec::new(),
        CustodyMode::Client2of2 => halves.into(),
        CustodyMode::MultiHsm2of3 => points(dek, first).collect(),
        CustodyMode::Client2of3 => {
            points(dek, first).chain([("binding".to_owned(), second.clone())]).collect()
        }
        CustodyMode::MultiHsmClient2of3 => points(&other_half, second).chain(halves).collect(),
    }
}

/// The named secrets of the life of a state key: split, rebuilt, used, dropped.
fn state_key_life() -> Vec<(String, Vec<u8>)> {
    let mut random = Recorder::default();
    let key = StateKey::generate(&mut random);
    let shares = key.split(&mut random).map(|(provider, share)| (provider, share.to_bytes()));
    let commitment = key.commitment("o");
    let shares = shares.each_ref().map(|(provider, share)| (*provider, share.expose().as_slice()));
    let (rebuilt, _) = StateKey::rebuild("o", &commitment, &shares).unwrap();
    let sealed = rebuilt.seal(b"row", b"body", &mut random).unwrap();
    drop(key.open(b"row", &sealed).unwrap());
    drop(rebuilt.derive("journal"));
    let points = (1..=3).map(|x| masked_point(&random.drawn[0], &random.drawn[1], x));
    let names = ["state key", "slope", "first share", "second share", "third share"].map(str::to_owned);
    names.into_iter().zip(random.drawn[..2].iter().cloned().chain(points)).collect()
}

/// The readable and writable regions of this process.
fn regions() -> Vec<(u64, u64)> {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let writable = maps.lines().filter(|line| line.split_whitespace().nth(1).unwrap().starts_with("rw"));
    let ranges = writable.map(|line| line.split_whitespace().next().unwrap().split_once('-').unwrap());
    ranges.map(|(from, to)| (hexadecimal(from), hexadecimal(to))).collect()
}

fn hexadecimal(text: &str) -> u64 {
    u64::from_str_radix(text, 16).unwrap()
}

/// The names of the known secrets of which a half is in memory. The window that memory is read into is masked as it is
/// filled, so the scan does not find itself.
fn traces(known: &[(String, Vec<u8>)]) -> Vec<String> {
    let mut memory = File::open("/proc/self/mem").unwrap();
    let mut found = Vec::new();
    for (from, to) in regions() {
        let mut window = vec![0; usize::try_from(to - from).unwrap()];
        memory.seek(SeekFrom::Start(from)).unwrap();
        if memory.read_exact(&mut window).is_err() {
            continue;
        }
        window.iter_mut().for_each(|byte| *byte ^= MASK);
        let hits = known.iter().filter(|(_, bytes)| halves(bytes).any(|half| contains(&window, half)));
        found.extend(hits.map(|(name, _)| name.clone()));
        window.fill(0);
    }
    found
}

fn halves(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.chunks_exact(TRACE)
}

fn contains(window: &[u8], half: &[u8]) -> bool {
    let (first, rest) = half.split_first().unwrap();
    let mut offset = 0;
    while let Some(at) = window[offset..].iter().position(|byte| byte == first) {
        offset += at + 1;
        if window[offset..].starts_with(rest) {
            return true;
        }
    }
    false
}

/// A secret that the scan finds while it lives.
fn alive_then_dropped(random: &mut Recorder) -> Vec<(String, Vec<u8>)> {
    let alive = Secret::<32>::random(random);
    let known = vec![("alive".to_owned(), random.drawn.last().unwrap().clone())];
    assert_eq!(traces(&known), ["alive"]);
    drop(alive);
    known
}

#[test]
fn memory_holds_no_trace() {
    let mut random = Recorder::default();
    let (mut heap, mut stack) = (vec![0; 32], [0; 32]);
    random.fill(&mut heap);
    random.fill(&mut stack);
    let planted: Vec<_> = ["heap", "stack"]
        .iter()
        .zip(&random.drawn)
        .map(|(name, bytes)| ((*name).to_owned(), bytes.clone()))
        .collect();
    let seen = traces(&planted);
    assert!(
        seen.contains(&"heap".to_owned()) && seen.contains(&"stack".to_owned()),
        "the scan is blind: {seen:?}"
    );
    std::hint::black_box((&heap, &stack));
    assert_eq!(traces(&alive_then_dropped(&mut random)), Vec::<String>::new(), "a dropped secret");
    for mode in CustodyMode::ALL {
        let known = life(mode);
        assert_eq!(traces(&known), Vec::<String>::new(), "{mode}");
    }
    assert_eq!(traces(&state_key_life()), Vec::<String>::new(), "state key");
}
