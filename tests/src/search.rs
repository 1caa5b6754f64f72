//! Looks for bytes where they must not be: in files, in the memory of a process, in its core dump.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE};
use memchr::memmem;

/// How much of a place is looked at in one piece.
const PIECE: usize = 4 * 1024 * 1024;

/// Something to look for, in every form in which it might lie about.
#[derive(Clone, Debug)]
pub struct Needle(Vec<(&'static str, Vec<u8>)>);

impl Needle {
    /// A text, as it is.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self(vec![("text", text.as_bytes().to_vec())])
    }

    /// A secret: raw, reversed (as limbs of a number lie in memory), in hex and in base64 at each alignment.
    #[must_use]
    pub fn secret(bytes: &[u8]) -> Self {
        let mut forms = vec![
            ("raw", bytes.to_vec()),
            ("reversed", bytes.iter().rev().copied().collect()),
            ("hex", hex::encode(bytes).into_bytes()),
            ("upper-case hex", hex::encode_upper(bytes).into_bytes()),
        ];
        for lead in 0..3 {
            forms.push(("base64", aligned(&BASE64_STANDARD, lead, bytes)));
            forms.push(("base64url", aligned(&BASE64_URL_SAFE, lead, bytes)));
        }
        Self(forms)
    }

    fn longest(&self) -> usize {
        self.0.iter().map(|(_, form)| form.len()).max().unwrap_or(0)
    }

    /// The first form that stands in some bytes.
    #[must_use]
    pub fn within(&self, haystack: &[u8]) -> Option<&'static str> {
        self.0.iter().find(|(_, form)| memmem::find(haystack, form).is_some()).map(|(name, _)| *name)
    }

    /// The first form that stands in a file.
    #[must_use]
    pub fn in_file(&self, path: &Path) -> Option<&'static str> {
        let mut file = File::open(path).unwrap();
        let length = file.metadata().unwrap().len();
        self.in_range(&mut file, 0, length)
    }

    /// The files below a folder in which it stands, each with the form.
    #[must_use]
    pub fn in_folder(&self, folder: &Path) -> Vec<(PathBuf, &'static str)> {
        let found = files(folder).into_iter().filter_map(|path| self.in_file(&path).map(|form| (path, form)));
        found.collect()
    }

    /// The first form that stands in the readable memory of a process.
    ///
    /// # Panics
    /// If the memory cannot be read: the tests run as root or as the owner of the process.
    #[must_use]
    pub fn in_memory(&self, pid: u32) -> Option<&'static str> {
        let path = format!("/proc/{pid}/mem");
        let mut memory = File::open(&path).unwrap_or_else(|error| panic!("{path} (root is needed): {error}"));
        readable(pid).into_iter().find_map(|(from, to)| self.in_range(&mut memory, from, to))
    }

    /// Reads in pieces that overlap, so that nothing hides on a border. A page that is gone ends its range.
    fn in_range(&self, source: &mut (impl Read + Seek), from: u64, to: u64) -> Option<&'static str> {
        let mut place = from;
        while place < to {
            let rest = usize::try_from(to - place).unwrap_or(usize::MAX);
            let mut piece = vec![0; rest.min(PIECE + self.longest())];
            source.seek(SeekFrom::Start(place)).ok()?;
            let read = fill(source, &mut piece);
            if let Some(form) = self.within(piece.get(..read)?) {
                return Some(form);
            }
            if read < piece.len() {
                return None;
            }
            place += PIECE as u64;
        }
        None
    }
}

/// The part of the base64 of `lead` unknown bytes and then `bytes` that `bytes` alone decide.
fn aligned(engine: &impl base64::Engine, lead: usize, bytes: &[u8]) -> Vec<u8> {
    let mut led = vec![0; lead];
    led.extend_from_slice(bytes);
    let encoded = engine.encode(&led[..led.len() / 3 * 3]);
    let foreign = if lead == 0 { 0 } else { 4 };
    encoded.as_bytes()[foreign..].to_vec()
}

fn fill(source: &mut impl Read, piece: &mut [u8]) -> usize {
    let mut read = 0;
    while let Some(rest) = piece.get_mut(read..).filter(|rest| !rest.is_empty()) {
        match source.read(rest) {
            Ok(0) | Err(_) => break,
            Ok(more) => read += more,
        }
    }
    read
}

/// The mappings of a process that can be read: all that a core dump would hold, and its program besides.
fn readable(pid: u32) -> Vec<(u64, u64)> {
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    maps.lines().filter_map(mapping).collect()
}

fn mapping(line: &str) -> Option<(u64, u64)> {
    let mut fields = line.split_whitespace();
    let (from, to) = fields.next()?.split_once('-')?;
    let kernel = line.ends_with("[vvar]") || line.ends_with("[vsyscall]") || line.ends_with("[vvar_vclock]");
    let wanted = fields.next()?.starts_with('r') && !kernel;
    let bound = |text| u64::from_str_radix(text, 16).ok();
    wanted.then_some((bound(from)?, bound(to)?))
}

/// Every regular file below a folder.
#[must_use]
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| match std::fs::symlink_metadata(&path) {
            Ok(found) if found.is_dir() => files(&path),
            Ok(found) if found.is_file() => vec![path],
            _ => Vec::new(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;

    use super::*;

    const SECRET: [u8; 32] = *b"a secret of thirty-two bytes....";

    #[test]
    fn a_secret_is_found_in_every_form() {
        let needle = Needle::secret(&SECRET);
        for lead in 0..7 {
            let led = [&b"leading"[..lead], &SECRET, b"trailing"].concat();
            for text in [BASE64_STANDARD.encode(&led), BASE64_URL_SAFE.encode(&led), hex::encode(&led)] {
                assert!(needle.within(text.as_bytes()).is_some(), "{lead}: {text}");
            }
            assert_eq!(needle.within(&led), Some("raw"));
        }
        assert_eq!(needle.within(b"an innocent text that is somewhat longer than the secret"), None);
    }

    #[test]
    fn a_secret_on_a_border_is_found() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let mut bytes = vec![0; 3 * PIECE];
        bytes[2 * PIECE - 7..][..32].copy_from_slice(&SECRET);
        std::io::Write::write_all(&mut file, &bytes).unwrap();
        assert_eq!(Needle::secret(&SECRET).in_file(file.path()), Some("raw"));
    }

    #[test]
    fn a_text_in_the_memory_of_another_process_is_found() {
        let mut child =
            std::process::Command::new("sleep").arg("60").env("MARKER", "it-is-here-77").spawn().unwrap();
        let [there, absent] = ["MARKER=it-is-here-77", "MARKER=it-is-here-78"].map(|text| {
            crate::wait::maybe(std::time::Duration::from_secs(1), || Needle::text(text).in_memory(child.id()))
        });
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!((there, absent), (Some("text"), None));
    }
}
