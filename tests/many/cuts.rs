//! Connections that are cut at random: every call ends once, and as what it is.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use tinyrpc::Outcome;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{TcpListener, TcpStream},
};

use crate::world::{Host, World, dress, quick};

/// Calls of each client.
const CALLS: u64 = 3000;
/// Those in flight at a time.
const AT_ONCE: u64 = 8;

pub(crate) async fn every_call_ends_once(world: World) {
    let hosts = ["a", "b"].map(Host::new);
    let (mut urls, cuts) = (Vec::new(), Arc::new(AtomicU64::new(0)));
    let mut servers = Vec::new();
    for host in &hosts {
        let (server, url) = world.serve(host).await;
        servers.push(server);
        // A Unix socket is not cut on its way, but by its server.
        urls.push(match url.rsplit_once("127.0.0.1:") {
            Some((head, port)) => {
                let port = port.parse().expect("a port");
                let proxy = proxy(([127, 0, 0, 1], port).into(), cuts.clone()).await;
                format!("{head}127.0.0.1:{}", proxy.port())
            }
            None => url,
        });
    }
    let builder = dress(tinyrpc::ClientBuilder::from_urls(&urls).expect("URLs"));
    let client = builder.reconnect(quick()).connect_lazy().await.expect("it begins");
    let next = Arc::new(AtomicU64::new(0));
    let callers: Vec<_> = (0..AT_ONCE)
        .map(|_| {
            let (client, next) = (client.clone(), next.clone());
            tokio::spawn(async move {
                let mut ended = Vec::new();
                loop {
                    let number = next.fetch_add(1, SeqCst);
                    if number >= CALLS {
                        return ended;
                    }
                    let call = client.call::<_, u64>("do", (number,));
                    let call = call.timeout(Duration::from_secs(20));
                    let answer = if number % 2 == 0 { call.idempotent() } else { call }.await;
                    ended.push((
                        number,
                        match answer {
                            Ok(answer) => {
                                assert_eq!(answer, number, "the answer of another call");
                                Outcome::Answered
                            }
                            Err(error) => {
                                assert!(!error.is_timeout(), "{number}: {error}");
                                error.outcome()
                            }
                        },
                    ));
                }
            })
        })
        .collect();
    if urls.iter().all(|url| !url.contains("127.0.0.1")) {
        // Each connection of a server is closed again and again.
        for _ in 0..10 {
            tokio::time::sleep(Duration::from_millis(2)).await;
            for (at, server) in servers.iter_mut().enumerate() {
                server.close();
                *server = world.serve_again(&hosts[at], &urls[at]).await;
                cuts.fetch_add(1, SeqCst);
            }
        }
    }
    let mut ended = Vec::new();
    for caller in callers {
        ended.extend(caller.await.expect("no panic"));
    }
    let mut counts = [0, 0, 0];
    for (number, outcome) in &ended {
        let times = |host: &Host| host.executed.lock().expect("no panic").get(number).copied();
        let executed: u32 = hosts.iter().filter_map(times).sum();
        let idempotent = number % 2 == 0;
        let fits = match outcome {
            Outcome::Answered => executed == 1 || (idempotent && executed > 0),
            Outcome::NotExecuted => executed == 0,
            Outcome::Unknown => executed <= 1 || idempotent,
        };
        assert!(fits, "{number} ended as {outcome:?} and was executed {executed} times");
        counts[*outcome as usize] += 1;
    }
    let [answered, not_executed, unknown] = counts;
    let cuts = cuts.load(SeqCst);
    eprintln!("{answered} answered, {not_executed} not executed, {unknown} unknown; {cuts} cuts");
    assert_eq!(ended.len() as u64, CALLS);
    assert!(cuts > 5 && answered > CALLS as usize / 2, "{cuts} cuts, {answered} answered");
}

/// Passes connections on, and cuts each after a random number of bytes.
async fn proxy(server: SocketAddr, cuts: Arc<AtomicU64>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let cuts = cuts.clone();
            tokio::spawn(async move {
                let Ok(server) = TcpStream::connect(server).await else { return };
                let (from_client, mut to_client) = client.into_split();
                let (from_server, mut to_server) = server.into_split();
                let (asked, answered) = (fastrand::u64(300..5_000), fastrand::u64(300..5_000));
                let (mut from_client, mut from_server) =
                    (from_client.take(asked), from_server.take(answered));
                // Whichever is over first ends both.
                tokio::select! {
                    _ = copy(&mut from_client, &mut to_server) => {}
                    _ = copy(&mut from_server, &mut to_client) => {}
                }
                cuts.fetch_add(1, SeqCst);
                _ = to_client.shutdown().await;
            });
        }
    });
    address
}
