//! A chat inside of a call: what is sent into it comes out at all others of the room.
//!
//! `cargo run --example chat` runs a server and two clients, one over JSON-RPC and one over
//! MessagePack-RPC. To chat by hand, in three terminals:
//!
//! ```sh
//! cargo run --example chat serve tcp://127.0.0.1:4000
//! cargo run --example chat join msgpack+tcp://127.0.0.1:4000 ada
//! cargo run --example chat join jsonrpc+tcp://127.0.0.1:4000 bob
//! ```
#![expect(clippy::print_stdout, reason = "it shows what it does")]

use std::{env, error::Error};

use tinyrpc::{Client, Context, Dispatcher, Items, RpcError, Sender, Server, produce};
use tokio::{
    io::{AsyncBufReadExt, BufReader, stdin},
    sync::broadcast::{self, error::RecvError},
};

/// Lines that a slow reader may be behind, before it misses some.
const BEHIND: usize = 100;

fn service() -> Dispatcher {
    let (room, _) = broadcast::channel::<(String, String)>(BEHIND);
    Dispatcher::new().stream("chat", move |context: Context, name: String| {
        let (room, mut heard) = (room.clone(), room.subscribe());
        produce(move |out| async move {
            let mut lines = context.input::<String>();
            out.send(format!("{name} is one of {}", room.receiver_count())).await;
            loop {
                tokio::select! {
                    line = lines.next() => match line {
                        // Somebody listens: at least this call itself.
                        Some(line) => _ = room.send((name.clone(), line?)),
                        None => return Ok::<_, RpcError>(()),
                    },
                    said = heard.recv() => match said {
                        Ok((who, _)) if who == name => {}
                        Ok((who, line)) => out.send(format!("{who}: {line}")).await,
                        Err(RecvError::Lagged(missed)) => {
                            out.send(format!("{missed} lines were missed")).await;
                        }
                        Err(RecvError::Closed) => return Ok(()),
                    },
                }
            }
        })
    })
}

/// Prints what the others say, and says what is typed.
async fn join(url: &str, name: &str) -> Result<(), Box<dyn Error>> {
    let client = tinyrpc::connect(url).await?;
    let (say, mut heard) = client.duplex::<_, String, String>("chat", (name,)).await?;
    let mut typed = BufReader::new(stdin()).lines();
    loop {
        tokio::select! {
            line = typed.next_line() => match line? {
                Some(line) => say.send(line).await?,
                None => break say.close(),
            },
            line = heard.next() => match line {
                Some(line) => println!("{}", line?),
                None => return Ok(()),
            },
        }
    }
    while let Some(line) = heard.next().await {
        println!("{}", line?);
    }
    Ok(())
}

/// One of the two clients that chat by themselves.
struct Somebody {
    name: &'static str,
    client: Client,
    say: Sender<String>,
    heard: Items<String>,
}

impl Somebody {
    async fn join(url: &str, name: &'static str) -> Result<Self, Box<dyn Error>> {
        let client = tinyrpc::connect(url).await?;
        let (say, heard) = client.duplex::<_, String, String>("chat", (name,)).await?;
        let mut joined = Self { name, client, say, heard };
        // Whoever was told so is in the room.
        joined.hear().await?;
        Ok(joined)
    }

    async fn hear(&mut self) -> Result<(), Box<dyn Error>> {
        let line = self.heard.next().await.ok_or("the chat has ended")??;
        println!("{} hears: {line}", self.name);
        Ok(())
    }

    async fn leave(self) -> Result<(), Box<dyn Error>> {
        let Self { name, client, say, mut heard } = self;
        say.close();
        while let Some(line) = heard.next().await {
            println!("{name} hears: {}", line?);
        }
        println!("{name} has left");
        client.close().await;
        Ok(())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => {}
        ["serve", url] => return Ok(tinyrpc::serve(url, service()).await?),
        ["join", url, name] => return join(url, name).await,
        _ => return Err("chat [serve URL | join URL NAME]".into()),
    }
    let server = Server::new(service()).listen("tcp://127.0.0.1:0").await?;
    let address = &server.addresses()[0];
    let mut ada = Somebody::join(&format!("jsonrpc+{address}"), "ada").await?;
    let mut bob = Somebody::join(&format!("msgpack+{address}"), "bob").await?;
    for (question, answer) in [("hello", "hi, ada"), ("are you there?", "I am")] {
        ada.say.send(question.into()).await?;
        bob.hear().await?;
        bob.say.send(answer.into()).await?;
        ada.hear().await?;
    }
    ada.leave().await?;
    bob.leave().await?;
    server.shutdown().await;
    Ok(())
}
