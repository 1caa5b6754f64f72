//! `shroud measure release sign`.

use std::path::{Path, PathBuf};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use clap::Args;
use shroud_attestation::reference::{Operator, signature_line};
use shroud_measurements::release::Manifest;
use shroud_wire::note::Note;
use zeroize::Zeroizing;

use crate::measure::failure::{Failure, read};

/// Print a manifest with one more signature.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The manifest, as `make` printed it or with signatures of other operators.
    #[arg(value_name = "FILE")]
    pub manifest: PathBuf,
    /// The operator's name, as in the list of operators.
    #[arg(long, value_name = "TEXT")]
    pub name: String,
    /// The operator's Ed25519 seed, in hexadecimal.
    #[arg(long, value_name = "FILE")]
    pub seed: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> Result<String, Failure> {
    let name = || arguments.manifest.display().to_string();
    let bytes = read(&arguments.manifest)?;
    let mut note = match Note::parse(&bytes) {
        Ok(note) => note,
        Err(_) => {
            Note { text: String::from_utf8(bytes).map_err(|_| Failure::Text(name()))?, signatures: vec![] }
        }
    };
    Manifest::parse(&note.text)?;
    let pair = seed(&arguments.seed)?;
    let wrong = || Failure::Seed(arguments.seed.display().to_string());
    let ed25519 = pair.public_key().as_ref().try_into().map_err(|_| wrong())?;
    let signature = pair.sign(note.text.as_bytes());
    let signature = signature.as_ref().try_into().map_err(|_| wrong())?;
    let line = signature_line(&Operator { name: arguments.name.clone(), ed25519 }, signature);
    note.signatures.retain(|other| (&other.name, other.key_hash) != (&line.name, line.key_hash));
    note.signatures.push(line);
    String::from_utf8(note.to_bytes()).map_err(|_| Failure::Text(name()))
}

fn seed(path: &Path) -> Result<Ed25519KeyPair, Failure> {
    let wrong = || Failure::Seed(path.display().to_string());
    let text = Zeroizing::new(read(path)?);
    let mut seed = Zeroizing::new([0; 32]);
    hex::decode_to_slice(text.trim_ascii(), &mut *seed).map_err(|_| wrong())?;
    Ed25519KeyPair::from_seed_unchecked(&*seed).map_err(|_| wrong())
}
