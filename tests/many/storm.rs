//! A server that is gone and comes back is not run down by its clients.

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use tinyrpc::{
    Backoff, Client, Dispatcher, Server, ServerHandle,
    protocols::JsonRpc,
    transports::{
        Connection, Connector, async_trait,
        memory::{MemoryConnector, network},
    },
};
use tokio::time::Instant;

use crate::world::connected;

const CLIENTS: usize = 1000;

/// A server that may be down, and when it was connected to.
struct Gate {
    down: AtomicBool,
    at: Mutex<Option<MemoryConnector>>,
    connects: Mutex<Vec<Instant>>,
}

#[derive(Clone)]
struct Through(Arc<Gate>);

#[async_trait]
impl Connector for Through {
    async fn connect(&self) -> io::Result<Connection> {
        let at = self.0.at.lock().expect("no panic").clone();
        match at {
            Some(at) if !self.0.down.load(SeqCst) => {
                self.0.connects.lock().expect("no panic").push(Instant::now());
                at.connect().await
            }
            _ => Err(io::ErrorKind::ConnectionRefused.into()),
        }
    }

    fn address(&self) -> String {
        "mem://".into()
    }
}

impl Gate {
    fn open(&self) -> ServerHandle {
        let (listener, connector) = network();
        *self.at.lock().expect("no panic") = Some(connector);
        self.down.store(false, SeqCst);
        Server::new(Dispatcher::new().method("who", || "a"))
            .limits(tinyrpc::Limits { max_connections: 2 * CLIENTS, ..Default::default() })
            .listen_on(listener)
    }

    /// The most connects within any 100 ms.
    fn peak(&self) -> usize {
        let mut connects = std::mem::take(&mut *self.connects.lock().expect("no panic"));
        connects.sort();
        let window = Duration::from_millis(100);
        let until = |first: &Instant| connects.partition_point(|at| *at < *first + window);
        let counts = connects.iter().enumerate().map(|(at, first)| until(first) - at);
        counts.max().unwrap_or(0)
    }
}

/// Restarts of any length are survived by all, and no 100 ms have more than a tenth of them.
#[tokio::test(start_paused = true)]
async fn clients_come_back_one_by_one() {
    let gate = Arc::new(Gate {
        down: AtomicBool::new(true),
        at: Mutex::default(),
        connects: Mutex::default(),
    });
    let mut server = gate.open();
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let client = Client::builder(Through(gate.clone()), JsonRpc).reconnect(Backoff::default());
        clients.push(client.connect().await.expect("it connects"));
    }
    gate.peak();
    for down in [0, 50, 500, 2_000, 5_000, 20_000] {
        // They have been healthy.
        tokio::time::sleep(Duration::from_secs(11)).await;
        gate.down.store(true, SeqCst);
        server.close();
        server.stopped().await;
        tokio::time::sleep(Duration::from_millis(down)).await;
        server = gate.open();
        let back = Instant::now();
        for client in &clients {
            connected(client, 1).await;
            client.call::<_, String>("who", ()).await.expect("an answer");
        }
        let (took, peak) = (back.elapsed(), gate.peak());
        eprintln!("down for {down} ms: all are back after {took:?}, at most {peak} in 100 ms");
        assert!(took <= Duration::from_millis(5_100), "{took:?}");
        assert!(peak <= CLIENTS / 10, "{peak} of {CLIENTS}");
    }
}
