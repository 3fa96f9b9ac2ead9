//! Workers that connect to whoever has work, as zerorpc's zeroworker: `cargo run --example worker`.
//!
//! The client listens, and the workers come: three processes, of which one is killed half-way. The
//! work goes on with those that are there.
#![expect(clippy::print_stdout, reason = "it shows what it does")]

use std::{collections::BTreeMap, error::Error, time::Duration};

use futures_util::{StreamExt, stream};
use tinyrpc::{Balance, Client, ClientBuilder, Dispatcher, Server};
use tokio::process::{Child, Command};

/// A worker: its whole program.
async fn work(url: &str, name: String) -> Result<(), Box<dyn Error>> {
    let service = Dispatcher::new().method("square", move |number: u64| {
        let name = name.clone();
        async move {
            tokio::time::sleep(Duration::from_millis(5)).await;
            (name, number * number)
        }
    });
    // It connects as soon as the client is there, and again whenever that was gone.
    Server::new(service).connect(url).await?.stopped().await;
    Ok(())
}

fn start(url: &str, name: &str) -> Result<Child, Box<dyn Error>> {
    let mut worker = Command::new(std::env::current_exe()?);
    Ok(worker.args(["work", url, name]).kill_on_drop(true).spawn()?)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    if let (Some("work"), Some(url), Some(name)) =
        (args.next().as_deref(), args.next(), args.next())
    {
        return work(&url, name).await;
    }
    let client: Client = ClientBuilder::bind("msgpack+tcp://127.0.0.1:0")?
        .balance(Balance::LeastLoaded)
        .connect()
        .await?;
    println!("waiting for workers on {}", client.address());
    let mut workers = BTreeMap::new();
    for name in ["ada", "bob", "eve"] {
        workers.insert(name, start(&client.address(), name)?);
    }

    // Calls would wait for the first of them; all are awaited to share the work evenly.
    while client.peers().len() < workers.len() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    // A square may be computed twice without harm, so that what a dead worker had in hand is given
    // to another one.
    let squares = client.idempotent();
    let mut answers = stream::iter(0..300u64)
        .map(|number| squares.call::<_, (String, u64)>("square", (number,)))
        .buffer_unordered(12);
    let (mut done, mut sum) = (BTreeMap::new(), 0);
    while let Some(answer) = answers.next().await {
        let (name, square) = answer?;
        *done.entry(name).or_insert(0) += 1;
        sum += square;
        if done.values().sum::<u64>() == 150
            && let Some(mut eve) = workers.remove("eve")
        {
            eve.kill().await?;
            println!("eve was killed half-way");
        }
    }
    drop(answers);
    for (name, squares) in &done {
        println!("{name} did {squares}");
    }
    println!("all {} are done, their sum is {sum}", done.values().sum::<u64>());
    client.close().await;
    Ok(())
}
