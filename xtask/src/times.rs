//! How long each stage took when it last held, kept in the target folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use crate::workspace::Workspace;

/// Seconds by stage.
#[derive(Debug)]
pub(crate) struct Times {
    file: PathBuf,
    seconds: BTreeMap<String, u64>,
}

impl Times {
    /// Those of the last runs; a file that cannot be read counts as none.
    pub(crate) fn open(workspace: &Workspace) -> Self {
        let file = workspace.target("xtask-times.json");
        let found = fs::read(&file).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Self { file, seconds: found.unwrap_or_default() }
    }

    /// How long a stage took, if it ever held here.
    pub(crate) fn of(&self, stage: &str) -> Option<Duration> {
        self.seconds.get(stage).copied().map(Duration::from_secs)
    }

    /// Remembers a stage. That it cannot be written is no reason to fail.
    pub(crate) fn remember(&mut self, stage: &str, took: Duration) {
        self.seconds.insert(stage.to_owned(), took.as_secs());
        let written = serde_json::to_vec_pretty(&self.seconds).map(|bytes| fs::write(&self.file, bytes));
        if !matches!(written, Ok(Ok(()))) {
            eprintln!("the times of the stages could not be kept in {}", self.file.display());
        }
    }
}

/// Minutes and seconds.
pub(crate) fn shown(duration: Duration) -> String {
    format!("{}:{:02}", duration.as_secs() / 60, duration.as_secs() % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_minutes_and_seconds() {
        assert_eq!(
            [0, 9, 60, 3_671].map(|seconds| shown(Duration::from_secs(seconds))),
            ["0:00", "0:09", "1:00", "61:11"]
        );
    }
}
