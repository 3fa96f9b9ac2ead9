//! Who binds and who connects is nobody's matter but theirs: either side, any number, mixed, and
//! changed at run time.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use tinyrpc::{
    Client, Dispatcher, Limits, Outcome, Server, ServerHandle,
    protocols::JsonRpc,
    transports::zmq::{Endpoint, Tuning, ZmqConnector, ZmqEndpoints, ZmqListener},
};
use tokio::time::timeout;

use crate::{PATIENCE, folder::Folder, until};

/// A service that says which one it is, and counts.
struct Worker {
    server: ServerHandle,
    endpoints: ZmqEndpoints,
    served: Arc<AtomicU64>,
}

impl Worker {
    fn new(name: &'static str) -> Self {
        Self::on(ZmqListener::new(&Limits::default()), name)
    }

    fn on(listener: ZmqListener, name: &'static str) -> Self {
        let served: Arc<AtomicU64> = Arc::default();
        let count = Arc::clone(&served);
        let service = Dispatcher::new()
            .method("who", move || {
                count.fetch_add(1, SeqCst);
                name
            })
            .method("add", |a: i64, b: i64| a + b)
            .method("size", |text: String| text.len())
            .method("hang", async || std::future::pending::<()>().await);
        let endpoints = listener.endpoints();
        Self { server: Server::new(service).listen_on(listener), endpoints, served }
    }

    async fn bind(&self, endpoint: &Endpoint) -> Endpoint {
        self.endpoints.bind(endpoint).await.expect("it is free")
    }

    async fn connect(&self, endpoint: &Endpoint) {
        self.endpoints.connect(endpoint).await.expect("it is an endpoint");
    }

    fn served(&self) -> u64 {
        self.served.load(SeqCst)
    }
}

fn limits() -> Arc<Limits> {
    Arc::new(Limits::default())
}

fn tcp() -> Endpoint {
    Endpoint::Tcp("127.0.0.1:0".into())
}

async fn client(connector: &ZmqConnector) -> Client {
    Client::builder(connector.clone(), JsonRpc).connect().await.expect("it begins")
}

async fn bound_client() -> (Client, Endpoint) {
    let connector = ZmqConnector::bound(tcp(), limits());
    let client = client(&connector).await;
    (client, connector.bound_endpoints().remove(0))
}

async fn who(client: &Client) -> String {
    client.call("who", ()).await.expect("an answer")
}

/// The same where servers come and go, and one that goes may have the call.
async fn maybe_who(client: &Client) -> Option<String> {
    client.with_timeout(Duration::from_millis(200)).call("who", ()).await.ok()
}

/// A hundred calls at once, and a large one.
async fn check(client: &Client) {
    let calls = (0..100).map(|n| client.call::<_, i64>("add", (n, 1)));
    for (n, answer) in (0..).zip(futures_util::future::join_all(calls).await) {
        assert_eq!(answer.expect("an answer"), n + 1);
    }
    let size = client.call::<_, usize>("size", ("x".repeat(300_000),)).await;
    assert_eq!(size.expect("an answer"), 300_000);
    client.notify("who", ()).await.expect("it is sent");
    let error = client.call::<_, i64>("nosuch", ()).await.expect_err("there is none");
    assert!(error.as_rpc().is_some(), "{error}");
}

/// True where a call is not taken by anybody.
async fn is_vacant(client: &Client) -> bool {
    let short = client.with_timeout(Duration::from_millis(50));
    let ended = short.call::<_, String>("who", ()).await;
    ended.is_err_and(|error| error.is_timeout() && error.outcome() == Outcome::NotExecuted)
}

/// Every kind of endpoint, and whoever binds it.
#[tokio::test]
async fn either_side_binds() {
    let folder = Folder::new();
    for endpoint in [
        tcp(),
        Endpoint::Ipc(folder.fresh("a").display().to_string()),
        Endpoint::Inproc("sides.a".into()),
    ] {
        let worker = Worker::new("a");
        let at = worker.bind(&endpoint).await;
        check(&client(&ZmqConnector::new(at, limits())).await).await;
        worker.server.shutdown().await;
    }
    for endpoint in [
        tcp(),
        Endpoint::Ipc(folder.fresh("b").display().to_string()),
        Endpoint::Inproc("sides.b".into()),
    ] {
        let connector = ZmqConnector::bound(endpoint, limits());
        let client = client(&connector).await;
        let worker = Worker::new("b");
        worker.connect(&connector.bound_endpoints()[0]).await;
        timeout(PATIENCE, check(&client)).await.expect("a worker that connects serves");
    }
}

