//! Rounds of cosignatures: each takes the newest committed checkpoint to every gateway and ends when a write quorum has
//! cosigned it. Then everything that it includes is durable, and its timestamps are what time it is.
//!
//! One round at a time. A gateway that is slow or dead costs a round nothing; it is asked again when its answer is in.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use shroud_journal::witness::Answer;
use shroud_journal::{AddCheckpoint, ClockError, CosignedCheckpoint, Quorum, SignedCheckpoint};
use tokio::sync::{Mutex as AsyncMutex, mpsc, watch};

use super::gathering::{Gathering, Heard, Said};
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

/// Why a round ended without a quorum.
pub(super) enum Obstacle {
    /// The next round may succeed.
    Passing(String),
    /// No round of this guest will: it must be replaced, or start anew.
    Final(String),
}

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
    ended: watch::Sender<Option<String>>,
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
            ended: watch::Sender::new(None),
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

    /// Resolves when no round can succeed any more, with the reason.
    pub(super) async fn ended(&self) -> String {
        let mut ended = self.ended.subscribe();
        let reason = ended.wait_for(Option::is_some).await.ok().and_then(|reason| reason.clone());
        reason.unwrap_or_else(|| "the rounds of cosignatures ended".to_owned())
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
                    Err(Obstacle::Final(reason)) => {
                        self.hinder(reason.clone());
                        self.ended.send_replace(Some(reason));
                        return;
                    }
                    Err(Obstacle::Passing(obstacle)) => {
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

    /// One round: every gateway that is free is asked, the first that make a quorum end it. Answers that make none
    /// together (a clock that is off, a key that another claims) do not spoil those that do.
    async fn round(&self, checkpoint: SignedCheckpoint) -> Result<CosignedCheckpoint, Obstacle> {
        let (sender, mut answers) = mpsc::channel(self.members.len());
        for member in &self.members {
            self.ask(Arc::clone(member), checkpoint.clone(), sender.clone());
        }
        drop(sender);
        let mut gathering = Gathering::new(&self.quorum, checkpoint);
        let deadline = tokio::time::Instant::now() + ROUND;
        loop {
            match tokio::time::timeout_at(deadline, answers.recv()).await {
                Ok(Some(answer)) => gathering.take(answer),
                Ok(None) => return Err(gathering.failed()),
                Err(_) => {
                    gathering.note("the others did not answer in time".to_owned());
                    return Err(gathering.failed());
                }
            }
            if gathering.superseded() {
                return Err(Obstacle::Final("a guest of a newer term has taken over".to_owned()));
            }
            if let Some(cosigned) = gathering.cosigned() {
                self.clock.witness(cosigned.time()).map_err(|error| match error {
                    ClockError::Leap { .. } => Obstacle::Final(error.to_string()),
                    _ => Obstacle::Passing(error.to_string()),
                })?;
                self.remember(gathering.keys());
                return Ok(cosigned);
            }
        }
    }

    fn remember(&self, keys: BTreeMap<String, [u8; 32]>) {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).extend(keys);
    }

    fn ask(&self, member: Arc<Member>, checkpoint: SignedCheckpoint, to: mpsc::Sender<Heard>) {
        let log = Arc::clone(&self.log);
        tokio::spawn(async move {
            let Ok(_asked) = member.asked.try_lock() else { return };
            let name = member.gateway.name().to_owned();
            let _ = to.send(cosign(&member, name, &log, &checkpoint).await).await;
        });
    }
}

/// Asks one witness, from the size that it remembers; its 409 tells that size once.
async fn cosign(member: &Member, name: String, log: &Log, checkpoint: &SignedCheckpoint) -> Heard {
    let new = checkpoint.checkpoint().size;
    for _ in 0..2 {
        let old = member.size.load(Ordering::Acquire);
        let Some(proof) = log.consistency(old, new) else {
            return Heard::nothing(name, format!("it remembers {old} entries, this journal has {new}"));
        };
        let request = AddCheckpoint::new(old, proof, checkpoint).to_bytes();
        let answer = match member.gateway.add_checkpoint(request).await {
            Ok(answer) => answer,
            Err(error) => return Heard::nothing(name, error.to_string()),
        };
        match Answer::read(answer.status, &answer.body) {
            Answer::Cosigned(lines) => {
                member.size.store(new, Ordering::Release);
                return Heard { name, said: Said::Lines(answer.witness_key, lines) };
            }
            Answer::Conflict { size } => member.size.store(size, Ordering::Release),
            Answer::Superseded { term } => return Heard { name, said: Said::Superseded(term) },
            Answer::Refused { status, detail } => {
                return Heard::nothing(name, format!("refused with {status}: {detail}"));
            }
            Answer::Malformed { status } => {
                return Heard::nothing(name, format!("a malformed answer with {status}"));
            }
        }
    }
    Heard::nothing(name, "it changed its mind about what it remembers".to_owned())
}
