//! Rounds of cosignatures: each takes the newest committed checkpoint to every gateway and ends when a write quorum has
//! cosigned it. Then everything that it includes is durable, and its timestamps are what time it is.
//!
//! One round at a time. A gateway that is slow or dead costs a round nothing; it is asked again when its answer is in.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use shroud_journal::witness::Answer;
use shroud_journal::{AddCheckpoint, CosignedCheckpoint, Cosigning, Quorum, SignedCheckpoint, WitnessKey, Witnesses};
use shroud_wire::note::SignatureLine;
use tokio::sync::{Mutex as AsyncMutex, mpsc, watch};

use super::log::Log;
use crate::clock::Clock;
use crate::gateways::{Gateway, Gateways};
use crate::store::Store;

/// When nothing is written, time is asked for this often.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// How long a round waits for a quorum before the next begins.
const ROUND: Duration = Duration::from_secs(5);
/// The longest pause after a round that failed.
const PAUSE: Duration = Duration::from_millis(500);

/// One gateway as a witness.
struct Member {
    gateway: Arc<Gateway>,
    /// The size that it is known to remember.
    size: AtomicU64,
    /// Held while an answer is awaited.
    asked: AsyncMutex<()>,
}

type Lines = (String, [u8; 32], Result<Vec<SignatureLine>, String>);

/// The rounds of cosignatures, and how far they have come.
pub(crate) struct Anchor {
    log: Arc<Log>,
    store: Arc<Store>,
    clock: Arc<Clock>,
    quorum: Quorum,
    members: Vec<Arc<Member>>,
    target: watch::Sender<Option<SignedCheckpoint>>,
    reached: watch::Sender<u64>,
    newest: RwLock<Option<Arc<CosignedCheckpoint>>>,
    keys: Mutex<BTreeMap<String, [u8; 32]>>,
    obstacle: Mutex<String>,
}

impl Anchor {
    /// Starts the rounds. `sizes` is what each gateway said that it remembers.
    pub(crate) fn start(
        log: Arc<Log>,
        store: Arc<Store>,
        clock: Arc<Clock>,
        quorum: Quorum,
        gateways: &Gateways,
        sizes: &BTreeMap<String, u64>,
    ) -> Arc<Self> {
        let member = |gateway: &Arc<Gateway>| {
            let size = AtomicU64::new(sizes.get(gateway.name()).copied().unwrap_or_default());
            Arc::new(Member { gateway: Arc::clone(gateway), size, asked: AsyncMutex::default() })
        };
        let anchor = Arc::new(Self {
            log,
            store,
            clock,
            quorum,
            members: gateways.members().iter().map(member).collect(),
            target: watch::Sender::new(None),
            reached: watch::Sender::new(0),
            newest: RwLock::default(),
            keys: Mutex::default(),
            obstacle: Mutex::default(),
        });
        tokio::spawn(Arc::clone(&anchor).rounds());
        anchor
    }

    /// The witnessed time.
    pub(crate) fn clock(&self) -> &Arc<Clock> {
        &self.clock
    }

    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    /// Hands over the checkpoint of a batch that the store has acknowledged.
    pub(crate) fn propose(&self, checkpoint: SignedCheckpoint) {
        self.target.send_replace(Some(checkpoint));
    }

    /// Waits until a quorum has cosigned a checkpoint of at least `size` entries.
    pub(crate) async fn reached(&self, size: u64) {
        let mut reached = self.reached.subscribe();
        // The sender lives as long as this; the wait ends by reaching the size or by its caller's deadline.
        let _ = reached.wait_for(|found| *found >= size).await;
    }