/// A client that binds twice and connects twice; two workers that connect and two that are bound.
#[tokio::test]
async fn both_at_once() {
    let [a, b, c, d] = ["a", "b", "c", "d"].map(Worker::new);
    let (at_c, at_d) = (c.bind(&tcp()).await, d.bind(&tcp()).await);
    let connector = ZmqConnector::bound(tcp(), limits())
        .and_bind(tcp())
        .and_connect(at_c.clone())
        .and_connect(at_d);
    let client = client(&connector).await;
    let [first, second] = connector.bound_endpoints().try_into().expect("it is bound twice");
    a.connect(&first).await;
    b.connect(&second).await;
    // All of them have their share, and so has one that has two endpoints.
    c.connect(&first).await;
    let all = [&a, &b, &c, &d];
    until(async || {
        who(&client).await;
        all.iter().all(|worker| worker.served() > 0)
    })
    .await;
    check(&client).await;
    c.server.shutdown().await;
    until(async || {
        let before = [a.served(), b.served(), d.served()];
        for _ in 0..8 {
            assert_ne!(maybe_who(&client).await.as_deref(), Some("c"));
        }
        [a.served(), b.served(), d.served()].iter().zip(before).all(|(now, then)| *now > then)
    })
    .await;
    // It comes back, where it was.
    let c = Worker::new("c again");
    c.bind(&at_c).await;
    until(async || maybe_who(&client).await.is_some_and(|name| name == "c again")).await;
}

/// Calls wait for workers, and end as not executed where none comes.
#[tokio::test]
async fn nobody_is_there() {
    let (client, at) = bound_client().await;
    let short = client.with_timeout(Duration::from_millis(100));
    let error = short.call::<_, String>("who", ()).await.expect_err("nobody is there");
    assert!(error.is_timeout() && error.outcome() == Outcome::NotExecuted, "{error}");
    let early = tokio::spawn({
        let caller = client.with_timeout(PATIENCE);
        async move { caller.call::<_, String>("who", ()).await }
    });
    let worker = Worker::new("a");
    worker.connect(&at).await;
    assert_eq!(early.await.expect("no panic").expect("an answer"), "a");
    assert_eq!(worker.served(), 1, "what was given up was never sent");
    // A client without any server ends at once.
    worker.server.shutdown().await;
    until(async || is_vacant(&client).await).await;
    let hanging = client.call::<_, String>("who", ());
    assert!(timeout(Duration::from_millis(50), hanging).await.is_err());
    timeout(PATIENCE, client.close()).await.expect("it closes");
}

/// The last worker has a call and goes: its caller is told at once.
#[tokio::test]
async fn a_worker_is_lost() {
    for binds in [true, false] {
        let worker = Worker::new("a");
        let (client, at) = if binds {
            let (client, at) = bound_client().await;
            worker.connect(&at).await;
            (client, at)
        } else {
            let at = worker.bind(&tcp()).await;
            // One endpoint alone is a connection: two of them are two ways to one server.
            let connector = ZmqConnector::new(at.clone(), limits()).and_connect(at.clone());
            (client(&connector).await, at)
        };
        who(&client).await;
        let hanging = tokio::spawn({
            let caller = client.with_timeout(3 * PATIENCE);
            async move { caller.call::<_, ()>("hang", ()).await }
        });
        // It is there when what was called behind it is.
        who(&client).await;
        who(&client).await;
        worker.server.close();
        let lost = timeout(PATIENCE, hanging).await.expect("at once").expect("no panic");
        assert_eq!(lost.expect_err("nobody answers").outcome(), Outcome::Unknown);
        let next = Worker::new("b");
        match binds {
            true => next.connect(&at).await,
            false => until(async || next.endpoints.bind(&at).await.is_ok()).await,
        }
        until(async || maybe_who(&client).await.is_some_and(|name| name == "b")).await;
    }
}

/// A worker finds its client again.
#[tokio::test]
async fn a_client_comes_back() {
    let connector = ZmqConnector::bound(tcp(), limits());
    let worker = Worker::new("a");
    let mut at = None;
    for _ in 0..3 {
        let client = client(&connector).await;
        let here = connector.bound_endpoints().remove(0);
        if at.is_none() {
            worker.connect(&here).await;
        }
        assert_eq!(*at.get_or_insert_with(|| here.clone()), here, "the port is kept");
        assert_eq!(timeout(PATIENCE, who(&client)).await.expect("it is served"), "a");
        client.close().await;
    }
    assert_eq!(worker.served(), 3);
}

