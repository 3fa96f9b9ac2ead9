//! [`Suite`]: the programs of Autobahn as they are installed, and what they are told.

use std::{
    io::{self, Write, stderr},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde_json::{Value, json};
use tinyrpc::transports::{Accepted, Connection};
use tokio::{
    net::TcpStream,
    process::{Child, Command},
    time::{sleep, timeout},
};

/// The suite, which is there.
pub(crate) struct Suite {
    installed: PathBuf,
}

/// What one run is told.
pub(crate) struct Spec {
    name: &'static str,
    content: Value,
}

/// Under which name our reports stand.
pub(crate) const OURS: &str = "tinyrpc";

/// All cases take two minutes on a small machine, and the machine may have much else to do.
const PATIENCE: Duration = Duration::from_secs(900);

impl Suite {
    /// Sets the suite up. `None` where this machine cannot have it, and then that has been said.
    pub(crate) fn get() -> Option<Self> {
        let script = project().join("scripts/autobahn.sh");
        let output = std::process::Command::new("bash").arg(&script).arg("setup").output();
        let output = output.expect("bash runs");
        let said = String::from_utf8_lossy(&output.stderr);
        match output.status.code() {
            Some(0) => Some(Self { installed: project().join("target/peers/autobahn") }),
            Some(CANNOT) => {
                // Not by a macro: those of a test that passes are never seen.
                _ = writeln!(stderr(), "{said}SKIPPED: the test suite of Autobahn");
                None
            }
            _ => panic!("{script:?} failed: {said}"),
        }
    }

    /// Where the reports about one of our sides are.
    pub(crate) fn folder(&self, side: &str) -> PathBuf {
        self.installed.join("reports").join(side)
    }

    /// Starts one of its programs, which ends with this value at the latest.
    pub(crate) async fn start(&self, program: &str, spec: &Spec) -> Child {
        let folder = self.folder(spec.name);
        _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a folder");
        let mut content = spec.content.clone();
        content["outdir"] = json!(folder);
        content["cases"] = json!(cases());
        content["exclude-cases"] = json!([]);
        content["exclude-agent-cases"] = json!({});
        let path = folder.join("spec.json");
        std::fs::write(&path, content.to_string()).expect("a file");
        let log = std::fs::File::create(folder.join("log")).expect("a file");
        let mut command = Command::new("bash");
        command.arg(self.installed.join("wstest")).args(["-m", program, "-u", "0", "-s"]);
        command.arg(path).stdin(Stdio::null()).stderr(log.try_clone().expect("a file"));
        command.stdout(log).kill_on_drop(true).spawn().expect("it starts")
    }

    /// Runs one of its programs to its end.
    pub(crate) async fn run(&self, program: &str, spec: &Spec) {
        let mut child = self.start(program, spec).await;
        let status = timeout(PATIENCE, child.wait()).await.expect("it ends").expect("a status");
        assert!(status.success(), "{status}: see {:?}", self.folder(spec.name));
    }
}

impl Spec {
    /// For their client, which visits a server of ours.
    pub(crate) fn of_client(url: &str) -> Self {
        let server = json!({"agent": OURS, "url": url, "options": {"version": 18}});
        Self { name: "server", content: json!({"servers": [server]}) }
    }

    /// For their server, which our client visits.
    pub(crate) fn of_server(address: &str) -> Self {
        Self { name: "client", content: json!({"url": format!("ws://{address}")}) }
    }
}

/// All but compression (12 and 13), which we do not offer. 9 is of large messages, and slow.
fn cases() -> Vec<&'static str> {
    let mut cases = vec!["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*"];
    if std::env::var_os("AUTOBAHN").is_some_and(|which| which == "all") {
        cases.push("9.*");
    }
    cases
}

/// Awaits a handshake.
pub(crate) async fn opened(accepted: Accepted) -> io::Result<Connection> {
    match accepted {
        Accepted::Ready(connection) => Ok(connection),
        Accepted::Opening(opening) => opening.await,
    }
}

/// A port for a program that does not choose one by itself.
pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

/// Python takes a moment to start, and this program does not say when it has.
pub(crate) async fn until_it_listens(address: &str) {
    let listening = async {
        while TcpStream::connect(address).await.is_err() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(60), listening).await.expect("it listens");
}

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// How the script says that it cannot do it here.
const CANNOT: i32 = 3;
