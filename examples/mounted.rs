//! A service inside of an axum application: `cargo run --example mounted --features ws`.
//!
//! The application keeps its own routes; `/rpc` is ours, for posts and WebSockets of every protocol.
#![expect(clippy::print_stdout, reason = "it shows what it does")]

use axum::{Router, routing::get};
use tinyrpc::{Dispatcher, Server, connect};
use tokio::net::{TcpListener, TcpStream};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let calc = Dispatcher::new().method("add", |a: i64, b: i64| a + b);
    let server = Server::new(calc).start();

    let application = Router::new()
        .route("/", get(|| async { "a page of the application" }))
        .route_service("/rpc", server.http_service());
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(axum::serve(listener, application).into_future());

    for way in ["jsonrpc+http", "msgpack+http", "jsonrpc+ws", "msgpack+ws"] {
        let url = format!("{way}://{address}/rpc");
        let client = connect(&url).await?;
        println!("{url}: 2 + 3 = {}", client.call::<_, i64>("add", (2, 3)).await?);
    }
    println!("http://{address}/: {}", page(&address.to_string()).await?);
    server.shutdown().await;
    Ok(())
}

/// What the application says by itself.
async fn page(address: &str) -> std::io::Result<String> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n").await?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await?;
    Ok(text.lines().last().unwrap_or_default().to_owned())
}
