//! Starting and stopping the two processes of a measurement.

use std::{
    env,
    ffi::OsString,
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, ChildStdout, Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};

use crate::{cli::Pin, peers::PeerName, process::Figures, workload::Workload};

/// What to start: the binary, and the command it runs under, if any.
pub(crate) struct Program {
    words: Vec<OsString>,
}

impl Program {
    /// This very binary.
    pub(crate) fn this() -> Result<Self> {
        Ok(Self {
            words: vec![env::current_exe()?.into()],
        })
    }

    /// This binary as the last argument of another command.
    pub(crate) fn under(mut words: Vec<OsString>) -> Result<Self> {
        words.extend(Self::this()?.words);
        Ok(Self { words })
    }

    /// The sibling that counts its allocations.
    pub(crate) fn counted() -> Result<Self> {
        let path = env::current_exe()?.with_file_name("compare-counted");
        ensure!(
            path.exists(),
            "compare-counted is missing: build without `--bin`"
        );
        Ok(Self {
            words: vec![path.into()],
        })
    }

    /// A command with its output piped to us.
    fn command(&self, args: &[String]) -> Result<Command> {
        let (program, first) = self.words.split_first().context("nothing to start")?;
        let mut command = Command::new(program);
        command
            .args(first)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        Ok(command)
    }
}

/// Where processes run, and with how many threads.
#[derive(Clone, Copy)]
pub(crate) struct Places {
    pub(crate) pin: Pin,
    pub(crate) workers: usize,
}

impl Places {
    fn server(self) -> Vec<String> {
        self.options(match self.pin {
            Pin::Same | Pin::Split => Some(0),
            Pin::None => None,
        })
    }

    fn client(self) -> Vec<String> {
        self.options(match self.pin {
            Pin::Same => Some(0),
            Pin::Split => Some(1),
            Pin::None => None,
        })
    }

    fn options(self, cpu: Option<usize>) -> Vec<String> {
        let mut options = vec![format!("--workers={}", self.workers)];
        options.extend(cpu.map(|cpu| format!("--cpu={cpu}")));
        options
    }
}

/// How much a client does.
#[derive(Clone, Copy)]
pub(crate) enum Amount {
    Seconds(f64),
    Calls(u64),
}

/// A running server; it ends with this value.
pub(crate) struct Server {
    child: Child,
    output: BufReader<ChildStdout>,
    peer: PeerName,
    addr: String,
    places: Places,
}

impl Server {
    /// Starts a server and waits until it is ready.
    pub(crate) fn start(program: &Program, peer: PeerName, places: Places) -> Result<Self> {
        let mut args = vec!["serve".to_owned(), peer.to_string()];
        args.extend(places.server());
        let mut child = program
            .command(&args)?
            .spawn()
            .with_context(|| format!("starting {:?}", program.words))?;
        let output = BufReader::new(child.stdout.take().context("a server without output")?);
        let mut server = Self {
            child,
            output,
            peer,
            addr: String::new(),
            places,
        };
        let mut line = String::new();
        server.output.read_line(&mut line)?;
        let addr = line.trim().strip_prefix("ready ");
        server.addr = addr
            .with_context(|| format!("the {peer} server did not start"))?
            .to_owned();
        Ok(server)
    }

    /// Runs a client against the server to its end.
    pub(crate) fn drive(
        &self,
        program: &Program,
        workload: Workload,
        amount: Amount,
    ) -> Result<Figures> {
        let mut args = vec!["drive".to_owned(), self.peer.to_string(), self.addr.clone()];
        args.push(workload.to_string());
        args.push(format!("--server-pid={}", self.child.id()));
        args.push(match amount {
            Amount::Seconds(seconds) => seconds.to_string(),
            Amount::Calls(calls) => format!("--calls={calls}"),
        });
        args.extend(self.places.client());
        let output = program.command(&args)?.stderr(Stdio::inherit()).output()?;
        ensure!(
            output.status.success(),
            "{}, {workload}: {}",
            self.peer,
            output.status
        );
        serde_json::from_slice(&output.stdout).context("reading a client's figures")
    }

    /// Stops the server and returns what it still had to say.
    pub(crate) fn stop(mut self) -> Result<String> {
        drop(self.child.stdin.take());
        let mut rest = String::new();
        self.output.read_to_string(&mut rest)?;
        let status = self.child.wait()?;
        ensure!(
            status.success(),
            "the {} server ended with {status}",
            self.peer
        );
        Ok(rest)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // After `stop` there is nothing left to end; on the way out of an error nobody would wait.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
