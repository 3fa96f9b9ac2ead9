//! The two halves of a connection to a program.

use std::{
    fmt, io,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
    time::Duration,
};

use tinyrpc_core::{Incoming, Outgoing, Received, RecvHalf, SendHalf};
use tokio::{
    io::AsyncWrite,
    process::{ChildStdin, ChildStdout},
    time::{Sleep, sleep},
};
use tokio_util::io::poll_read_buf;

use super::supervisor::{Reached, Supervisor};

/// Reads what the program says, until it has said everything and has ended.
pub(super) struct ChildRecv {
    stdout: Option<ChildStdout>,
    supervisor: Supervisor,
    /// `None` once the program has ended.
    ended: Option<Reached>,
    /// Runs from the moment when either the program or its output has ended.
    last: Option<Pin<Box<Sleep>>>,
}

impl ChildRecv {
    pub(super) fn new(stdout: ChildStdout, supervisor: Supervisor) -> Self {
        Self { stdout: Some(stdout), ended: Some(supervisor.ended()), supervisor, last: None }
    }

    fn is_late(&mut self, cx: &mut Context<'_>) -> bool {
        let last = self.last.get_or_insert_with(|| Box::pin(sleep(LAST_WORDS)));
        last.as_mut().poll(cx).is_ready()
    }
}

impl RecvHalf for ChildRecv {
    fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        into: &mut Incoming,
    ) -> Poll<io::Result<Received>> {
        if let Some(stdout) = &mut self.stdout {
            match poll_read_buf(Pin::new(stdout), cx, into.buffer()) {
                Poll::Ready(Ok(0)) => self.stdout = None,
                Poll::Ready(read) => return Poll::Ready(read.map(|_| Received::Some)),
                Poll::Pending => {}
            }
        }
        if self.ended.as_mut().is_some_and(|ended| ended.as_mut().poll(cx).is_ready()) {
            self.ended = None;
        }
        let has_ended = self.ended.is_none();
        if self.stdout.is_some() && !has_ended {
            return Poll::Pending;
        }
        // What it wrote before it ended is on its way, unless others hold its output open; and a
        // program whose output has ended is about to end, or it goes on without us.
        if (self.stdout.is_some() || !has_ended) && !self.is_late(cx) {
            return Poll::Pending;
        }
        Poll::Ready(match has_ended && !self.supervisor.is_ending() {
            true => Err(self.supervisor.why()),
            false => Ok(Received::End),
        })
    }
}

/// Writes to the program; its end is the end of the program's input.
pub(super) struct ChildSend {
    stdin: Option<ChildStdin>,
    supervisor: Supervisor,
    gone: Option<Reached>,
}

impl ChildSend {
    pub(super) fn new(stdin: ChildStdin, supervisor: Supervisor) -> Self {
        Self { stdin: Some(stdin), supervisor, gone: None }
    }
}

impl SendHalf for ChildSend {
    fn poll_send(&mut self, cx: &mut Context<'_>, out: &mut Outgoing) -> Poll<io::Result<()>> {
        let Some(stdin) = &mut self.stdin else {
            // It was closed, and there is nothing more to send.
            return Poll::Ready(Ok(()));
        };
        let mut stdin = pin!(stdin);
        while !out.is_empty() {
            match ready!(stdin.as_mut().poll_write(cx, out.bytes()))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => out.advance(count),
            }
        }
        stdin.poll_flush(cx)
    }

    /// Ready when the program has ended, and those that it started.
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stdin = None;
        self.supervisor.end();
        let gone = self.gone.get_or_insert_with(|| self.supervisor.gone());
        gone.as_mut().poll(cx).map(Ok)
    }
}

impl Drop for ChildSend {
    fn drop(&mut self) {
        self.stdin = None;
        self.supervisor.end();
    }
}

impl fmt::Debug for ChildRecv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildRecv").field("stdout", &self.stdout).finish_non_exhaustive()
    }
}

impl fmt::Debug for ChildSend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildSend").field("stdin", &self.stdin).finish_non_exhaustive()
    }
}

/// How long the rest may take to come once the program has ended, or the other way round: calls fail
/// within 100 ms of a program that was killed.
const LAST_WORDS: Duration = Duration::from_millis(50);
