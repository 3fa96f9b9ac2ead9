//! Swapping the protocol is one word: `cargo run --example swap_protocol`.
#![expect(clippy::print_stdout, reason = "it shows what it does")]

use tinyrpc::{Dispatcher, Server};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let calc = Dispatcher::new().method("add", |a: i64, b: i64| a + b);
    // The server accepts both and looks at the first byte of each connection.
    let server = Server::new(calc).listen("tcp://127.0.0.1:0").await?;
    let address = server.addresses().concat();

    for protocol in ["jsonrpc", "msgpack"] {
        let client = tinyrpc::connect(format!("{protocol}+{address}")).await?;
        let five: i64 = client.call("add", (2, 3)).await?;
        println!("{protocol}: add(2, 3) = {five}");
        assert_eq!(five, 5);
    }
    server.shutdown().await;
    Ok(())
}
