//! Connections of which nothing comes: nobody waits for them for ever.

use std::{
    future::pending,
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use tinyrpc::{
    Caller, Client, ClientBuilder, Dispatcher, Server,
    protocols::JsonRpc,
    transports::{Connection, Connector, async_trait},
};
use tokio::time::Instant;

use crate::world::{Host, PATIENCE, connected, quick, until};

/// Nobody refuses a connection here, and nobody accepts one.
struct Nowhere(Arc<AtomicUsize>);

#[async_trait]
impl Connector for Nowhere {
    async fn connect(&self) -> io::Result<Connection> {
        self.0.fetch_add(1, SeqCst);
        pending().await
    }

    fn address(&self) -> String {
        "nowhere://".into()
    }
}

#[tokio::test(start_paused = true)]
async fn attempts_end() {
    let tries = Arc::new(AtomicUsize::new(0));
    let nowhere = || Nowhere(tries.clone());
    let begun = Instant::now();
    let error = Client::builder(nowhere(), JsonRpc).connect().await.expect_err("nobody is there");
    assert!(error.to_string().contains("no connection within `handshake` of 10s"), "{error}");
    assert_eq!(begun.elapsed().as_secs(), 10);
    // And again, and again.
    let worker = Server::new(Dispatcher::new()).reconnect(quick()).connect_through(nowhere());
    let client = Client::builder(nowhere(), JsonRpc).reconnect(quick()).connect_lazy().await;
    let client = client.expect("it begins");
    until(|| tries.load(SeqCst) > 20).await;
    assert!((95..120).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    worker.shutdown().await;
    client.close().await;
    let last = tries.load(SeqCst);
    tokio::time::sleep(Duration::from_secs(100)).await;
    assert_eq!(tries.load(SeqCst), last);
}

/// A client that closes while it still says what it says first leaves nobody behind.
#[tokio::test]
async fn what_begins_a_connection_ends_with_the_client() {
    let case = async {
        let client = ClientBuilder::bind("tcp://127.0.0.1:0").expect("a URL");
        let client = client.on_connect(|_: Caller| pending()).connect().await.expect("it listens");
        let worker = Server::new(Host::new("a").service()).reconnect(quick());
        let worker = worker.connect(client.address()).await.expect("it begins");
        until(|| worker.peers().len() == 1).await;
        connected(&client, 0).await;
        client.close().await;
        until(|| worker.peers().is_empty()).await;
        worker.shutdown().await;
    };
    tokio::time::timeout(PATIENCE, case).await.expect("the case did not end");
}
