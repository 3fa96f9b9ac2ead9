//! [`Kit`]: a foreign peer as it is installed, and the programs of its folder.

use std::{
    collections::HashMap,
    io::{Write, stderr},
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Mutex, PoisonError},
};

use tokio::process::Command;

/// A peer that is there.
#[derive(Clone)]
pub(crate) struct Kit {
    name: &'static str,
}

/// The peers that were asked for, and whether they are there.
static KNOWN: Mutex<Option<HashMap<&'static str, bool>>> = Mutex::new(None);

impl Kit {
    /// Sets a peer up, once for all tests. `None` where this machine cannot have it, and then that
    /// has been said.
    pub(crate) fn get(name: &'static str) -> Option<Self> {
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.get_or_insert_default();
        let there = *known.entry(name).or_insert_with(|| set_up(name));
        if !there {
            // Not by a macro: those of a test that passes are never seen.
            _ = writeln!(stderr(), "SKIPPED: a test of {name}, which is not on this machine");
        }
        there.then_some(Self { name })
    }

    /// One of the peer's programs in Python.
    pub(crate) fn python(&self, script: &str) -> Command {
        let mut command = self.program(&self.installed().join("bin/python"), script);
        command.env("PYTHONPATH", sources().join("common")).env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }

    /// One of the peer's programs in JavaScript.
    pub(crate) fn node(&self, script: &str) -> Command {
        let mut command = self.program(Path::new("node"), script);
        let modules = [self.installed().join("node_modules"), sources().join("common")];
        command.env("NODE_PATH", std::env::join_paths(modules).expect("no colon in a path"));
        command
    }

    /// A file that was installed.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.installed().join(name)
    }

    /// One of the peer's programs in Rust.
    #[cfg(feature = "ws")]
    pub(crate) fn rust(&self, name: &str) -> Command {
        piped(Command::new(self.installed().join("debug").join(name)))
    }

    fn program(&self, interpreter: &Path, script: &str) -> Command {
        let mut command = Command::new(interpreter);
        command.arg(sources().join(self.name.replace('-', "_")).join(script));
        piped(command)
    }

    fn installed(&self) -> PathBuf {
        project().join("target/peers").join(self.name)
    }
}

fn piped(mut command: Command) -> Command {
    // A server ends when its input does, even when this process has no time to end it.
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    command
}

fn set_up(name: &str) -> bool {
    let script = project().join(format!("scripts/peers/{name}.sh"));
    let output = std::process::Command::new("bash").arg(&script).stdin(Stdio::null()).output();
    let output = output.expect("bash runs");
    let said = String::from_utf8_lossy(&output.stderr);
    match output.status.code() {
        Some(0) => true,
        Some(CANNOT) if std::env::var_os("CI").is_none_or(|ci| ci != "true") => {
            _ = writeln!(stderr(), "{said}");
            false
        }
        _ => panic!("{script:?} failed: {said}"),
    }
}

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> PathBuf {
    project().join("tests/peers")
}

/// How a script of `scripts/peers` says that it cannot do it here.
const CANNOT: i32 = 3;
