//! Three witnesses, guests that boot and write, and a host that gives any guest any store that ever was.
//!
//! Whatever the host does, all that a quorum ever made durable is one history, and no budget in it is exceeded.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use proptest::prelude::*;
use ruint::aliases::U256;
use shroud_journal::boot::judge;
use shroud_journal::{
    AddCheckpoint, Answer, Checkpoint, Cosigning, Entry, Ground, Hash, Kind, Memory, Origin, Quorum,
    Registered, Replay, SignedCheckpoint, Spend, State, Testimony, Witness, WitnessKey, Witnesses,
};
use shroud_wire::note::SignatureLine;

const LIMIT: u64 = 5;
const NAMES: [&str; 3] = ["gcp", "aws", "azure"];

fn key(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}

fn public(seed: u8) -> [u8; 32] {
    key(seed).public_key().as_ref().try_into().unwrap()
}

fn origin() -> Origin {
    Origin::new("shroud.invalid/one").unwrap()
}

fn checkpoint(state: &State) -> SignedCheckpoint {
    Checkpoint { origin: origin(), size: state.size(), root: state.tree().root(), term: state.term() }
        .sign(&key(1))
}

/// What a host can keep and give back.
#[derive(Clone)]
struct Store {
    entries: Vec<Vec<u8>>,
    checkpoint: SignedCheckpoint,
}

struct Guest {
    state: State,
    entries: Vec<Vec<u8>>,
    serves: bool,
}

impl Guest {
    fn write(&mut self, kind: Kind, nonce: u8) -> Store {
        let next = self.state.next();
        let spend = Spend {
            agent: "a".into(),
            asset: "eth".into(),
            amount: U256::from(1).to_be_bytes(),
            counterparty: "b".into(),
        };
        let entry = Entry {
            sequence: next.sequence,
            previous: next.previous,
            time: 1000,
            term: next.term + u64::from(kind == Kind::Boot),
            kind,
            id: [nonce; 16],
            actor: "x".into(),
            subject: String::new(),
            policy_digest: None,
            rows: vec![],
            spends: if kind == Kind::Sign { vec![spend] } else { vec![] },
            details: vec![],
            blinding: [nonce; 32],
        };
        self.entries.push(self.state.apply(&entry).unwrap().bytes);
        Store { entries: self.entries.clone(), checkpoint: checkpoint(&self.state) }
    }
}

struct Cluster {
    disks: Vec<Vec<u8>>,
    stores: Vec<Store>,
    guests: Vec<Guest>,
    genesis: Registered,
    quorum: Quorum,
    write: usize,
    durable: (u64, Hash),
    nonce: u8,
}

/// Why the promise is broken.
#[derive(Debug, PartialEq, Eq)]
enum Broken {
    TwoHistories,
    OverBudget,
}

impl Cluster {
    /// A registered deployment, of which `write` cosignatures make a record durable.
    fn new(write: usize) -> Self {
        let mut first = Guest { state: State::new(), entries: vec![], serves: false };
        let store = first.write(Kind::Genesis, 0);
        let genesis = *first.state.genesis().unwrap();
        Self {
            disks: vec![Memory::registered(origin()).to_bytes(); NAMES.len()],
            stores: vec![store],
            guests: vec![],
            genesis: Registered { journal_key: public(1), state_key_commitment: [0; 32], genesis },
            quorum: Quorum::new(3, 2, 2, 0).unwrap(),
            write,
            durable: (0, State::new().tree().root()),
            nonce: 0,
        }
    }

    fn memory(&self, witness: usize) -> Memory {
        Memory::parse(&self.disks[witness], &origin(), &public(1)).unwrap()
    }

    fn nonce(&mut self) -> u8 {
        self.nonce = self.nonce.wrapping_add(1);
        self.nonce
    }

    /// The host starts a guest on a store that it kept, and lets it reach some gateways.
    fn boot(&mut self, store: usize, reached: [bool; 3]) {
        let store = self.stores[store % self.stores.len()].clone();
        let mut replay = Replay::new();
        for bytes in &store.entries {
            replay.push(bytes).unwrap();
        }
        let state = replay.finish(&store.checkpoint).unwrap();
        let heard: Vec<Testimony> = (0..3)
            .filter(|witness| reached[*witness])
            .map(|witness| Testimony {
                gateway: NAMES[witness].into(),
                registered: Some(self.genesis),
                newest: self.memory(witness).checkpoint().cloned(),
            })
            .collect();
        if let Ok(Ground::Extends { .. }) = judge(&state, &heard, &self.quorum) {
            let mut guest = Guest { state, entries: store.entries, serves: false };
            let nonce = self.nonce();
            self.stores.push(guest.write(Kind::Boot, nonce));
            self.guests.push(guest);
        }
    }

    /// A guest that serves signs what its window allows, and commits it to its store.
    fn sign(&mut self, guest: usize) {
        let (nonce, count) = (self.nonce(), self.guests.len().max(1));
        let Some(guest) = self.guests.get_mut(guest % count).filter(|guest| guest.serves) else { return };
        if guest.state.preview("a", "eth", 1000).unwrap().amount < U256::from(LIMIT) {
            self.stores.push(guest.write(Kind::Sign, nonce));
        }
    }

