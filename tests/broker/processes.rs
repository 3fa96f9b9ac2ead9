//! What the system knows of the processes of a broker: where they listen, and when they are gone.

use std::{
    collections::BTreeSet,
    env, fs,
    io::{BufRead, BufReader, Read},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::{address, broker::Broker};

/// Checks where it and what belongs to it listen.
pub(crate) fn only_on_loopback(broker: &Broker) {
    let listening = listening(&family(broker.keeper()));
    // The broker, its distribution and its name server.
    assert!(listening.len() >= 3, "{listening:?}");
    for address in listening {
        assert!(LOOPBACK.contains(&&*address), "it listens at {address}");
    }
}

#[test]
fn it_ends_with_a_process_that_is_killed() {
    let mut owner = Command::new(env::current_exe().expect("this test"))
        .args(["processes::owner_process", "--exact", "--nocapture"])
        .env(ROLE, "owner")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a copy of this test");
    let mut said = BufReader::new(owner.stderr.take().expect("it is piped"));
    let mut line = String::new();
    while !line.starts_with(STARTED) {
        line.clear();
        let read = said.read_line(&mut line).expect("text");
        if read == 0 {
            // It has said why.
            assert!(owner.wait().expect("a child").success());
            return;
        }
    }
    let words: Vec<_> = line.split_whitespace().skip(1).collect();
    let [address, folder, keeper] = words[..] else { panic!("it says {line}") };
    let family = family(keeper.parse().expect("a process id"));
    assert!(family.len() >= 3, "{family:?}");
    assert!(Path::new(folder).exists());
    owner.kill().expect("it runs");
    owner.wait().expect("a child");
    // The keeper of the broker has this open until it has ended everything.
    said.read_to_end(&mut Vec::new()).expect("it is open");
    assert!(TcpStream::connect(address).is_err(), "somebody listens");
    assert!(!Path::new(folder).exists(), "{folder} is left");
    // The last of them close what they have open a moment before they are gone.
    let until = Instant::now() + PATIENCE;
    for process in family {
        while runs(process) {
            assert!(Instant::now() < until, "{process} runs on");
            std::thread::yield_now();
        }
    }
}

/// Not a test of its own: a process that has a broker until it is killed.
#[test]
fn owner_process() {
    if env::var_os(ROLE).is_none() {
        return;
    }
    let Some(broker) = Broker::start() else { return };
    eprintln!("\n{STARTED} {} {} {}", address(&broker), broker.folder().display(), broker.keeper());
    _ = std::io::stdin().read(&mut [0]);
}

/// A process and all that descend of it.
fn family(first: u32) -> BTreeSet<u32> {
    let mut family = BTreeSet::from([first]);
    loop {
        let before = family.len();
        for process in processes() {
            // `pid (name) state parent`, and the name may be anything.
            let parent = stat(process).and_then(|stat| stat.split(' ').nth(1)?.parse().ok());
            if parent.is_some_and(|parent| family.contains(&parent)) {
                family.insert(process);
            }
        }
        if family.len() == before {
            return family;
        }
    }
}

fn processes() -> Vec<u32> {
    let entries = fs::read_dir("/proc").expect("there is /proc");
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.filter_map(|name| name.parse().ok()).collect()
}

/// What stands behind the name of a process.
fn stat(process: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    Some(stat.rsplit_once(") ")?.1.to_owned())
}

fn runs(process: u32) -> bool {
    // Who has ended may still be in the table.
    stat(process).is_some_and(|stat| !stat.starts_with(['Z', 'X']))
}

/// The addresses at which some processes listen, as the system writes them.
fn listening(processes: &BTreeSet<u32>) -> Vec<String> {
    let open: BTreeSet<PathBuf> = processes.iter().flat_map(|process| open(*process)).collect();
    let mut listening = Vec::new();
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        for line in fs::read_to_string(table).unwrap_or_default().lines().skip(1) {
            let words: Vec<_> = line.split_whitespace().collect();
            let [_, local, _, state, _, _, _, _, _, inode, ..] = words[..] else { continue };
            if state == LISTENS && open.contains(Path::new(&format!("socket:[{inode}]"))) {
                listening.push(local.split(':').next().expect("an address").to_owned());
            }
        }
    }
    listening
}

fn open(process: u32) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(format!("/proc/{process}/fd")) else { return Vec::new() };
    entries.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok()).collect()
}

/// 127.0.0.1, ::1 and 127.0.0.1 as an address of IPv6, on machines that begin with the low byte.
const LOOPBACK: [&str; 3] =
    ["0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F"];
const PATIENCE: Duration = Duration::from_secs(10);
const LISTENS: &str = "0A";
const STARTED: &str = "started";
const ROLE: &str = "TINYRPC_TEST_BROKER_ROLE";
