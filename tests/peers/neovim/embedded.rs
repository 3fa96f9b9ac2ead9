//! Neovim as a child process that is spoken to over its standard streams.

use std::process::Stdio;

use serde_json::json;
use tinyrpc::{
    Client,
    protocols::MsgPackRpc,
    transports::{Connection, Connector, PeerAddress, async_trait, stream},
};

use super::{calls_back, eval, introduce, kit, nvim, served};
use crate::process::within;

/// Starts a Neovim for each connection.
struct Embedded;

#[async_trait]
impl Connector for Embedded {
    async fn connect(&self) -> std::io::Result<Connection> {
        let mut command = nvim();
        let mut child = command.arg("--embed").stdin(Stdio::piped()).spawn()?;
        let (stdin, stdout) = child.stdin.take().zip(child.stdout.take()).expect("both are piped");
        // It ends with its input.
        tokio::spawn(async move { child.wait().await });
        Ok(stream::halves(stdout, stdin, PeerAddress::Other(self.address().into())))
    }

    fn address(&self) -> String {
        "nvim --embed".into()
    }
}

#[tokio::test]
async fn both_call_each_other_over_standard_streams() {
    let Some(_) = kit() else { return };
    let builder = Client::builder(Embedded, MsgPackRpc).serve(served());
    let client = builder.connect().await.expect("it starts");
    within(async {
        introduce(&client).await;
        assert_eq!(eval(&client, "40 + 2").await, json!(42));
        calls_back(&client).await;
        // What it is told last is that it shall end, and then nothing answers any more.
        client.notify("nvim_command", ("qall!",)).await.expect("it is sent");
        client.closed().await;
    })
    .await;
}
