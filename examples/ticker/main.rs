//! A subscription in a browser page: `cargo run --example ticker --features ws`.
//!
//! It serves a page, and ticks for whoever subscribes, on one port. Without arguments a client of
//! ours takes three ticks in place of a browser, and that is all; with an address such as
//! `127.0.0.1:4000` it goes on until it is interrupted: open `http://127.0.0.1:4000` then.
#![expect(clippy::print_stdout, reason = "it shows what it does")]

use std::time::Duration;

use axum::{Router, response::Html, routing::get};
use futures_util::{Stream, stream};
use tinyrpc::{Dispatcher, Server, Slow, connect};
use tokio::{net::TcpListener, time};

/// The numbers from 0 up, one every so many milliseconds.
fn ticks(every: u64) -> impl Stream<Item = u64> {
    let clock = time::interval(Duration::from_millis(every.max(1)));
    stream::unfold((clock, 0), |(mut clock, tick)| async move {
        clock.tick().await;
        Some((tick, (clock, tick + 1)))
    })
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let ticker = Dispatcher::new()
        .subscription("subscribe_ticks", "tick", "unsubscribe_ticks", ticks)
        .params(["every"])
        // A page in a tab that sleeps wants the newest ticks when it wakes, and not all of them.
        .slow(Slow::DropOldest, 16);
    let server = Server::new(ticker).start();
    let application = Router::new()
        .route("/", get(|| async { Html(include_str!("page.html")) }))
        .route_service("/rpc", server.http_service());

    let address = std::env::args().nth(1);
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:0")).await?;
    let port = listener.local_addr()?;
    println!("open http://{port}");
    let serving = tokio::spawn(axum::serve(listener, application).into_future());
    if address.is_some() {
        return Ok(serving.await??);
    }

    let client = connect(format!("jsonrpc+ws://{port}/rpc")).await?;
    let mut ticks = client.subscribe::<u64>("subscribe_ticks", (10,), "unsubscribe_ticks").await?;
    for _ in 0..3 {
        let Some(tick) = ticks.next().await else { break };
        println!("tick {}", tick?);
    }
    println!("unsubscribed: {}", ticks.unsubscribe().await?);
    server.shutdown().await;
    Ok(())
}
