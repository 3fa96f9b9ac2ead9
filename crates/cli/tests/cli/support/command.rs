//! `tinyrpc` as a child process.

use std::{
    process::{Output, Stdio},
    str,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStderr, ChildStdout, Command},
};

use super::within;

/// The command under test, with its output in pipes.
pub(crate) fn tinyrpc(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tinyrpc"));
    command.args(args).env_remove("RUST_BACKTRACE").kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// How a command ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ran {
    /// `None` where a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    fn new(output: &Output) -> Self {
        let text = |bytes| str::from_utf8(bytes).expect("it writes UTF-8").to_owned();
        Self {
            code: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }

    /// An answer with nothing beside it.
    pub(crate) fn answered(stdout: &str) -> Self {
        Self { code: Some(0), stdout: format!("{stdout}\n"), stderr: String::new() }
    }

    /// A failure with nothing on standard output.
    pub(crate) fn failed(code: i32, stderr: &str) -> Self {
        Self { code: Some(code), stdout: String::new(), stderr: format!("{stderr}\n") }
    }
}

/// Runs the command to its end.
pub(crate) async fn run(args: &[&str]) -> Ran {
    finish(tinyrpc(args).spawn().expect("it starts"), args).await
}

/// Runs the command to its end, with a text on its standard input.
pub(crate) async fn run_with_input(args: &[&str], input: &str) -> Ran {
    let mut child = tinyrpc(args).stdin(Stdio::piped()).spawn().expect("it starts");
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin.write_all(input.as_bytes()).await.expect("it reads");
    drop(stdin);
    finish(child, args).await
}

/// Waits for the end of a command.
pub(crate) async fn finish(child: Child, args: &[&str]) -> Ran {
    let output = within(&args.join(" "), child.wait_with_output()).await;
    Ran::new(&output.expect("its output can be read"))
}

/// A server of the command. It is killed when this is dropped.
pub(crate) struct Serving {
    pub(crate) child: Child,
    /// Under which clients reach it.
    pub(crate) urls: Vec<String>,
    pub(crate) stdout: Lines<BufReader<ChildStdout>>,
    pub(crate) stderr: Lines<BufReader<ChildStderr>>,
}

impl Serving {
    /// Serves the demo on any free port.
    pub(crate) async fn demo() -> Self {
        Self::with(&["--bind", "tcp://127.0.0.1:0"], 1).await
    }

    /// Serves the demo, and waits until `addresses` of them are listened on.
    pub(crate) async fn with(options: &[&str], addresses: usize) -> Self {
        let args = [&["serve"], options, &["demo"]].concat();
        let mut child = tinyrpc(&args).spawn().expect("it starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let stderr = BufReader::new(child.stderr.take().expect("it is piped")).lines();
        let mut urls = Vec::new();
        for _ in 0..addresses {
            let line = within("serve", stdout.next_line()).await.expect("it is text");
            let line = line.expect("it does not end");
            let url =
                line.strip_prefix("listening on ").unwrap_or_else(|| panic!("it says {line}"));
            urls.push(url.to_owned());
        }
        Self { child, urls, stdout, stderr }
    }

    /// Its one URL, with another protocol.
    pub(crate) fn url(&self, protocol: &str) -> String {
        format!("{protocol}+{}", self.urls[0])
    }

    /// Waits for a line on standard error.
    pub(crate) async fn says(&mut self, begin: &str) {
        loop {
            let line = within(begin, self.stderr.next_line()).await.expect("it is text");
            if line.expect("it does not end").starts_with(begin) {
                return;
            }
        }
    }

    /// Its exit code.
    pub(crate) async fn ended(&mut self) -> Option<i32> {
        within("the end of serve", self.child.wait()).await.expect("it is a child").code()
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = self.child.id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed()));
        let pid = pid.expect("it runs");
        rustix::process::kill_process(pid, signal).expect("it can be signalled");
    }
}
