//! The queue against a fake security processor that counts, and can be slow or broken.

use std::sync::atomic::{AtomicUsize, Ordering};

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use shroud_attestation::session::root_message;
use shroud_attestation::{Evidence, ReportData};
use shroud_journal::verify_inclusion;

use super::channel::Exporter;
use super::*;
use crate::api::problem::Problem;
use crate::processor::{Pending, ProcessorError};

/// Puts REPORT_DATA where the report goes; a report takes `pace`.
struct Counting {
    reports: AtomicUsize,
    pace: Duration,
    broken: bool,
}

impl Counting {
    fn new(pace: Duration) -> Arc<Self> {
        Arc::new(Self { reports: AtomicUsize::new(0), pace, broken: false })
    }

    fn reports(&self) -> usize {
        self.reports.load(Ordering::SeqCst)
    }
}

impl Processor for Counting {
    fn report<'a>(&'a self, data: &'a ReportData) -> Pending<'a> {
        self.reports.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            tokio::time::sleep(self.pace).await;
            if self.broken {
                return Err(ProcessorError("broken".to_owned()));
            }
            Ok(Evidence { report: data.as_bytes().to_vec(), certificates: vec![1] })
        })
    }
}

struct Journal {
    key: Ed25519KeyPair,
    checkpoint: Option<Vec<u8>>,
}

impl Journal {
    fn new() -> Self {
        let key = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        Self { key, checkpoint: Some(b"a checkpoint".to_vec()) }
    }
}

impl Vouches for Journal {
    fn checkpoint(&self) -> Option<Vec<u8>> {
        self.checkpoint.clone()
    }

    fn public(&self) -> [u8; 32] {
        self.key.public_key().as_ref().try_into().unwrap()
    }

    fn sign(&self, root: &[u8; 32]) -> Vec<u8> {
        self.key.sign(&root_message(root)).as_ref().to_vec()
    }
}

/// A connection whose exporter is its number beside the nonce.
struct Numbered(u8);

impl Exporter for Numbered {
    fn export(&self, context: &[u8; 32]) -> Option<[u8; 32]> {
        Some(context.map(|byte| byte ^ self.0))
    }
}

fn channel(number: u8) -> Channel {
    Channel::new(Arc::from(vec![number; 4]), Numbered(number))
}

fn small(number: usize) -> u8 {
    u8::try_from(number % 251).unwrap()
}

fn nonce(number: usize) -> [u8; 32] {
    let mut nonce = [0; 32];
    nonce[..8].copy_from_slice(&(number as u64).to_be_bytes());
    nonce
}

/// What a client checks before it looks at the report.
fn holds(evidence: &SessionEvidence, nonce: &[u8; 32], channel: &Channel) {
    assert_eq!(&evidence.leaf.nonce, nonce);
    assert_eq!(evidence.leaf.spki, channel.spki().to_vec());
    assert_eq!(Some(evidence.leaf.exporter), channel.export(nonce));
    assert_eq!(evidence.leaf.checkpoint, b"a checkpoint");
    verify_inclusion(&evidence.leaf.hash(), evidence.index, evidence.size, &evidence.path, &evidence.root)
        .unwrap();
    let key = UnparsedPublicKey::new(&ED25519, evidence.leaf.journal_key);
    key.verify(&root_message(&evidence.root), &evidence.signature).unwrap();
    assert_eq!(evidence.report, purpose::session(&evidence.root).as_bytes());
}

#[tokio::test(start_paused = true)]
async fn a_lone_client_does_not_wait() {
    let processor = Counting::new(Duration::ZERO);
    let sessions = Sessions::start(processor.clone(), Journal::new());
    let (nonce, channel, before) = (nonce(1), channel(1), Instant::now());
    let evidence = sessions.ask(nonce, &channel).await.unwrap();
    assert_eq!(before.elapsed(), Duration::ZERO);
    holds(&evidence, &nonce, &channel);
    assert_eq!((evidence.index, evidence.size, processor.reports()), (0, 1, 1));
}