/// Endpoints come and go while the server serves.
#[tokio::test]
async fn endpoints_change_at_run_time() {
    let worker = Worker::new("a");
    let (first, second) = (worker.bind(&tcp()).await, worker.bind(&tcp()).await);
    let [one, two] = [&first, &second].map(|at| ZmqConnector::new(at.clone(), limits()));
    let (one, two) = (client(&one).await, client(&two).await);
    who(&one).await;
    assert!(worker.endpoints.unbind(&first));
    assert!(!worker.endpoints.unbind(&first), "it is gone");
    assert!(!worker.endpoints.disconnect(&second), "it was bound");
    // Those who are there are served, and nobody else is.
    assert_eq!((who(&one).await, who(&two).await), ("a".into(), "a".into()));
    let late = ZmqConnector::new(first.clone(), limits());
    let refused = Client::builder(late, JsonRpc).timeout(PATIENCE).connect().await;
    if let Ok(refused) = refused {
        refused.call::<_, String>("who", ()).await.expect_err("nobody serves it");
    }
    one.close().await;
    until(async || worker.endpoints.bind(&first).await.is_ok()).await;
    assert_eq!(who(&client(&ZmqConnector::new(first, limits())).await).await, "a");

    let (served, at) = bound_client().await;
    worker.connect(&at).await;
    who(&served).await;
    assert!(worker.endpoints.disconnect(&at));
    until(async || is_vacant(&served).await).await;
    worker.connect(&at).await;
    assert_eq!(timeout(PATIENCE, who(&served)).await.expect("it is served again"), "a");
}

/// Names lead to where they lead now.
#[tokio::test]
async fn names_are_resolved() {
    let [a, b] = ["a", "b"].map(Worker::new);
    let both = [a.bind(&tcp()).await, b.bind(&tcp()).await];
    let resolver = move |endpoint: &Endpoint| match endpoint {
        Endpoint::Tcp(name) if name == "calc" => Ok(both.to_vec()),
        Endpoint::Tcp(name) if name == "nowhere" => Err(io::Error::other("no such service")),
        other => Ok(vec![other.clone()]),
    };
    let name = |name: &str| Endpoint::Tcp(name.into());
    let connector = ZmqConnector::new(name("calc"), limits()).resolver(resolver.clone());
    assert_eq!(who(&client(&connector).await).await, "a", "the first one that is there");
    a.server.shutdown().await;
    until(async || {
        let client = Client::builder(connector.clone(), JsonRpc).connect().await;
        let Ok(client) = client else { return false };
        maybe_who(&client).await.is_some_and(|name| name == "b")
    })
    .await;
    let connector = ZmqConnector::new(name("nowhere"), limits()).resolver(resolver.clone());
    let error = Client::builder(connector, JsonRpc).connect().await.expect_err("it is nowhere");
    assert!(error.to_string().contains("no such service"), "{error}");
    // A worker, too.
    let (client, at) = bound_client().await;
    let listener =
        ZmqListener::new(&Limits::default()).resolver(move |_: &Endpoint| Ok(vec![at.clone()]));
    let c = Worker::on(listener, "c");
    c.connect(&name("clients")).await;
    assert_eq!(timeout(PATIENCE, who(&client)).await.expect("it is served"), "c");
}

/// Sockets that hold one message: everybody waits, and nothing is lost.
#[tokio::test]
async fn narrow_sockets() {
    let mut tuning = Tuning::default();
    (tuning.hwm, tuning.linger) = (1, Duration::ZERO);
    let worker = Worker::on(ZmqListener::new(&Limits::default()).tuned(tuning.clone()), "a");
    let at = worker.bind(&tcp()).await;
    let one = ZmqConnector::new(at.clone(), limits()).tuned(tuning.clone());
    let several = one.clone().and_connect(at.clone());
    for connector in [one.clone(), several, one.enveloped()] {
        let client = client(&connector).await;
        let calls = (0..500).map(|n| client.call::<_, i64>("add", (n, n)));
        let calls = timeout(PATIENCE, futures_util::future::join_all(calls)).await;
        for (n, answer) in (0..).zip(calls.expect("nobody waits for ever")) {
            assert_eq!(answer.expect("an answer"), 2 * n);
        }
    }
}
