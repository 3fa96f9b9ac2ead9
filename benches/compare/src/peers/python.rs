//! The Python peers over ZeroMQ: a script takes the place of this process, on the same CPU.

use std::{
    io,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Error, bail};

use super::PeerName;
use crate::cli::DriveArgs;

/// A peer, and the virtual environment that it lives in.
#[derive(Clone, Copy)]
pub(crate) struct Python {
    peer: PeerName,
    environment: &'static str,
}

impl Python {
    /// The Python behind a peer, where there is one.
    pub(crate) fn of(peer: PeerName) -> Option<Self> {
        let environment = match peer {
            PeerName::ZerorpcPython => "zerorpc",
            PeerName::TinyrpcPythonZmqJson | PeerName::TinyrpcPythonZmqMsgpack => "tinyrpc-python",
            _ => return None,
        };
        Some(Self { peer, environment })
    }

    /// Whether `scripts/setup-peers.sh` has set it up.
    pub(crate) fn is_there(self) -> bool {
        self.interpreter().exists()
    }

    /// Serves in the place of this process; gives why it cannot.
    pub(crate) fn serve(self) -> Error {
        self.run(&["serve".to_owned(), self.peer.to_string()])
    }

    /// Loads a server in the place of this process; gives why it cannot.
    pub(crate) fn drive(self, args: &DriveArgs) -> Error {
        let callers = args.workload.callers_per_connection();
        let mut words = vec!["drive".to_owned(), self.peer.to_string()];
        words.extend([args.addr.to_string(), callers.to_string()]);
        words.push(match args.calls {
            Some(calls) => format!("--calls={calls}"),
            None => format!("--seconds={}", args.seconds),
        });
        words.extend(args.server_pid.map(|pid| format!("--server-pid={pid}")));
        self.run(&words)
    }

    fn run(self, words: &[String]) -> Error {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/zmq_rpc.py");
        let interpreter = self.interpreter();
        let error = Command::new(&interpreter).arg(script).args(words).exec();
        let Self { peer, environment } = self;
        match error.kind() {
            io::ErrorKind::NotFound => Error::msg(format!(
                "{peer} is not set up: scripts/setup-peers.sh {environment}"
            )),
            _ => Error::new(error).context(format!("starting {}", interpreter.display())),
        }
    }

    fn interpreter(self) -> PathBuf {
        let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peers");
        peers.join(self.environment).join("bin/python")
    }
}

/// What nobody asks for: these peers are not in this process.
pub(super) fn elsewhere<T>(peer: PeerName) -> anyhow::Result<T> {
    bail!("{peer} runs in Python")
}
