//! What URLs say: lists, sides, patterns.

use std::time::Duration;

use tinyrpc::{Client, ClientBuilder, Dispatcher, Server, ServerHandle, SetupError, connect};
use tokio::{sync::mpsc, time::timeout};

use crate::{PATIENCE, folder::Folder, until};

fn server(name: &'static str) -> Server {
    Server::new(Dispatcher::new().method("who", move || name))
}

async fn listen(name: &'static str, url: &str) -> ServerHandle {
    server(name).listen(url).await.expect(url)
}

async fn who(client: &Client) -> String {
    let call = client.call("who", ());
    timeout(PATIENCE, call).await.expect("an answer in time").expect("an answer")
}

/// Every name of `names` answers, and nobody else does.
async fn all_answer(client: &Client, names: &[&str]) {
    let mut missing = names.to_vec();
    until(async || {
        let name = who(client).await;
        assert!(names.contains(&&*name), "{name}");
        missing.retain(|missing| *missing != name);
        missing.is_empty()
    })
    .await;
}

#[tokio::test]
async fn clients_bind_and_workers_connect() {
    let folder = Folder::new();
    let path = folder.fresh("socket").display().to_string();
    for url in
        ["zmq://127.0.0.1:0", &format!("msgpack+zmq+ipc://{path}"), "jsonrpc+zmq-inproc://urls"]
    {
        let client = ClientBuilder::bind(url).expect(url).connect().await.expect(url);
        let address = client.address();
        assert!(!address.ends_with(":0"), "{address}");
        let worker = server("a").connect(&address).await.expect(url);
        assert_eq!(who(&client).await, "a");
        assert!(worker.addresses().is_empty(), "nobody reaches it there");
        let other = server("b").connect(&address).await.expect(url);
        all_answer(&client, &["a", "b"]).await;
        other.shutdown().await;
        worker.shutdown().await;
    }
}

#[tokio::test]
async fn sides_are_said_in_the_url() {
    let folder = Folder::new();
    let ipc = format!("zmq+ipc://{}", folder.fresh("socket").display());
    // A list, of both kinds.
    let a = listen("a", "zmq://127.0.0.1:0?batch").await;
    let b = listen("b", &ipc).await;
    let both = format!("{},{}?batch", a.addresses()[0], b.addresses()[0]);
    let client = connect(&both).await.expect(&both);
    all_answer(&client, &["a", "b"]).await;
    // A client that binds and connects, and a server that does.
    let url = format!("{}?bind=127.0.0.1:0&connect={}", a.addresses()[0], b.addresses()[0]);
    let client = connect(&url).await.expect(&url);
    let bound = client.address().split(',').next().expect("an address").to_owned();
    let c = listen("c", &format!("zmq://127.0.0.1:0?connect={bound}")).await;
    all_answer(&client, &["a", "b", "c"]).await;
    assert_eq!(who(&connect(&c.addresses()[0]).await.expect("it listens")).await, "c");
    // The other way round.
    let client = connect("zmq://127.0.0.1:0?bind").await.expect("a free port");
    let _d = listen("d", &format!("{}?connect", client.address())).await;
    assert_eq!(who(&client).await, "d");
    // One server at several places.
    let e = listen("e", &format!("zmq://127.0.0.1:0,127.0.0.1:0,zmq-inproc://e?bind={ipc}2")).await;
    let addresses: Vec<_> = e.addresses().concat().split(',').map(str::to_owned).collect();
    assert_eq!(addresses.len(), 4);
    for address in addresses {
        let address = match address.split_once("://") {
            Some(_) => address,
            None => format!("zmq://{address}"),
        };
        assert_eq!(who(&connect(&address).await.expect(&address)).await, "e");
    }
}

#[tokio::test]
async fn one_way_is_said_in_the_url() {
    for (ours, theirs) in [("push", "pull"), ("pub&topic=a", "sub&topic=a&topic=b")] {
        let (heard, mut ear) = mpsc::unbounded_channel();
        let note = move |n: u32| _ = heard.send(n);
        let server = Server::new(Dispatcher::new().method("note", note));
        let url = format!("zmq://127.0.0.1:0?pattern={theirs}&hwm=10");
        let server = server.listen(&url).await.expect(&url);
        let url = format!("{}?pattern={ours}&linger=0.5", server.addresses()[0]);
        let client = connect(&url).await.expect(&url);
        client.call::<_, ()>("note", (1,)).await.expect_err("it goes one way");
        until(async || {
            client.notify("note", (5,)).await.expect("it is sent");
            tokio::task::yield_now().await;
            !ear.is_empty()
        })
        .await;
        assert_eq!(ear.recv().await, Some(5));
    }
}

/// Whoever reaches a client that is bound is given its calls.
#[tokio::test]
async fn other_machines_are_let_in_where_that_is_said() {
    for url in ["zmq://0.0.0.0:0", "zmq://*:0", "zmq://127.0.0.1:0,0.0.0.0:0"] {
        let error = server("a").listen(url).await.expect_err(url);
        assert!(matches!(error, SetupError::Remote { .. }), "{error}");
        let refused = ClientBuilder::bind(url).expect(url).connect().await.expect_err(url);
        assert!(refused.to_string().contains("other machines"), "{refused}");
        let refused = connect(format!("{url}?bind")).await.expect_err(url);
        assert!(refused.to_string().contains("other machines"), "{refused}");
        let bound = ClientBuilder::bind(url).expect(url).allow_remote().connect().await;
        let client = bound.expect("it was said");
        assert!(client.close().await);
    }
}

#[tokio::test]
async fn what_is_no_endpoint_is_said_at_once() {
    for (url, words) in [
        ("zmq://127.0.0.1", "is not HOST:PORT"),
        ("zmq://127.0.0.1:1,", "an endpoint is empty"),
        ("zmq://127.0.0.1:1?connect=http://x:1", "`http://` is no endpoint of ZeroMQ"),
        ("zmq://127.0.0.1:1?bind=x:y", "is not HOST:PORT"),
    ] {
        for error in [
            ClientBuilder::from_url(url).map(drop).expect_err(url),
            ClientBuilder::bind(url).map(drop).expect_err(url),
            server("a").listen(url).await.map(drop).expect_err(url),
            server("a").connect(url).await.map(drop).expect_err(url),
        ] {
            assert!(error.to_string().contains(words), "{error}");
        }
    }
    let builder = ClientBuilder::from_url("zmq://127.0.0.1:1").expect("a URL");
    let error = builder.option("bind", "").map(drop).expect_err("it is too late for that");
    assert!(error.to_string().contains("option of the URL"), "{error}");
    // A long way off: nobody is there, and that is said.
    let gone = connect("zmq://127.0.0.1:1,127.0.0.1:2");
    let error = timeout(Duration::from_secs(5), gone).await.expect("at once").expect_err("nobody");
    assert!(error.to_string().contains("nobody listens"), "{error}");
}
