//! Three workers share a queue of RabbitMQ, and one of them is killed half-way:
//! `cargo run --all-features --example amqp_workers -- amqp://guest:guest@127.0.0.1:5672`.
//!
//! The broker hands each call to a worker that has time for it, and what the killed one had begun
//! to another: all calls are answered. Such calls are executed twice, so their method must be one
//! that bears it.
#![expect(clippy::print_stdout, reason = "it shows what it does")]

use std::{
    collections::BTreeMap,
    env, io,
    process::{Stdio, id},
    time::Duration,
};

use tinyrpc::{Caller, Dispatcher, Server, connect};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::{Child, Command},
    task::JoinSet,
};

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

const CALLS: u64 = 300;

/// A process that takes calls from the queue until it is killed or its input ends.
async fn work(url: &str, name: String) -> Outcome<()> {
    let square = move |n: u64| {
        let name = name.clone();
        async move {
            tokio::time::sleep(Duration::from_millis(10)).await;
            (name, n * n)
        }
    };
    let server = Server::new(Dispatcher::new().method("square", square)).listen(url).await?;
    println!("ready");
    tokio::io::stdin().read_to_end(&mut Vec::new()).await?;
    server.shutdown().await;
    Ok(())
}

/// Starts such a process and waits until it takes calls.
async fn start(url: &str, name: &str) -> io::Result<Child> {
    let mut worker = Command::new(env::current_exe()?)
        .args(["worker", url, name])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let stdout = worker.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
    match BufReader::new(stdout).lines().next_line().await? {
        Some(_) => Ok(worker),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

async fn call(client: Caller, n: u64) -> Outcome<String> {
    let (worker, square): (String, u64) = client.call("square", (n,)).await?;
    if square != n * n {
        return Err(format!("{square} is not the square of {n}").into());
    }
    Ok(worker)
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    if let [role, url, name] = &arguments[..]
        && role == "worker"
    {
        return work(url, name.clone()).await;
    }
    let broker = arguments.first().ok_or("the URL of a broker, please")?;
    let url = format!("{broker}?queue=squares-{}&prefetch=8", id());

    let mut workers = Vec::new();
    for name in ["ada", "bob", "eve"] {
        workers.push(start(&url, name).await?);
    }
    let client = connect(&url).await?;
    let mut calls = JoinSet::new();
    for n in 0..CALLS {
        calls.spawn(call(Caller::clone(&client), n));
    }
    let (mut answers, mut shares) = (0, BTreeMap::<String, u64>::new());
    while let Some(worker) = calls.join_next().await {
        *shares.entry(worker??).or_default() += 1;
        answers += 1;
        if answers == CALLS / 2 {
            workers[1].kill().await?;
            println!("bob is killed after {answers} answers");
        }
    }
    println!("{answers} of {CALLS} calls are answered: {shares:?}");
    Ok(())
}