    /// A guest asks some witnesses; what enough of them cosigned is durable, and its signatures leave.
    fn anchor(&mut self, guest: usize, reached: [bool; 3]) -> Result<(), Broken> {
        let index = guest % self.guests.len().max(1);
        let Some(guest) = self.guests.get(index) else { return Ok(()) };
        let signed = checkpoint(&guest.state);
        let asked = (0..3).filter(|witness| reached[*witness]);
        let answers: Vec<_> =
            asked.map(|witness| (witness, self.request(witness, &guest.state, &signed))).collect();
        let mut cosigning = Cosigning::new(signed);
        for (witness, request) in answers {
            if let Some(lines) = self.ask(witness, &request) {
                cosigning.add(&witnesses(), &lines[0]).unwrap();
            }
        }
        if cosigning.count() < self.write {
            return Ok(());
        }
        let guest = &mut self.guests[index];
        guest.serves = true;
        let (size, root) = self.durable;
        if guest.state.tree().root_at(size) != Some(root) {
            return Err(Broken::TwoHistories);
        }
        self.durable = (guest.state.size(), guest.state.tree().root());
        let spent = guest.state.preview("a", "eth", 1000).unwrap().amount;
        if spent > U256::from(LIMIT) { Err(Broken::OverBudget) } else { Ok(()) }
    }

    /// The guest has learnt the witness's size from a conflict, as the protocol has it.
    fn request(&self, witness: usize, state: &State, signed: &SignedCheckpoint) -> AddCheckpoint {
        let old = self.memory(witness).size();
        AddCheckpoint::new(old, state.tree().consistency(old, state.size()).unwrap_or_default(), signed)
    }

    fn ask(&mut self, witness: usize, request: &AddCheckpoint) -> Option<Vec<SignatureLine>> {
        let memory = self.memory(witness);
        let this = Witness::new(NAMES[witness], key(seed(witness))).unwrap();
        let pending = this.add_checkpoint(Some(&public(1)), Some(&memory), request, 1000).ok()?;
        self.disks[witness] = pending.memory().to_bytes();
        match Answer::read(200, pending.persisted().1.as_bytes()) {
            Answer::Cosigned(lines) => Some(lines),
            other => panic!("{other:?}"),
        }
    }
}

fn seed(witness: usize) -> u8 {
    10 + u8::try_from(witness).unwrap()
}

fn witnesses() -> Witnesses {
    let key = |witness: usize| WitnessKey::new(NAMES[witness], public(seed(witness))).unwrap();
    Witnesses::new((0..3).map(key).collect()).unwrap()
}

#[derive(Clone, Debug)]
enum Event {
    Boot(usize, [bool; 3]),
    Sign(usize),
    Anchor(usize, [bool; 3]),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        2 => (any::<usize>(), any::<[bool; 3]>()).prop_map(|(store, reached)| Event::Boot(store, reached)),
        4 => any::<usize>().prop_map(Event::Sign),
        5 => (any::<usize>(), any::<[bool; 3]>()).prop_map(|(guest, reached)| Event::Anchor(guest, reached)),
    ];
    prop::collection::vec(event, 1..80)
}

fn run(cluster: &mut Cluster, events: Vec<Event>) -> Result<(), Broken> {
    events.into_iter().try_for_each(|event| match event {
        Event::Boot(store, reached) => {
            cluster.boot(store, reached);
            Ok(())
        }
        Event::Sign(guest) => {
            cluster.sign(guest);
            Ok(())
        }
        Event::Anchor(guest, reached) => cluster.anchor(guest, reached),
    })
}

proptest! {
    #[test]
    fn restore_and_twins_make_one_history_within_its_budget(events in events()) {
        prop_assert_eq!(run(&mut Cluster::new(2), events), Ok(()));
    }
}

const ALL: [bool; 3] = [true; 3];

#[test]
fn an_honest_history_is_served() {
    let mut cluster = Cluster::new(2);
    let mut events = vec![Event::Boot(0, ALL), Event::Anchor(0, ALL)];
    events.extend((0..8).map(|_| Event::Sign(0)));
    events.push(Event::Anchor(0, ALL));
    assert_eq!(run(&mut cluster, events), Ok(()));
    // Genesis, boot, and as many signatures as the budget holds.
    assert_eq!(cluster.durable.0, 2 + LIMIT);
}

#[test]
fn a_rolled_back_store_serves_nobody() {
    let mut cluster = Cluster::new(2);
    let events = [Event::Boot(0, ALL), Event::Anchor(0, ALL), Event::Sign(0), Event::Anchor(0, ALL)];
    run(&mut cluster, events.into()).unwrap();
    for store in 0..2 {
        cluster.boot(store, ALL);
    }
    assert_eq!(cluster.guests.len(), 1);
    cluster.boot(2, ALL);
    assert_eq!(cluster.guests.len(), 2);
}

/// The simulation bites: with quorums that need not meet, which [`Quorum::new`] refuses, two guests both serve.
#[test]
fn a_write_quorum_too_small_makes_two_histories() {
    assert!(Quorum::new(3, 1, 3, 0).is_err());
    let (gcp, aws) = ([true, false, false], [false, true, false]);
    let events = [Event::Boot(0, ALL), Event::Boot(0, ALL), Event::Anchor(0, gcp), Event::Anchor(1, aws)];
    assert_eq!(run(&mut Cluster::new(1), events.clone().into()), Err(Broken::TwoHistories));
    assert_eq!(run(&mut Cluster::new(2), events.into()), Ok(()));
}