    /// The newest cosigned checkpoint.
    pub(crate) fn newest(&self) -> Option<Arc<CosignedCheckpoint>> {
        self.newest.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The witness keys that the pinned identities vouch for, by name, as far as they have been heard.
    pub(crate) fn witnesses(&self) -> BTreeMap<String, [u8; 32]> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What hindered the last round, for people.
    pub(crate) fn obstacle(&self) -> String {
        self.obstacle.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Remembers what hinders.
    pub(super) fn hinder(&self, obstacle: String) {
        *self.obstacle.lock().unwrap_or_else(PoisonError::into_inner) = obstacle;
    }

    /// Whether the last round ended with a quorum.
    pub(crate) fn healthy(&self) -> bool {
        self.obstacle.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    async fn rounds(self: Arc<Self>) {
        let mut target = self.target.subscribe();
        let mut pause = Duration::from_millis(20);
        loop {
            // Either there is something new, or it is time to ask for the time.
            let _ = tokio::time::timeout(HEARTBEAT, target.changed()).await;
            loop {
                let Some(checkpoint) = target.borrow_and_update().clone() else { break };
                match self.round(checkpoint).await {
                    Ok(cosigned) => {
                        pause = Duration::from_millis(20);
                        self.publish(cosigned);
                        break;
                    }
                    Err(obstacle) => {
                        tracing::warn!(obstacle, "no quorum of cosignatures");
                        self.hinder(obstacle);
                        tokio::time::sleep(pause).await;
                        pause = (pause * 2).min(PAUSE);
                    }
                }
            }
        }
    }

    fn publish(&self, cosigned: CosignedCheckpoint) {
        let size = cosigned.checkpoint().size;
        let cosigned = Arc::new(cosigned);
        *self.newest.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&cosigned));
        self.hinder(String::new());
        let advanced = self.reached.send_if_modified(|reached| std::mem::replace(reached, size) != size);
        if advanced {
            let store = Arc::clone(&self.store);
            tokio::spawn(async move {
                if let Err(error) = store.keep_cosigned(cosigned.to_bytes()).await {
                    tracing::debug!(%error, "the cosigned checkpoint was not kept");
                }
            });
        }
    }

    /// One round: every gateway that is free is asked, the first that make a quorum end it.
    async fn round(&self, checkpoint: SignedCheckpoint) -> Result<CosignedCheckpoint, String> {
        let (sender, mut answers) = mpsc::channel(self.members.len());
        for member in &self.members {
            self.ask(Arc::clone(member), checkpoint.clone(), sender.clone());
        }
        drop(sender);
        let mut cosigning = Cosigning::new(checkpoint);
        let mut obstacles = Vec::new();
        let deadline = tokio::time::Instant::now() + ROUND;
        loop {
            let Ok(answer) = tokio::time::timeout_at(deadline, answers.recv()).await else {
                obstacles.push("the others did not answer in time".to_owned());
                return Err(obstacles.join("; "));
            };
            let Some((name, key, lines)) = answer else {
                return Err(format!("{} of {} witnesses cosigned; {}", cosigning.count(), self.quorum.write(), obstacles.join("; ")));
            };
            match lines {
                Ok(lines) => self.take(&mut cosigning, name, key, &lines, &mut obstacles),
                Err(obstacle) => obstacles.push(format!("{name}: {obstacle}")),
            }
            if cosigning.count() >= self.quorum.write() {
                let cosigned = cosigning.finish(&self.quorum).map_err(|(_, error)| error.to_string())?;
                self.clock.witness(cosigned.time()).map_err(|error| error.to_string())?;
                return Ok(cosigned);
            }
        }
    }

    fn take(
        &self,
        cosigning: &mut Cosigning,
        name: String,
        key: [u8; 32],
        lines: &[SignatureLine],
        obstacles: &mut Vec<String>,
    ) {
        let witnesses = {
            let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
            keys.insert(name.clone(), key);
            let keys = keys.iter().map(|(name, key)| WitnessKey::new(name, *key)).collect::<Result<Vec<_>, _>>();
            keys.map_err(|error| error.to_string()).and_then(|keys| Witnesses::new(keys).map_err(|e| e.to_string()))
        };
        let witnesses = match witnesses {
            Ok(witnesses) => witnesses,
            Err(error) => return obstacles.push(error),
        };
        for line in lines.iter().filter(|line| line.name == name) {
            if let Err(error) = cosigning.add(&witnesses, line) {
                obstacles.push(format!("{name}: {error}"));
            }
        }
    }

    fn ask(&self, member: Arc<Member>, checkpoint: SignedCheckpoint, to: mpsc::Sender<Lines>) {
        let log = Arc::clone(&self.log);
        tokio::spawn(async move {
            let Ok(_asked) = member.asked.try_lock() else { return };
            let name = member.gateway.name().to_owned();
            let (key, lines) = cosign(&member, &log, &checkpoint).await;
            let _ = to.send((name, key, lines)).await;
        });
    }
}

/// Asks one witness, from the size that it remembers; its 409 tells that size once.
async fn cosign(member: &Member, log: &Log, checkpoint: &SignedCheckpoint) -> ([u8; 32], Result<Vec<SignatureLine>, String>) {
    let new = checkpoint.checkpoint().size;
    let mut key = [0; 32];
    for _ in 0..2 {
        let old = member.size.load(Ordering::Acquire);
        let Some(proof) = log.consistency(old, new) else {
            return (key, Err(format!("it remembers {old} entries, this journal has {new}")));
        };
        let request = AddCheckpoint::new(old, proof, checkpoint).to_bytes();
        let answer = match member.gateway.add_checkpoint(request).await {
            Ok(answer) => answer,
            Err(error) => return (key, Err(error.to_string())),
        };
        key = answer.witness_key;
        match Answer::read(answer.status, &answer.body) {
            Answer::Cosigned(lines) => {
                member.size.store(new, Ordering::Release);
                return (key, Ok(lines));
            }
            Answer::Conflict { size } => member.size.store(size, Ordering::Release),
            Answer::Superseded { term } => return (key, Err(format!("a guest of term {term} has taken over"))),
            Answer::Refused { status, detail } => return (key, Err(format!("refused with {status}: {detail}"))),
            Answer::Malformed { status } => return (key, Err(format!("a malformed answer with {status}"))),
        }
    }
    (key, Err("it changed its mind about what it remembers".to_owned()))
}
