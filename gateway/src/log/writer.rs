//! The thread that owns the log's file: what gathers while it writes shares one `fsync`.

use std::fs::File;
use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};

use tokio::sync::oneshot;

use super::{Event, Head, Line, QUEUE, sha256};

/// An event on its way to the disk.
pub(super) struct Waiting {
    pub(super) time: u64,
    pub(super) event: Event,
    /// Told once the line is durable.
    pub(super) durable: Option<oneshot::Sender<()>>,
}

/// The file and where its chain stands.
pub(super) struct Writer {
    pub(super) file: File,
    pub(super) head: Head,
    pub(super) unwritten: Arc<AtomicU64>,
}

impl Writer {
    /// Writes what gathers until the log is dropped. A failed write ends it: nothing is released any more.
    pub(super) fn run(mut self, lines: &mpsc::Receiver<Waiting>) {
        while let Ok(first) = lines.recv() {
            let mut batch = vec![first];
            batch.extend(lines.try_iter().take(QUEUE));
            let refusals = self.unwritten.swap(0, Ordering::Relaxed);
            if refusals > 0 {
                let time = batch.last().map_or(0, |last| last.time);
                batch.push(Waiting { time, event: Event::Unwritten { refusals }, durable: None });
            }
            if let Err(error) = self.write(batch) {
                tracing::error!(%error, "the release log cannot be written; releases stop");
                return;
            }
        }
    }

    /// Appends a batch, durably, and tells who waits for it.
    pub(super) fn write(&mut self, batch: Vec<Waiting>) -> std::io::Result<()> {
        let mut bytes = Vec::new();
        let mut durable = Vec::new();
        for waiting in batch {
            let line = Line {
                sequence: self.head.sequence,
                time: waiting.time,
                previous: hex::encode(self.head.previous),
                event: waiting.event,
            };
            let line = serde_json::to_vec(&line)?;
            self.head.sequence += 1;
            self.head.previous = sha256(&line);
            bytes.extend_from_slice(&line);
            bytes.push(b'\n');
            durable.extend(waiting.durable);
        }
        self.file.write_all(&bytes)?;
        self.file.sync_data()?;
        for waiting in durable {
            // A request that gave up meanwhile is no failure.
            let _ = waiting.send(());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nothing_is_durable_where_the_disk_refuses() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        std::fs::write(&path, "").unwrap();
        let file = File::open(&path).unwrap();
        let head = Head { sequence: 0, previous: [0; 32] };
        let writer = Writer { file, head, unwritten: Arc::default() };
        let (queue, lines) = mpsc::sync_channel(1);
        let (durable, told) = oneshot::channel();
        let event = Event::Started { reference: 1 };
        queue.send(Waiting { time: 1, event, durable: Some(durable) }).unwrap();
        std::thread::spawn(move || writer.run(&lines)).join().unwrap();
        assert!(told.await.is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"");
    }
}
