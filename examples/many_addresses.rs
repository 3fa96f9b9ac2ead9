//! One client and several servers that come and go: `cargo run --example many_addresses`.
#![expect(clippy::print_stdout, reason = "it shows what it does")]

use std::{error::Error, time::Duration};

use tinyrpc::{Backoff, Balance, Client, ClientBuilder, Dispatcher, Server, ServerHandle};

async fn serve(name: &'static str, url: &str) -> Result<ServerHandle, Box<dyn Error>> {
    Ok(Server::new(Dispatcher::new().method("who", move || name)).listen(url).await?)
}

/// Who answers so many calls.
async fn ask(client: &Client, calls: usize) -> Result<String, Box<dyn Error>> {
    let mut names = Vec::new();
    for _ in 0..calls {
        names.push(client.call::<_, String>("who", ()).await?);
    }
    Ok(names.join(" "))
}

async fn connected(client: &Client, count: usize) {
    while client.peers().len() != count {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn show() -> Result<(), Box<dyn Error>> {
    // A server listens on any number of addresses, and each has any protocol.
    let first = serve("first", "tcp://127.0.0.1:0").await?;
    first.listen("msgpack+tcp://127.0.0.1:0").await?;
    let second = serve("second", "tcp://127.0.0.1:0").await?;
    let addresses = [first.addresses(), second.addresses()].concat();
    let urls = [
        format!("jsonrpc+{}", addresses[0]),
        format!("msgpack+{}", addresses[1]),
        format!("msgpack+{}", addresses[2]),
    ];

    // The third address has nobody until the first ones are gone.
    let soon = Backoff {
        shortest: Duration::from_millis(1),
        first: Duration::from_millis(20),
        longest: Duration::from_millis(100),
        ..Backoff::default()
    };
    let client = ClientBuilder::from_urls(&urls)?.reconnect(soon.clone()).connect().await?;
    connected(&client, 3).await;
    println!("one after the other: {}", ask(&client, 6).await?);

    first.shutdown().await;
    println!("without the first: {}", ask(&client, 3).await?);
    for address in client.addresses() {
        println!("  {}: {} connected", address.url, address.connected);
    }

    second.shutdown().await;
    let waiting = client.call::<_, String>("who", ());
    let (answer, back) = tokio::join!(waiting, serve("third", &urls[2]));
    println!("the call waited for: {}", answer?);
    client.close().await;

    // Others stand by for as long as the first is there.
    let first = serve("first", &urls[0]).await?;
    let client = ClientBuilder::from_urls([&urls[0], &urls[2]])?
        .balance(Balance::FirstAlive)
        .reconnect(soon)
        .connect()
        .await?;
    connected(&client, 2).await;
    println!("the first that is alive: {}", ask(&client, 3).await?);
    first.shutdown().await;
    println!("and then: {}", ask(&client, 3).await?);
    client.close().await;
    back?.shutdown().await;
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    tokio::time::timeout(Duration::from_secs(30), show()).await?
}
