//! A server calls its client back during a call: `cargo run --example callback`.
//!
//! All calls travel on the one connection that the client made. The callback calls the server in its
//! turn, so that client, server, client and server wait for each other; and that may go deeper.
#![expect(clippy::print_stdout, reason = "it shows what it does")]

use std::error::Error;

use tinyrpc::{ClientBuilder, Context, Dispatcher, RpcError, Server};

fn failed(error: tinyrpc::Error) -> RpcError {
    RpcError::server(error.to_string())
}

/// Of the server: orders something, if the client agrees to the price.
async fn order(context: Context, what: String) -> Result<String, RpcError> {
    println!("  server: {what}? I ask whether 3 is a good price");
    let agreed: bool = context.peer().call("agree", (&what, 3)).await.map_err(failed)?;
    Ok(format!("{what} is {}ordered", if agreed { "" } else { "not " }))
}

/// Of the client: agrees, if there is enough of it.
async fn agree(context: Context, what: String, price: u32) -> Result<bool, RpcError> {
    println!("    client: {price}? I ask how much there is");
    let stock: u32 = context.peer().call("stock", (what,)).await.map_err(failed)?;
    Ok(stock > 10 && price < 5)
}

/// Of the server.
fn stock(what: String) -> u32 {
    let stock = if what == "tea" { 12 } else { 1 };
    println!("      server: there are {stock} of {what}");
    stock
}

/// Of both: each has the other one count the rest.
async fn count(context: Context, rest: u32) -> Result<u32, RpcError> {
    match rest {
        0 => Ok(0),
        _ => {
            let below: u32 = context.peer().call("count", (rest - 1,)).await.map_err(failed)?;
            Ok(below + 1)
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let service =
        Dispatcher::new().method("order", order).method("stock", stock).method("count", count);
    let server = Server::new(service).listen("tcp://127.0.0.1:0").await?;
    for protocol in ["jsonrpc", "msgpack"] {
        let own = Dispatcher::new().method("agree", agree).method("count", count);
        let url = format!("{protocol}+{}", server.addresses()[0]);
        let client = ClientBuilder::from_url(&url)?.serve(own).connect().await?;
        println!("{protocol}");
        for what in ["tea", "coffee"] {
            let answer: String = client.call("order", (what,)).await?;
            println!("  client: {answer}");
        }
        let counted: u32 = client.call("count", (20,)).await?;
        println!("  {counted} calls, each inside of the one before");
        client.close().await;
    }
    server.shutdown().await;
    Ok(())
}