#[tokio::test]
async fn clients_that_ask_together_share_a_report_and_nothing_else() {
    let processor = Counting::new(Duration::ZERO);
    let sessions = Arc::new(Sessions::start(processor.clone(), Journal::new()));
    let ask = |number: usize| {
        let sessions = Arc::clone(&sessions);
        tokio::spawn(async move { sessions.ask(nonce(number), &channel(small(number))).await.unwrap() })
    };
    let asked: Vec<_> = (0..100).map(ask).collect();
    let mut indices = Vec::new();
    for (number, asked) in asked.into_iter().enumerate() {
        let evidence = asked.await.unwrap();
        holds(&evidence, &nonce(number), &channel(small(number)));
        indices.push((evidence.root, evidence.index));
    }
    indices.sort_unstable();
    indices.dedup();
    assert_eq!(indices.len(), 100, "each has a leaf of its own");
    assert!(processor.reports() <= 2, "{}", processor.reports());
}

/// INCIDENTS, "one report per connection let a flood starve the security processor".
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn report_flood() {
    const CLIENTS: usize = 10_000;
    let processor = Counting::new(Duration::from_millis(5));
    let sessions = Arc::new(Sessions::start(processor.clone(), Journal::new()));
    let (late, before) = (Arc::new(AtomicUsize::new(0)), Instant::now());
    let ask = |number: usize| {
        let (sessions, late) = (Arc::clone(&sessions), Arc::clone(&late));
        tokio::spawn(async move {
            let channel = channel(small(number));
            loop {
                match sessions.ask(nonce(number), &channel).await {
                    Ok(evidence) => return holds(&evidence, &nonce(number), &channel),
                    Err(SessionError::Busy) => {
                        late.fetch_add(1, Ordering::SeqCst);
                        tokio::time::sleep(WINDOW / 2).await;
                    }
                    Err(error) => panic!("{error}"),
                }
            }
        })
    };
    for client in (0..CLIENTS).map(ask).collect::<Vec<_>>() {
        client.await.unwrap();
    }
    let windows = before.elapsed().as_micros() / WINDOW.as_micros() + 1;
    assert!(processor.reports() as u128 <= windows, "{} reports in {windows} windows", processor.reports());
    assert!(processor.reports() >= CLIENTS / QUEUE, "no batch is larger than the queue");
    assert!(late.load(Ordering::SeqCst) > 0, "the queue is bounded, so some came late");
}

#[tokio::test]
async fn report_flood_late_ones_get_503_with_retry_after() {
    let sessions = Arc::new(Sessions::start(Counting::new(WINDOW), Journal::new()));
    let ask = |number: usize| {
        let sessions = Arc::clone(&sessions);
        tokio::spawn(async move { sessions.ask(nonce(number), &channel(0)).await })
    };
    let asked: Vec<_> = (0..3 * QUEUE).map(ask).collect();
    let mut late = Vec::new();
    for asked in asked {
        late.extend(asked.await.unwrap().err());
    }
    assert_eq!(late.len(), 2 * QUEUE, "what fits into the queue is served");
    let problem = Problem::from(late.pop().unwrap());
    assert_eq!((problem.status.as_u16(), problem.retry_after), (503, Some(1)));
}

#[tokio::test]
async fn whoever_hung_up_costs_no_report() {
    let processor = Counting::new(Duration::ZERO);
    let sessions = Sessions::start(processor.clone(), Journal::new());
    let channel = channel(1);
    let gone = tokio::time::timeout(Duration::ZERO, sessions.ask(nonce(1), &channel)).await;
    assert!(gone.is_err(), "the ask was dropped before the worker ran");
    tokio::time::sleep(2 * WINDOW).await;
    assert_eq!(processor.reports(), 0);
}

#[tokio::test]
async fn a_broken_processor_is_503() {
    let broken = Arc::new(Counting { reports: AtomicUsize::new(0), pace: Duration::ZERO, broken: true });
    let sessions = Sessions::start(broken, Journal::new());
    let error = sessions.ask(nonce(1), &channel(1)).await.unwrap_err();
    assert!(matches!(error, SessionError::Processor(_)), "{error}");
    assert_eq!(Problem::from(error).status.as_u16(), 503);
}

#[tokio::test]
async fn without_a_cosigned_checkpoint_there_is_no_evidence() {
    let processor = Counting::new(Duration::ZERO);
    let sessions = Sessions::start(processor.clone(), Journal { checkpoint: None, ..Journal::new() });
    let error = sessions.ask(nonce(1), &channel(1)).await.unwrap_err();
    assert!(matches!(error, SessionError::Checkpoint), "{error}");
    assert_eq!(processor.reports(), 0);
}
