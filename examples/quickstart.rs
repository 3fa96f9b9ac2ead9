//! One service, two processes, two protocols: `cargo run --example quickstart`.
//!
//! The program starts itself once more as the server and calls it over JSON-RPC and then over
//! MessagePack-RPC. The server does not know which one it is asked in.
#![expect(clippy::print_stdout, reason = "it shows what it does")]

use std::{error::Error, process::Stdio, time::Duration};

use futures_util::future::join_all;
use tinyrpc::{Client, Code, Context, Dispatcher, RpcError, Server};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    sync::Semaphore,
};

static GATE: Semaphore = Semaphore::const_new(0);

fn divide(a: f64, b: f64) -> Result<f64, RpcError> {
    if b == 0.0 {
        return Err(RpcError::new(Code(1), "division by zero").with_data((a, b)));
    }
    Ok(a / b)
}

async fn wait(number: u32) -> u32 {
    // Pending until somebody opens the gate.
    if let Ok(permit) = GATE.acquire().await {
        permit.forget();
    }
    number
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let service = Dispatcher::new()
        .method("add", |a: i64, b: i64| a + b)
        .params(["a", "b"])
        .method("divide", divide)
        .method("wait", wait)
        .method("open", |permits: u32| GATE.add_permits(permits as usize))
        .method("greet", |context: Context, name: String| async move {
            // The server calls back, on the same connection and during the call.
            context.peer().call::<_, String>("decorate", (name,)).await.unwrap_or_default()
        });
    let server = Server::new(service).listen("tcp://127.0.0.1:0").await?;
    eprintln!("{}", server.addresses().join(" "));
    server.stopped().await;
    Ok(())
}

async fn calls(url: &str) -> Result<(), Box<dyn Error>> {
    println!("{url}");
    let client: Client = tinyrpc::ClientBuilder::from_url(url)?
        .serve(Dispatcher::new().method("decorate", |name: String| format!("*** {name} ***")))
        .connect()
        .await?;

    let five: i64 = client.call("add", (2, 3)).await?;
    println!("  add(2, 3) = {five}");
    let named: i64 =
        client.call("add", std::collections::HashMap::from([("a", 40), ("b", 2)])).await?;
    println!("  add(a: 40, b: 2) = {named}");
    match client.call::<_, f64>("divide", (1.0, 0.0)).await {
        Err(error) => println!("  divide(1, 0): {error}"),
        Ok(result) => return Err(format!("divide(1, 0) = {result}").into()),
    }
    let greeting: String = client.call("greet", ("world",)).await?;
    println!("  greet(world) = {greeting}");

    let mut batch = client.batch();
    let (one, two) = (batch.call::<i64>("add", (1, 1))?, batch.call::<f64>("divide", (9, 3))?);
    let mut answers = batch.send().await?;
    println!("  batch: {} and {}", answers.take(one)?, answers.take(two)?);

    let waiting = join_all((0..1000u32).map(|number| client.call::<_, u32>("wait", (number,))));
    let opening = async {
        // All thousand are pending on the server: the gate is opened by a notification.
        client.notify("open", (1000,)).await
    };
    let (numbers, opened) = futures_util::future::join(waiting, opening).await;
    opened?;
    let numbers = numbers.into_iter().collect::<Result<Vec<u32>, _>>()?;
    assert!(numbers.iter().copied().eq(0..1000));
    println!("  1000 calls were pending at once on one connection, and all are answered");
    client.close().await;
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    if std::env::args().nth(1).as_deref() == Some("serve") {
        return serve().await;
    }
    let (mut server, address) = start_server().await?;
    for protocol in ["jsonrpc", "msgpack"] {
        tokio::time::timeout(Duration::from_secs(30), calls(&format!("{protocol}+{address}")))
            .await??;
    }
    server.kill().await?;
    Ok(())
}

async fn start_server() -> Result<(Child, String), Box<dyn Error>> {
    let mut server = Command::new(std::env::current_exe()?)
        .arg("serve")
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let stderr = server.stderr.take().ok_or("no stderr")?;
    let address = BufReader::new(stderr).lines().next_line().await?.ok_or("the server is gone")?;
    Ok((server, address))
}
