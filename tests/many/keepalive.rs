//! Peers that are gone without a word, or hang; and those that are only busy.

use std::{
    net::TcpListener,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use futures_util::FutureExt;
use tinyrpc::{Client, ClientBuilder, Dispatcher, Limits, Outcome, Server};

use crate::world::{Host, World, connected, dress, quick, until};

/// How often a silent peer is asked in these tests; more than ten pings a second are no honest peer.
const BEAT: Duration = Duration::from_millis(150);

/// Both ends of each connection over TCP have a keepalive timer, which rings within the time of
/// the limits.
#[cfg(target_os = "linux")]
pub(crate) async fn timers(world: World) {
    let (_server, url) = world.serve(&Host::new("a")).await;
    let limits = Limits { heartbeat: Duration::from_secs(7), ..Limits::default() };
    let client = world.client([&*url]).limits(limits).connect().await.expect("it connects");
    client.call::<_, String>("who", ()).await.expect("an answer");
    let (_, port) = url.rsplit_once(':').expect("a port");
    let port = format!(":{:04X}", port.parse::<u16>().expect("a number"));
    let mut longest = loop {
        let ends = ends(&port);
        // The system has another timer as long as something is on its way.
        if ends.iter().all(|(_, kind, _)| kind == "02") {
            break ends;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    };
    longest.sort();
    let [(false, _, client), (true, _, server)] = longest[..] else { panic!("{longest:?}") };
    // The server's has the default.
    assert!(client <= 7 && (8..=15).contains(&server), "{client} s and {server} s");
}

/// The two ends of the established connections to a port, the server's being true: which timer the
/// system has for them, and in how many seconds it rings.
#[cfg(target_os = "linux")]
fn ends(port: &str) -> Vec<(bool, String, u64)> {
    let table = std::fs::read_to_string("/proc/net/tcp").expect("the system's connections");
    let lines = table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    let ends = lines.filter_map(|fields| {
        let [_, local, remote, state, _, timer, ..] = fields[..] else { panic!("{fields:?}") };
        let is_one = local.ends_with(port) || remote.ends_with(port);
        (is_one && state == "01").then(|| {
            let (kind, ticks) = timer.split_once(':').expect("a timer");
            let ticks = u64::from_str_radix(ticks, 16).expect("a number");
            (local.ends_with(port), kind.to_owned(), ticks.div_ceil(100))
        })
    });
    ends.collect()
}

/// A peer whose network is gone: its calls end on both sides, and once it is back it is called
/// again.
///
/// It is run by itself where no packet of others goes, which is possible on Linux as far as it is
/// allowed.
#[test]
fn gone_without_a_word() {
    const ALONE: &str = "TINYRPC_TEST_ALONE";
    const SELF: &str = "keepalive::gone_without_a_word";
    if std::env::var_os(ALONE).is_some() {
        return alone();
    }
    let possible = Command::new("unshare").args(["-rn", "ip", "link", "set", "lo", "up"]).output();
    if !possible.is_ok_and(|output| output.status.success()) {
        return eprintln!("left out: there is no `unshare -rn ip`");
    }
    let own = std::env::current_exe().expect("it has a path");
    let mut child = Command::new("unshare");
    child.arg("-rn").arg(own).args(["--exact", SELF, "--nocapture"]).env(ALONE, "yes");
    let output = child.output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    eprintln!("{said}");
    assert!(output.status.success() && said.contains("1 passed"));
}

#[tokio::main(flavor = "current_thread")]
async fn alone() {
    let network = |state: &str| {
        let done = Command::new("ip").args(["link", "set", "lo", state]).status();
        assert!(done.expect("it runs").success(), "{state}");
    };
    network("up");
    let second = Duration::from_secs(1);
    let limits = Limits { heartbeat: second, unacknowledged: 2 * second, ..Limits::default() };
    let dropped = Arc::new(AtomicBool::new(false));
    let gone = dropped.clone();
    let hold = move || {
        let guard = OnDrop(gone.clone());
        async move {
            let _guard = guard;
            std::future::pending::<()>().await;
        }
    };
    let service = Dispatcher::new().method("hold", hold).method("who", || "a");
    let server = Server::new(service).limits(limits.clone());
    let server = server.listen("tcp://127.0.0.1:0").await.expect("it listens");
    let url = &server.addresses()[0];
    let connect = || ClientBuilder::from_url(url).expect("a URL").limits(limits.clone());
    // One waits in silence; of the other, bytes are on their way when the network is gone.
    let silent = connect().reconnect(quick()).connect().await.expect("it connects");
    let busy = connect().connect().await.expect("it connects");
    let held = silent.call::<_, ()>("hold", ()).timeout(Duration::ZERO).send().await;
    let held = held.expect("it is sent");
    busy.call::<_, String>("who", ()).await.expect("an answer");
    let is_known = |peer: &Arc<tinyrpc::Scope>| peer.caller.format().is_some();
    until(|| server.peers().iter().filter(|peer| is_known(peer)).count() == 2).await;
    network("down");
    let begun = Instant::now();
    let lost = busy.call::<_, String>("who", ()).timeout(Duration::ZERO);
    let (held, lost) = tokio::join!(held, lost);
    for error in [held.expect_err("it is lost"), lost.expect_err("it is lost")] {
        assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
    }
    until(|| dropped.load(SeqCst) && server.peers().is_empty()).await;
    let took = begun.elapsed();
    eprintln!("everybody knew after {took:?}");
    assert!(took < 10 * second, "{took:?}");
    network("up");
    assert_eq!(silent.call::<_, String>("who", ()).await.expect("an answer"), "a");
}

struct OnDrop(Arc<AtomicBool>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

/// A method that blocks its thread for many heartbeats, on either side, loses no connection.
pub(crate) async fn busy(world: World) {
    let limits = Limits { heartbeat: BEAT, ..Limits::default() };
    let block = || std::thread::sleep(10 * BEAT);
    let service = || Dispatcher::new().method("block", block).blocking().method("who", || "a");
    let server = world.dressed(Server::new(service()).limits(limits.clone()));
    let server = server.listen(world.fresh()).await.expect("it listens");
    let url = world.url(&server.addresses()[0]);
    let client = dress(ClientBuilder::from_url(&url).expect("a URL")).serve(service());
    // A method that nobody has is asked for, which shows as much as another one.
    let client = client.limits(limits).heartbeat("no such method", BEAT);
    let client = client.connect().await.expect("it connects");
    client.call::<_, ()>("block", ()).await.expect("an answer");
    let back = server.peers().pop().expect("a peer");
    let both =
        tokio::join!(client.call::<_, ()>("block", ()), back.caller.call::<_, ()>("block", ()));
    both.0.expect("an answer");
    both.1.expect("an answer");
    assert!(client.closed().now_or_never().is_none());
    assert_eq!(client.call::<_, String>("who", ()).await.expect("an answer"), "a");
}

/// A server that hangs, as its system accepts connections and nobody else does.
#[tokio::test]
async fn hung() {
    let hangs = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("tcp://{}", hangs.local_addr().expect("an address"));
    let alone: Client = ClientBuilder::from_url(&url)
        .expect("a URL")
        .heartbeat("ping", BEAT)
        .connect()
        .await
        .expect("it connects");
    let error = alone.call::<_, String>("who", ()).await.expect_err("it hangs");
    assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
    assert!(error.to_string().contains("answered neither of two heartbeats"), "{error}");
    alone.closed().await;

    let server = Server::new(Host::new("a").service()).listen("tcp://127.0.0.1:0").await;
    let server = server.expect("it listens");
    let urls = [&url, &server.addresses()[0]];
    let client = ClientBuilder::from_urls(urls).expect("URLs").reconnect(quick());
    let client = client.balance(tinyrpc::Balance::FirstAlive).heartbeat("ping", BEAT);
    let client = client.connect().await.expect("it connects");
    connected(&client, 2).await;
    let (plain, repeated) = tokio::join!(
        client.call::<_, String>("who", ()),
        client.call::<_, String>("who", ()).idempotent()
    );
    assert_eq!(plain.expect_err("it hangs").outcome(), Outcome::Unknown);
    assert_eq!(repeated.expect("an answer"), "a");
}
