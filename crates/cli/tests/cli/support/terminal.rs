//! `tinyrpc` on a pseudo-terminal.

use std::process::ExitStatus;

use pty_process::{Command, Pty, Size};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::Child,
};

use super::within;

/// The command, and the terminal that it believes in. It is killed when this is dropped.
pub(crate) struct OnTerminal {
    pty: Pty,
    child: Child,
    shown: String,
}

impl OnTerminal {
    /// Runs it on a terminal so wide.
    pub(crate) fn run(args: &[&str], columns: u16) -> Self {
        Self::start(args, columns, |command| command.env_remove("NO_COLOR"))
    }

    /// Runs it for somebody who wants no colours.
    pub(crate) fn without_colours(args: &[&str]) -> Self {
        Self::start(args, 80, |command| command.env("NO_COLOR", "1"))
    }

    fn start(args: &[&str], columns: u16, set: impl FnOnce(Command) -> Command) -> Self {
        let (pty, pts) = pty_process::open().expect("a pseudo-terminal");
        pty.resize(Size::new(24, columns)).expect("it has a size");
        let command = Command::new(env!("CARGO_BIN_EXE_tinyrpc")).args(args);
        let command = set(command).env("TERM", "xterm-256color").env_remove("RUST_BACKTRACE");
        let child = command.kill_on_drop(true).spawn(pts).expect("it starts");
        Self { pty, child, shown: String::new() }
    }

    /// Waits until a text was shown.
    pub(crate) async fn shows(&mut self, text: &str) {
        while !self.shown.contains(text) {
            assert!(self.read(text).await, "it ended, and showed {:?}", self.shown);
        }
    }

    /// Presses keys.
    pub(crate) async fn press(&mut self, keys: &str) {
        self.pty.write_all(keys.as_bytes()).await.expect("it takes keys");
    }

    /// Everything that it showed, with line feeds alone between lines, and how it ended.
    pub(crate) async fn end(mut self) -> (String, ExitStatus) {
        while self.read("its end").await {}
        let status = within("its end", self.child.wait()).await.expect("it is a child");
        (self.shown.replace("\r\n", "\n"), status)
    }

    /// False at the end, which Linux reports as an error.
    async fn read(&mut self, what: &str) -> bool {
        let mut bytes = [0; 4096];
        let read = within(what, self.pty.read(&mut bytes)).await.unwrap_or(0);
        self.shown.push_str(&String::from_utf8_lossy(&bytes[..read]));
        read > 0
    }
}
