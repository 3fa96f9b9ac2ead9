//! Programs that this process starts, and speaks to over their standard input and output.
//!
//! What a program prints on standard error appears on ours. On Unix it leads a process group of its
//! own, and with the connection the whole group ends: the programs that it started, too, but not
//! those that left the group (daemons, and jobs of an interactive shell). Elsewhere only the program
//! itself is ended.

mod group;
mod halves;
mod supervisor;

use std::{
    env,
    ffi::{OsStr, OsString},
    fmt, io,
    path::PathBuf,
    process::Stdio,
    time::Duration,
};

use async_trait::async_trait;
use tinyrpc_core::{Connection, Connector, PeerAddress, Shape};
use tokio::process::Command;

use self::{
    halves::{ChildRecv, ChildSend},
    supervisor::Supervisor,
};

/// Starts a program for each connection.
///
/// ```
/// use std::time::Duration;
/// use tinyrpc_transports::exec::ExecConnector;
///
/// let server = ExecConnector::new("python3")
///     .args(["server.py", "--quiet"])
///     .clean_env()
///     .env("LEVEL", "3")
///     .grace(Duration::from_secs(5));
/// assert_eq!(server.to_string(), "exec:python3 server.py --quiet");
/// ```
#[derive(Clone, Debug)]
pub struct ExecConnector {
    program: OsString,
    args: Vec<OsString>,
    directory: Option<PathBuf>,
    clean: bool,
    env: Vec<(OsString, OsString)>,
    grace: Duration,
}

impl ExecConnector {
    /// How long a program may take to end by itself, unless something else is said.
    pub const GRACE: Duration = Duration::from_secs(2);

    /// Starts a program, which is looked for in `PATH`, without arguments.
    pub fn new(program: impl Into<OsString>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            directory: None,
            clean: false,
            env: Vec::new(),
            grace: Self::GRACE,
        }
    }

    /// Starts a program as a line for a shell names it: words, quotes and backslashes mean what they
    /// mean there, and nothing else does. No shell is asked. `None` where there is no word, or a
    /// quote is not closed.
    pub fn from_line(line: &str) -> Option<Self> {
        let mut words = shlex::split(line)?.into_iter();
        Some(Self::new(words.next()?).args(words))
    }

    /// Adds an argument.
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds arguments.
    pub fn args(mut self, args: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Starts the program in another directory than ours.
    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// Sets a variable of the program's environment.
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Keeps our environment from the program, which may have secrets in it: it gets the variables
    /// of [`ExecConnector::CLEAN`] and those of [`ExecConnector::env`].
    pub fn clean_env(mut self) -> Self {
        self.clean = true;
        self
    }

    /// What programs need of the environment to run at all: where things are, for whom, and in which
    /// language.
    pub const CLEAN: &[&str] = if cfg!(windows) {
        &[
            "APPDATA",
            "COMSPEC",
            "HOMEDRIVE",
            "HOMEPATH",
            "LOCALAPPDATA",
            "PATH",
            "PATHEXT",
            "SYSTEMDRIVE",
            "SYSTEMROOT",
            "TEMP",
            "TMP",
            "USERNAME",
            "USERPROFILE",
        ]
    } else {
        &[
            "HOME", "LANG", "LC_ALL", "LC_CTYPE", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR",
            "TZ", "USER",
        ]
    };

    /// How long the program may take to end by itself once its standard input has ended, and again
    /// after it was asked to by SIGTERM; then it is killed. Default 2 s.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args).stdin(Stdio::piped()).stdout(Stdio::piped());
        command.stderr(Stdio::inherit()).kill_on_drop(true);
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        if self.clean {
            let kept = |name: &&str| env::var_os(name).map(|value| (OsString::from(name), value));
            command.env_clear().envs(Self::CLEAN.iter().filter_map(kept));
        }
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        #[cfg(unix)]
        command.process_group(0);
        command
    }
}

#[async_trait]
impl Connector for ExecConnector {
    /// Starts the program. Needs a tokio runtime with time and I/O.
    async fn connect(&self) -> io::Result<Connection> {
        let mut child = self.command().spawn().map_err(|error| {
            let why = format!("cannot start `{}`: {error}", self.program.display());
            io::Error::new(error.kind(), why)
        })?;
        let lacks = || io::Error::other("the program has no pipes");
        let (stdin, stdout) =
            (child.stdin.take().ok_or_else(lacks)?, child.stdout.take().ok_or_else(lacks)?);
        let name: Box<str> = self.program.display().to_string().into();
        let peer = match child.id() {
            Some(number) => format!("process {number} ({name})"),
            None => name.clone().into(),
        };
        let supervisor = Supervisor::start(child, name, self.grace);
        Ok(Connection::new(
            Shape::Stream,
            PeerAddress::Other(peer.into()),
            Box::new(ChildRecv::new(stdout, supervisor.clone())),
            Box::new(ChildSend::new(stdin, supervisor)),
        ))
    }

    fn address(&self) -> String {
        self.to_string()
    }
}

/// The line of a shell that starts the program.
impl fmt::Display for ExecConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("exec:")?;
        for (at, word) in [&self.program].into_iter().chain(&self.args).enumerate() {
            let word = OsStr::to_string_lossy(word);
            // A zero byte, which no shell can say, cannot be started either.
            let quoted = shlex::try_quote(&word).unwrap_or_else(|_| word.clone());
            write!(f, "{}{quoted}", if at > 0 { " " } else { "" })?;
        }
        Ok(())
    }
}
