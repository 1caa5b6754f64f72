//! The programs beside `shroud-dev`: built first when cargo started us from a checkout, else expected to be there.

use std::env;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::child;
use crate::error::{DevError, Tried as _};
use crate::role::Role;

/// The folder of the programs, and `shroud-dev` itself.
#[derive(Clone, Debug)]
pub struct Programs {
    own: PathBuf,
    folder: PathBuf,
}

impl Programs {
    /// Finds the programs beside the running one; builds them first where [`Checkout::of_this_process`] says so.
    ///
    /// # Errors
    /// [`DevError::Build`], [`DevError::ProgramsMissing`], [`DevError::Io`].
    pub async fn locate() -> Result<Self, DevError> {
        let own = env::current_exe().tried(|| "finding the path of shroud-dev".to_owned())?;
        // A build that replaces a running program leaves " (deleted)" behind its path.
        let own =
            own.to_str().and_then(|path| path.strip_suffix(" (deleted)")).map_or(own.clone(), PathBuf::from);
        let folder = own.parent().unwrap_or(Path::new("/")).to_owned();
        if let Some(checkout) = Checkout::of_this_process(&folder) {
            checkout.build(&own).await?;
        }
        Self { own, folder }.complete()
    }

    fn complete(self) -> Result<Self, DevError> {
        let mut programs: Vec<&'static str> = Role::ALL
            .map(Role::program)
            .into_iter()
            .filter(|name| !self.folder.join(name).is_file())
            .collect();
        programs.dedup();
        if programs.is_empty() {
            return Ok(self);
        }
        Err(DevError::ProgramsMissing { folder: self.folder, programs })
    }

    /// The path of `shroud-dev`.
    #[must_use]
    pub fn own(&self) -> &Path {
        &self.own
    }

    /// The path of a role's program.
    #[must_use]
    pub fn of(&self, role: Role) -> PathBuf {
        self.folder.join(role.program())
    }
}

/// The checkout whose cargo started this process.
#[derive(Debug, PartialEq, Eq)]
struct Checkout {
    cargo: OsString,
    root: PathBuf,
    target: PathBuf,
}

impl Checkout {
    /// Only where cargo itself ran this program, from the release folder of a target directory, wherever that is.
    fn of_this_process(folder: &Path) -> Option<Self> {
        Self::from(folder, |name| env::var_os(name))
    }

    fn from(folder: &Path, variable: impl Fn(&str) -> Option<OsString>) -> Option<Self> {
        let cargo = variable("CARGO")?;
        let manifest = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
        let ours = variable("CARGO_PKG_NAME")? == env!("CARGO_PKG_NAME");
        let release = folder.file_name()? == "release";
        let (root, target) = (manifest.parent()?.to_owned(), folder.parent()?.to_owned());
        (ours && release).then_some(Self { cargo, root, target })
    }

    /// Builds every program of the workspace, the way in which `cargo dev` built this one, so that no feature differs.
    async fn build(&self, own: &Path) -> Result<(), DevError> {
        let mut arguments =
            ["build", "--release", "--workspace", "--bins", "--target-dir"].map(OsString::from).to_vec();
        arguments.push(self.target.clone().into());
        let mut command = child::tied(own, &self.cargo, &arguments);
        for (name, _) in env::vars_os() {
            if name.to_str().is_some_and(set_by_cargo_run) {
                command.env_remove(name);
            }
        }
        command.current_dir(&self.root).stdin(Stdio::null()).stdout(io::stderr());
        let what = || "starting cargo build".to_owned();
        let status = tokio::process::Command::from(command).spawn().tried(what)?.wait().await.tried(what)?;
        if status.success() { Ok(()) } else { Err(DevError::Build(status)) }
    }
}

/// What `cargo run` tells the program about its package would be mistaken for settings by build scripts.
fn set_by_cargo_run(name: &str) -> bool {
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::testing::Scratch;

    fn environment<'a>(pairs: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<OsString> + 'a {
        |name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
    }

    #[test]
    fn a_plain_start_builds_nothing() {
        assert_eq!(Checkout::from(Path::new("/opt/release"), environment(&[])), None);
    }

    #[test]
    fn cargo_dev_builds_wherever_its_target_folder_is() {
        let ours = [
            ("CARGO", "cargo"),
            ("CARGO_MANIFEST_DIR", "/checkout/devkit"),
            ("CARGO_PKG_NAME", env!("CARGO_PKG_NAME")),
        ];
        let built = |target: &str| Checkout {
            cargo: "cargo".into(),
            root: "/checkout".into(),
            target: target.into(),
        };
        for target in ["/checkout/target", "/elsewhere"] {
            let found = Checkout::from(&Path::new(target).join("release"), environment(&ours));
            assert_eq!(found, Some(built(target)));
        }
    }

    #[test]
    fn a_test_that_cargo_runs_builds_nothing() {
        let other = [
            ("CARGO", "cargo"),
            ("CARGO_MANIFEST_DIR", "/checkout/tests"),
            ("CARGO_PKG_NAME", "shroud-tests"),
        ];
        assert_eq!(Checkout::from(Path::new("/checkout/target/release"), environment(&other)), None);
        let own = [other[0], other[1], ("CARGO_PKG_NAME", env!("CARGO_PKG_NAME"))];
        assert_eq!(Checkout::from(Path::new("/checkout/target/debug"), environment(&own)), None);
    }

    #[test]
    fn missing_programs_are_named_once() {
        let scratch = Scratch::new();
        std::fs::write(scratch.path().join("shroud"), "").unwrap();
        let programs = Programs { own: scratch.path().join("shroud-dev"), folder: scratch.path().to_owned() };
        match programs.complete() {
            Err(DevError::ProgramsMissing { programs, .. }) => assert_eq!(
                programs,
                ["shroud-mock-processor", "shroud-gateway", "shroud-host", "shroud-enclave-dev"]
            ),
            other => panic!("{other:?}"),
        }
    }
}
