//! The story of one intent, told by a client of a running set-up. Every line that is printed derives from an answer,
//! and a step that does not hold ends the story under its name.
//!
//! ```text
//! evidence ─► boot ─► agent ─► signing key ─► token ─► intent ─► transaction ─► record ─► denial ─► record
//! ```

use std::io::{self, Write};
use std::path::Path;

use crate::command::Demo;
use crate::error::{DevError, Tried as _};
use crate::running::Running;

mod client;
mod evidence;
mod record;
mod rlp;
mod story;
pub mod transaction;

/// Whom the intent pays unless told otherwise; also the only entry of the agent's allowlist.
pub const RECIPIENT: &str = "0x000000000000000000000000000000000000dEaD";
/// The value of the intent unless told otherwise, in ether.
pub const VALUE: &str = "0.25";

/// What the story tries.
#[derive(Clone, Debug)]
pub struct Story {
    /// The value of the intent, in ether.
    pub value: String,
    /// Whom it pays.
    pub to: String,
}

impl Default for Story {
    fn default() -> Self {
        Self { value: VALUE.to_owned(), to: RECIPIENT.to_owned() }
    }
}

/// A step of the story did not hold.
#[derive(Debug, thiserror::Error)]
#[error("the step {step:?} did not hold: {detail}")]
pub struct StoryError {
    /// The step's name.
    pub step: &'static str,
    /// What was found.
    pub detail: String,
}

/// `shroud-dev demo`.
///
/// # Errors
/// [`DevError::Story`] with the step that did not hold, [`DevError::File`] if the line of `up` cannot be read.
pub async fn run(options: &Demo) -> Result<(), DevError> {
    let running = Running::read(&options.up)?;
    let reference = options.reference.as_ref().unwrap_or(&running.reference);
    let story = Story { value: options.value.clone(), to: options.to.clone() };
    tell(&running, reference, &story, &mut io::stdout()).await
}

/// Tells the story to `out`.
///
/// # Errors
/// [`DevError::Story`] with the step that did not hold.
pub async fn tell(
    running: &Running,
    reference: &Path,
    story: &Story,
    out: &mut dyn Write,
) -> Result<(), DevError> {
    let mut teller = Teller { out };
    story::tell(running, reference, story, &mut teller).await?;
    teller.out.flush().tried(|| "writing the story".to_owned())
}

/// Prints headings and aligned lines.
struct Teller<'a> {
    out: &'a mut dyn Write,
}

impl Teller<'_> {
    fn heading(&mut self, text: &str) -> Result<(), StoryError> {
        self.write(&format!("\n{text}\n"))
    }

    fn line(&mut self, label: &str, text: &str) -> Result<(), StoryError> {
        self.write(&format!("  {label:<22}{text}\n"))
    }

    fn write(&mut self, text: &str) -> Result<(), StoryError> {
        // What comes from a peer must not steer the terminal.
        let text: String = text.chars().filter(|c| *c == '\n' || !c.is_control()).collect();
        let written = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
        written.map_err(|error| StoryError { step: "output", detail: error.to_string() })
    }
}
