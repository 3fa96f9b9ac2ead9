//! Where one may wait: on any thread, except where that could never end.

use std::sync::mpsc;

use tinyrpc::{
    Context, Dispatcher, Outcome, SetupError,
    blocking::{Client, Server, peer, wait},
};

use crate::{PATIENCE, within, world::service};

fn server(service: Dispatcher) -> (tinyrpc::blocking::ServerHandle, String) {
    let server = Server::new(service).listen("tcp://127.0.0.1:0").expect("a free port");
    let url = format!("msgpack+{}", server.addresses().concat());
    (server, url)
}

#[test]
fn in_an_async_program() {
    within(|| {
        let (server, url) = server(service());
        let run = |runtime: tokio::runtime::Runtime| {
            runtime.block_on(async {
                // On the thread of the runtime itself, and on one of its workers.
                let client = Client::connect(&url).unwrap();
                assert_eq!(client.call::<_, i64>("add", (2, 3)).unwrap(), 5);
                let task = tokio::spawn(async move {
                    assert_eq!(client.call::<_, u32>("later", (7,)).unwrap(), 7);
                    client.close();
                });
                task.await.unwrap();
            });
        };
        run(tokio::runtime::Builder::new_current_thread().build().unwrap());
        run(tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap());
        server.shutdown();
    });
}

#[test]
fn an_async_server_has_handlers_that_wait_for_their_peer() {
    within(|| {
        let ask = |context: Context| peer(&context).call::<_, u8>("one", ()).unwrap_or(0);
        let service = Dispatcher::new()
            .method("ask", ask)
            .blocking()
            // Where requests are received, the answer could never come.
            .method("ask_inline", |context: Context| {
                let error = peer(&context).call::<_, u8>("one", ()).unwrap_err();
                (error.outcome() == Outcome::NotExecuted, error.to_string())
            })
            .method("tell_inline", |context: Context| peer(&context).notify("note", ()).is_ok());
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(
            async {
                let server =
                    tinyrpc::Server::new(service).listen("tcp://127.0.0.1:0").await.unwrap();
                let url = format!("jsonrpc+{}", server.addresses().concat());
                let own = Dispatcher::new().method("one", || 1).method("note", || ());
                let builder = tinyrpc::ClientBuilder::from_url(url).unwrap().serve(own);
                let client = builder.connect().await.unwrap();
                assert_eq!(client.call::<_, u8>("ask", ()).await.unwrap(), 1);
                let (not_executed, words) =
                    client.call::<_, (bool, String)>("ask_inline", ()).await.unwrap();
                assert!(not_executed && words.contains("`blocking()`"), "{words}");
                assert!(client.call::<_, bool>("tell_inline", ()).await.unwrap());
            },
        );
    });
}

#[test]
fn the_thread_that_drives_waits_for_nobody() {
    within(|| {
        let (other, other_url) = server(service());
        let far = Client::connect(&other_url).unwrap();
        let (begun, ended) = mpsc::channel();
        let (handle, client) = (other.clone(), far.clone());
        let service = Dispatcher::new()
            .method("call", move || {
                let call = far.call::<_, i64>("add", (2, 3)).unwrap_err();
                let sent = far.send::<_, i64>("add", (2, 3)).unwrap().wait().unwrap_err();
                let future = wait(std::future::pending::<()>()).unwrap_err();
                let words = format!("{call} {future}");
                (call.outcome() == Outcome::NotExecuted, sent.outcome() == Outcome::Unknown, words)
            })
            .inline()
            .method("connect", move || match Client::connect(&other_url) {
                Err(SetupError::Io { source, .. }) => source.to_string(),
                other => format!("{other:?}"),
            })
            .inline()
            .method("notify", {
                let client = client.clone();
                move || client.notify("nothing", ()).is_ok()
            })
            .inline()
            // What ends by itself is begun, and not waited for.
            .method("end", move || {
                client.close();
                handle.shutdown();
                begun.send(()).unwrap();
            })
            .inline()
            .method("wait", {
                let other = other.clone();
                move || other.wait()
            })
            .inline();
        let (server, url) = server(service);
        let near = Client::connect(url).unwrap();
        let (not_executed, unknown, words) =
            near.call::<_, (bool, bool, String)>("call", ()).unwrap();
        assert!(not_executed && unknown, "{words}");
        assert_eq!(words.matches("cannot wait").count(), 2, "{words}");
        let words = near.call::<_, String>("connect", ()).unwrap();
        assert!(words.contains("cannot wait"), "{words}");
        assert!(near.call::<_, bool>("notify", ()).unwrap());
        // It panics in words, and a panic of a handler is answered.
        assert!(near.call::<_, ()>("wait", ()).unwrap_err().as_rpc().is_some());
        near.call::<_, ()>("end", ()).unwrap();
        ended.recv_timeout(PATIENCE).unwrap();
        other.wait();
        server.shutdown();
    });
}

#[test]
fn waiting_for_any_future() {
    within(|| {
        let servers = [server(service()), server(service())];
        let clients = servers.each_ref().map(|(_, url)| Client::connect(url).unwrap());
        let answers = wait(tinyrpc::call_all::<_, i64>(&clients, "add", (2, 3))).unwrap();
        assert!(answers.into_iter().all(|answer| answer.is_ok_and(|five| five == 5)));
    });
}

#[test]
fn nobody_listens() {
    within(|| {
        let (server, url) = server(service());
        server.close();
        let error = Client::connect(&url).and_then(|client| {
            // It may have been accepted a moment before.
            client.wait();
            Client::connect(&url)
        });
        assert!(matches!(error, Err(SetupError::Io { .. })), "{error:?}");
        assert!(matches!(Client::connect("tcp:/nowhere"), Err(SetupError::Url(_))));
        let remote = Server::new(service()).listen("tcp://0.0.0.0:0");
        assert!(matches!(remote, Err(SetupError::Remote { .. })), "{remote:?}");
    });
}
