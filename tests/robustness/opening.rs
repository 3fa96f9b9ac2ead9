//! Handshakes: a peer that never finishes one keeps nobody waiting, and no place when it is needed.

use std::io;

use tinyrpc::{
    Client, Dispatcher, Limits, Server, ServerHandle,
    protocols::JsonRpc,
    transports::{
        Accepted, Connection, Connector, Listener, Opening, PeerAddress, async_trait, memory,
    },
};
use tokio::sync::{mpsc, oneshot};

use crate::{beside, block_on};

/// Accepts whatever a test hands over.
struct Handed(mpsc::UnboundedReceiver<Accepted>);

#[async_trait]
impl Listener for Handed {
    async fn accept(&mut self) -> io::Result<Accepted> {
        self.0.recv().await.ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    fn address(&self) -> String {
        "mem://".into()
    }
}

/// A server with few places, and the way to hand peers over to it.
struct World {
    server: ServerHandle,
    hand: mpsc::UnboundedSender<Accepted>,
}

/// The far end of a handshake.
struct Handshake {
    /// Says how it ended.
    end: oneshot::Sender<io::Result<Connection>>,
    ours: Connection,
    theirs: Connection,
}

impl World {
    fn new(places: usize) -> Self {
        let (hand, handed) = mpsc::unbounded_channel();
        let limits = Limits { max_connections: places, ..Limits::default() };
        let service = Dispatcher::new().method("add", |a: i64, b: i64| a + b);
        Self { server: Server::new(service).limits(limits).listen_on(Handed(handed)), hand }
    }

    fn begin(&self) -> Handshake {
        let (end, ended) = oneshot::channel();
        let opening = Opening::new(PeerAddress::Memory, async move {
            ended.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        });
        self.hand.send(Accepted::Opening(opening)).expect("the server listens");
        let (ours, theirs) = memory::pair();
        Handshake { end, ours, theirs }
    }
}

/// The one connection that a client makes.
struct Made(tokio::sync::Mutex<Option<Connection>>);

#[async_trait]
impl Connector for Made {
    async fn connect(&self) -> io::Result<Connection> {
        self.0.lock().await.take().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    fn address(&self) -> String {
        "mem://".into()
    }
}

async fn client(connection: Connection) -> Client {
    let made = Made(Some(connection).into());
    Client::builder(made, JsonRpc).connect().await.expect("it is connected")
}

impl Handshake {
    async fn succeed(self) -> Client {
        self.end.send(Ok(self.theirs)).expect("the server waits for it");
        client(self.ours).await
    }
}

async fn assert_served(client: &Client) {
    assert_eq!(client.call::<_, i64>("add", (2, 3)).await.expect("a sum"), 5);
}

/// Waits until the server has given a handshake up.
async fn given_up(mut handshake: Handshake) {
    handshake.end.closed().await;
}

#[test]
fn a_handshake_keeps_nobody_waiting() {
    beside(|| {
        block_on(async {
            let world = World::new(8);
            let slow = world.begin();
            assert_served(&world.begin().succeed().await).await;
            assert_eq!(world.server.peers().len(), 1, "one is a peer, the other not yet");
            assert_served(&slow.succeed().await).await;
        });
    });
}

#[test]
fn a_handshake_that_fails_gives_its_place_back() {
    beside(|| {
        block_on(async {
            let world = World::new(1);
            for _ in 0..10 {
                let Handshake { end, .. } = world.begin();
                end.send(Err(io::ErrorKind::InvalidData.into())).expect("the server waits");
            }
            assert_served(&world.begin().succeed().await).await;
        });
    });
}

#[test]
fn the_oldest_handshake_gives_way_when_the_server_is_full() {
    beside(|| {
        block_on(async {
            let world = World::new(2);
            let client = world.begin().succeed().await;
            assert_served(&client).await;
            let first = world.begin();
            let second = world.begin();
            given_up(first).await;
            let second = second.succeed().await;
            assert_served(&second).await;
            assert_served(&client).await;
            // Connections never give way.
            given_up(world.begin()).await;
            assert_served(&client).await;
        });
    });
}

#[test]
fn a_shutdown_waits_for_no_handshake() {
    beside(|| {
        block_on(async {
            let world = World::new(8);
            let handshake = world.begin();
            assert_served(&world.begin().succeed().await).await;
            world.server.shutdown().await;
            given_up(handshake).await;
        });
    });
}
