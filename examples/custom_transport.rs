//! A transport of your own in two `async fn`s: `cargo run --example custom_transport`.
//!
//! Here messages are dropped as files into a folder in memory; yours may be a queue, a serial
//! line or a pigeon.
#![expect(clippy::print_stdout, reason = "it shows what it does")]

use tinyrpc::{
    Client, Dispatcher, Server,
    protocols::JsonRpc,
    transports::{Bytes, Connection, PeerAddress, async_trait, custom, memory},
};
use tokio::sync::mpsc;

struct Outbox(mpsc::Sender<Bytes>);
struct Inbox(mpsc::Receiver<Bytes>);

#[async_trait]
impl custom::Sender for Outbox {
    async fn send(&mut self, message: Bytes) -> std::io::Result<()> {
        self.0.send(message).await.map_err(|_| std::io::ErrorKind::BrokenPipe.into())
    }
}

#[async_trait]
impl custom::Receiver for Inbox {
    async fn recv(&mut self) -> std::io::Result<Option<Bytes>> {
        Ok(self.0.recv().await)
    }
}

/// The two ends of one connection.
fn dial() -> (Connection, Connection) {
    let (there, arriving) = mpsc::channel(16);
    let (back, returning) = mpsc::channel(16);
    (
        custom::connection(Outbox(there), Inbox(returning), PeerAddress::Memory),
        custom::connection(Outbox(back), Inbox(arriving), PeerAddress::Memory),
    )
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (listener, connector) = memory::network_of(dial);
    let calc = Dispatcher::new().method("add", |a: i64, b: i64| a + b);
    let server = Server::new(calc).listen_on(listener);
    let client = Client::builder(connector, JsonRpc).connect().await?;
    let five: i64 = client.call("add", (2, 3)).await?;
    println!("add(2, 3) = {five}");
    assert_eq!(five, 5);
    server.shutdown().await;
    Ok(())
}
