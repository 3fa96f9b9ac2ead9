//! `Broker`: a RabbitMQ for tests, which can be killed and comes back with what it had.
//!
//! Each is private to the process of the test: ports of its own on 127.0.0.1, files in a folder of
//! its own, and it ends with its test or with the process, whichever is first and however that
//! ends (`broker.sh` beside this sees to it).

#![allow(dead_code, reason = "each test uses a part of it")]

use std::{
    env, fs,
    io::{BufRead, BufReader, ErrorKind, Read, Write, stderr},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{self, Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::{Duration, Instant},
};

/// A broker that runs.
#[derive(Debug)]
pub(crate) struct Broker {
    url: String,
    own: Option<Own>,
}

/// One that this process started.
#[derive(Debug)]
struct Own {
    port: u16,
    folder: PathBuf,
    keeper: Mutex<Keeper>,
}

/// The process of `broker.sh`; its end is the broker's.
#[derive(Debug)]
struct Keeper {
    process: Child,
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Broker {
    /// The one that the tests of this process share, or that `TINYRPC_AMQP_URL` names; started
    /// when it is first asked for. Queues need names of their own.
    ///
    /// `None` where this machine has none, and then that has been said; with `CI=true` it panics,
    /// as [`Self::start`] does where no other is named.
    pub(crate) fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Broker>> = OnceLock::new();
        let shared = SHARED.get_or_init(|| match named() {
            Some(url) => Some(Self { url, own: None }),
            None => Self::start(),
        });
        if shared.is_none() {
            skipped();
        }
        shared.as_ref()
    }

    /// One that nobody else uses, and that can be killed. It stops when it is dropped.
    pub(crate) fn start() -> Option<Self> {
        Self::configured("")
    }

    /// One with lines of its own in `rabbitmq.conf`.
    pub(crate) fn configured(lines: &str) -> Option<Self> {
        let Some(scripts) = scripts() else {
            skipped();
            return None;
        };
        // Between the choice of a port and its use somebody else may take it.
        let mut last = String::new();
        for _ in 0..3 {
            match Self::attempt(scripts, lines) {
                Ok(broker) => return Some(broker),
                Err(why) => last = why,
            }
        }
        panic!("RabbitMQ does not start: {last}");
    }

    fn attempt(scripts: &Path, lines: &str) -> Result<Self, String> {
        let [port, distribution, names] = ports();
        let node = format!("tinyrpc-{}-{port}", process::id());
        let folder = env::temp_dir().join(&node);
        fs::create_dir(&folder).expect("a folder of this process");
        let conf = format!("listeners.tcp.1 = 127.0.0.1:{port}\n{SETTINGS}{lines}\n");
        fs::write(folder.join("rabbitmq.conf"), conf).expect("a file");
        let mut keeper = Command::new("sh");
        keeper.arg(project().join("tests/support/broker.sh")).arg(scripts).arg(&folder).arg(&node);
        keeper.args([port, distribution, names].map(|port| port.to_string()));
        let mut keeper =
            keeper.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("sh runs");
        let commands = keeper.stdin.take();
        let answers = BufReader::new(keeper.stdout.take().expect("it is piped"));
        let keeper = Mutex::new(Keeper { process: keeper, commands, answers });
        // Dropped where it does not start.
        let url = format!("amqp://guest:guest@127.0.0.1:{port}");
        let broker = Self { url, own: Some(Own { port, folder, keeper }) };
        broker.bring_up()?;
        Ok(broker)
    }

    /// Where it listens, with the name and the password of its default user and without a
    /// virtual host.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The process on which the broker depends, and of which all its processes descend.
    pub(crate) fn keeper(&self) -> u32 {
        self.own().keeper().process.id()
    }

    /// Where its files are, which are gone when it is.
    pub(crate) fn folder(&self) -> &Path {
        &self.own().folder
    }

    /// Kills it as `kill -9` does, and waits until it is gone.
    pub(crate) fn kill(&self) {
        assert_eq!(self.own().keeper().ask("kill"), "gone");
    }

    /// Starts it again with the same port and files, and waits until it takes connections.
    pub(crate) fn restart(&self) {
        self.bring_up().unwrap_or_else(|why| panic!("RabbitMQ does not start again: {why}"));
    }

    /// Runs `rabbitmqctl`, which takes 2 seconds, and gives what it said. No argument may have a
    /// blank in it.
    pub(crate) fn ctl(&self, arguments: &str) -> String {
        let mut keeper = self.own().keeper();
        let code = keeper.ask(&format!("ctl {arguments}"));
        let said = fs::read_to_string(self.own().folder.join("ctl")).expect("text");
        assert_eq!(code, "0", "rabbitmqctl {arguments}: {said}");
        said
    }

    fn own(&self) -> &Own {
        self.own.as_ref().expect("not the broker of TINYRPC_AMQP_URL, which is not ours")
    }

    fn bring_up(&self) -> Result<(), String> {
        let own = self.own();
        own.keeper().ask("start");
        let until = Instant::now() + PATIENCE;
        // It takes connections on its port long after its process was started, and nothing tells
        // when; so it is asked until it answers.
        while !answers(own.port) {
            if Instant::now() > until || own.log().contains("BOOT FAILED") {
                return Err(own.log());
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

impl Own {
    fn keeper(&self) -> MutexGuard<'_, Keeper> {
        self.keeper.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it said.
    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

impl Keeper {
    fn ask(&mut self, command: &str) -> String {
        let commands = self.commands.as_mut().expect("it was not dropped");
        writeln!(commands, "{command}").expect("it runs");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("text");
        answer.trim().to_owned()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // The end of its input is its end, and the broker's.
        drop(self.commands.take());
        _ = self.process.wait();
    }
}

/// Where its scripts are; installed once for all tests.
fn scripts() -> Option<&'static Path> {
    static SCRIPTS: OnceLock<Option<PathBuf>> = OnceLock::new();
    let scripts = SCRIPTS.get_or_init(|| {
        let script = project().join("scripts/rabbitmq.sh");
        let output = Command::new("bash").arg(&script).stdin(Stdio::null()).output();
        let output = output.expect("bash runs");
        let said = String::from_utf8_lossy(&output.stderr);
        match output.status.code() {
            Some(0) => Some(String::from_utf8_lossy(&output.stdout).trim().into()),
            Some(CANNOT) if named().is_some() || !strict() => {
                _ = writeln!(stderr(), "{said}");
                None
            }
            _ => panic!("{script:?} failed: {said}"),
        }
    });
    scripts.as_deref()
}

fn skipped() {
    // Not by a macro: those of a test that passes are never seen.
    _ = writeln!(stderr(), "SKIPPED: a test of AMQP, as RabbitMQ is not on this machine");
}

/// The broker that somebody wants to be used.
fn named() -> Option<String> {
    env::var("TINYRPC_AMQP_URL").ok().filter(|url| !url.is_empty())
}

/// True where a test that cannot run is a fault.
fn strict() -> bool {
    env::var_os("CI").is_some_and(|ci| ci == "true")
}

/// Three that are free, and that the system does not give to connections by itself.
fn ports() -> [u16; 3] {
    static LAST: AtomicUsize = AtomicUsize::new(0);
    let next = || {
        loop {
            let turn = process::id() as usize * 17 + LAST.fetch_add(1, SeqCst);
            let port = FIRST_PORT + (turn % PORTS as usize) as u16;
            if TcpListener::bind(("127.0.0.1", port)).is_ok() {
                return port;
            }
        }
    };
    [next(), next(), next()]
}

/// True where a broker greets as AMQP 0-9-1 says.
fn answers(port: u16) -> bool {
    let greet = || {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        stream.write_all(b"AMQP\0\0\x09\x01")?;
        let mut kind = [0];
        stream.read_exact(&mut kind)?;
        Ok(kind == [METHOD])
    };
    greet().unwrap_or_else(|error: std::io::Error| {
        assert_ne!(error.kind(), ErrorKind::AddrNotAvailable, "this machine has no loopback");
        false
    })
}

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A test must not stop because a disk is rather full.
const SETTINGS: &str = "disk_free_limit.absolute = 1MB\n";
/// It starts in 3 to 7 seconds; the rest is for a machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(90);
/// Below those that Linux gives to connections.
const FIRST_PORT: u16 = 12_000;
const PORTS: u16 = 20_000;
/// The kind of a frame that carries a method of AMQP.
const METHOD: u8 = 1;
/// How a script says that it cannot do it here.
const CANNOT: i32 = 3;
