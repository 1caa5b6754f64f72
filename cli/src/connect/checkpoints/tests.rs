//! Memory in a folder and without one.

use std::sync::atomic::{AtomicUsize, Ordering};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};

use super::*;

/// A folder that is removed at the end of its test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self(std::env::temp_dir().join(format!("shroud-checkpoints-{}-{number}", std::process::id())))
    }

    fn open(&self) -> Checkpoints {
        Checkpoints::open(Some(&self.0)).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn signed(seed: u8, origin: &str, size: u64, root: u8, term: u64) -> Remembered {
    let key = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
    let checkpoint = Checkpoint { origin: Origin::new(origin).unwrap(), size, root: [root; 32], term };
    Remembered::new(checkpoint.sign(&key), key.public_key().as_ref().try_into().unwrap())
}

fn at(size: u64, term: u64) -> Remembered {
    signed(1, "log", size, 1, term)
}

#[test]
fn what_was_kept_is_there_after_a_restart() {
    let folder = Folder::new();
    let origin = Origin::new("log").unwrap();
    assert!(folder.open().advance(None, &at(5, 1)).unwrap());
    let opened = folder.open();
    assert_eq!(opened.newest().unwrap().get(&origin), Some(&at(5, 1)));
    assert!(opened.advance(Some(&at(5, 1)), &at(7, 1)).unwrap());
    assert_eq!(folder.open().newest().unwrap().get(&origin), Some(&at(7, 1)));
}

#[test]
fn only_what_is_known_is_replaced() {
    let folder = Folder::new();
    for memory in [folder.open(), Checkpoints::open(None).unwrap()] {
        assert!(memory.advance(None, &at(5, 1)).unwrap());
        assert!(!memory.advance(None, &at(3, 1)).unwrap(), "somebody was faster");
        assert!(!memory.advance(Some(&at(4, 1)), &at(6, 1)).unwrap());
        assert_eq!(memory.newest().unwrap().values().collect::<Vec<_>>(), [&at(5, 1)]);
    }
}

#[test]
fn two_sidecars_share_a_folder() {
    let folder = Folder::new();
    let (one, other) = (folder.open(), folder.open());
    assert!(one.advance(None, &at(5, 1)).unwrap());
    assert_eq!(other.newest().unwrap().len(), 1);
    assert!(!other.advance(None, &at(4, 1)).unwrap());
}

#[test]
fn a_damaged_file_is_no_fresh_start() {
    let folder = Folder::new();
    assert!(folder.open().advance(None, &at(5, 1)).unwrap());
    let path = folder.0.join(name(&Origin::new("log").unwrap()));
    let good = fs::read(&path).unwrap();
    let lower = String::from_utf8(good.clone()).unwrap().replace("log\\n5\\n", "log\\n4\\n").into_bytes();
    assert_ne!(lower, good, "the size was edited");
    for bytes in [&b""[..], b"{}", &lower] {
        fs::write(&path, bytes).unwrap();
        assert!(matches!(Checkpoints::open(Some(&folder.0)), Err(CheckpointsError::Damaged { .. })));
    }
    fs::remove_file(&path).unwrap();
    fs::write(folder.0.join("another.json"), good).unwrap();
    assert!(matches!(Checkpoints::open(Some(&folder.0)), Err(CheckpointsError::Damaged { .. })));
}

#[test]
fn an_older_checkpoint_does_not_follow() {
    assert!(at(5, 2).follows(&at(5, 2)).is_ok());
    assert!(at(6, 2).follows(&at(5, 1)).is_ok());
    for older in [at(4, 2), at(6, 1)] {
        let refused = older.follows(&at(5, 2)).unwrap_err();
        assert!(matches!(refused, SessionRefused::Older { known: 5, known_term: 2, .. }), "{refused}");
    }
    let refused = signed(2, "log", 6, 1, 2).follows(&at(5, 2)).unwrap_err();
    assert!(matches!(refused, SessionRefused::JournalKey(_)), "{refused}");
}

#[test]
fn checkpoints_of_one_size_must_be_the_same() {
    assert!(at(5, 2).span(&at(5, 2)).unwrap().is_none());
    for other in [signed(1, "log", 5, 9, 2), at(5, 3)] {
        assert!(matches!(at(5, 2).span(&other), Err(SessionRefused::Forked { .. })));
    }
    let (newer, older) = (at(7, 3), at(5, 2));
    let (first, second) = newer.span(&older).unwrap().unwrap();
    assert_eq!((first.size, second.size), (5, 7));
    assert!(matches!(at(7, 1).span(&older), Err(SessionRefused::Forked { .. })), "a term never falls");
}
