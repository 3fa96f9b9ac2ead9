//! Dialects of JSON-RPC, with a peer written by hand: what cancels a call, in both directions.
#![cfg(all(feature = "jsonrpc", feature = "tcp"))]
#![expect(clippy::unwrap_used, reason = "what cannot fail here fails its test")]

#[path = "subscriptions/node.rs"]
mod node;

use std::time::Duration;

use node::{Node, within};
use tinyrpc::{ClientBuilder, Context, Dispatcher, Server};
use tokio::{net::TcpListener, sync::mpsc};

/// The dialect, what cancels the call of an id, and how that is answered.
const DIALECTS: [(&str, &str, Option<&str>); 2] = [
    (
        "lsp",
        r#"{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":#}}"#,
        Some(
            r#"{"jsonrpc":"2.0","id":#,"error":{"code":-32800,"message":"the caller cancelled the call"}}"#,
        ),
    ),
    (
        "mcp",
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":#,"reason":"nobody waits for the answer any more"}}"#,
        None,
    ),
];

#[tokio::test]
async fn a_handler_is_cancelled() {
    for (dialect, cancel, answer) in DIALECTS {
        let (dropped, mut drops) = mpsc::unbounded_channel();
        let service = Dispatcher::new()
            .method("wait", move |context: Context| {
                let (cancelled, dropped) = (context.cancelled(), dropped.clone());
                tokio::spawn(async move {
                    cancelled.await;
                    _ = dropped.send(());
                });
                std::future::pending::<()>()
            })
            .method("echo", |value: u32| value);
        let url = format!("jsonrpc+tcp://127.0.0.1:0?dialect={dialect}");
        let server = Server::new(service).listen(url).await.unwrap();
        let mut peer = Node::calling(&server.addresses().concat()).await;
        for id in ["7", "\"seven\"", "-7"] {
            let of = |text: &str| text.replace('#', id);
            // Calls that nobody knows, and what names none, cancel nothing.
            let unknown = cancel.replace('#', "4711");
            let nameless = cancel.replace('#', "[]");
            let wait = of(r#"{"jsonrpc":"2.0","id":#,"method":"wait"}"#);
            peer.say(&[&wait, &unknown, &nameless, &of(cancel)]).await;
            peer.say(&[r#"{"jsonrpc":"2.0","id":8,"method":"echo","params":[5]}"#]).await;
            if let Some(answer) = answer {
                assert_eq!(peer.hear().await, of(answer), "{dialect}");
            }
            assert_eq!(peer.hear().await, r#"{"jsonrpc":"2.0","id":8,"result":5}"#, "{dialect}");
            within(drops.recv()).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_call_that_is_given_up_is_cancelled() {
    for (dialect, cancel, _) in DIALECTS {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("jsonrpc+tcp://{}", listener.local_addr().unwrap());
        let builder = ClientBuilder::from_url(format!("{url}?dialect={dialect}")).unwrap();
        let (client, accepted) = tokio::join!(builder.connect(), listener.accept());
        let (client, mut peer) = (client.unwrap(), Node::over(accepted.unwrap().0));
        // By dropping it, and by its time.
        let mut call = Box::pin(client.call::<_, u32>("wait", ()));
        tokio::select! {
            _ = &mut call => panic!("nobody answered"),
            heard = peer.hear() => assert_eq!(heard, wait_under(1)),
        }
        drop(call);
        assert_eq!(peer.hear().await, cancel.replace('#', "1"), "{dialect}");
        let hasty = client.with_timeout(Duration::from_millis(1));
        assert!(hasty.call::<_, u32>("wait", ()).await.unwrap_err().is_timeout());
        let heard = peer.hear().await;
        let id = heard.split_once(r#""id":"#).and_then(|(_, rest)| rest.split_once(','));
        let (id, _) = id.unwrap();
        assert_eq!(peer.hear().await, cancel.replace('#', id), "{dialect}");
        // What was cancelled is answered all the same, by the one or the other: nobody minds.
        peer.say(&[&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":5}}"#)]).await;
        let (answer, ()) = tokio::join!(client.call::<_, u32>("wait", ()), async {
            let heard = peer.hear().await;
            let (_, rest) = heard.split_once(r#""id":"#).unwrap();
            let (id, _) = rest.split_once(',').unwrap();
            peer.say(&[&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":6}}"#)]).await;
        });
        assert_eq!(answer.unwrap(), 6);
    }
}

fn wait_under(id: u32) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"wait"}}"#)
}

/// Those who speak no dialect are told nothing that they do not know.
#[tokio::test]
async fn others_are_told_nothing() {
    let (client, mut peer) = Node::serving().await;
    let mut call = Box::pin(client.call::<_, u32>("wait", ()));
    tokio::select! {
        _ = &mut call => panic!("nobody answered"),
        heard = peer.hear() => assert_eq!(heard, wait_under(1)),
    }
    drop(call);
    client.notify("done", ()).await.unwrap();
    assert_eq!(peer.hear().await, r#"{"jsonrpc":"2.0","method":"done"}"#);
}

#[test]
fn a_dialect_is_one_of_jsonrpc() {
    for (url, words) in [
        ("msgpack+tcp://127.0.0.1:1?dialect=lsp", "a dialect of jsonrpc"),
        ("tcp://127.0.0.1:1?dialect=nosuch", "expected lsp or mcp"),
    ] {
        let error = ClientBuilder::from_url(url).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}

/// Reports that come before the answer, and those of calls that nobody asked about.
#[tokio::test]
async fn reports_of_a_call() {
    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Report {
        progress: u32,
        total: u32,
    }
    let (client, mut peer) = Node::serving().await;
    let mut numbers = client.progress::<u32>("t1").unwrap();
    let mut reports = client.progress::<Report>(7u64).unwrap();
    let (answer, ()) = tokio::join!(client.call::<_, u32>("work", ()), async {
        peer.hear().await;
        peer.say(&[
            r#"{"jsonrpc":"2.0","method":"$/progress","params":{"token":"t1","value":1}}"#,
            r#"{"jsonrpc":"2.0","method":"$/progress","params":{"token":"t2","value":99}}"#,
            r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":7,"progress":5,"total":9}}"#,
            r#"{"jsonrpc":"2.0","method":"$/progress","params":{"token":"t1","value":"x"}}"#,
            r#"{"jsonrpc":"2.0","method":"$/progress","params":{"token":"t1","value":2}}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":5}"#,
        ])
        .await;
    });
    assert_eq!(answer.unwrap(), 5);
    assert_eq!(within(numbers.next()).await.unwrap().unwrap(), 1);
    assert!(within(numbers.next()).await.unwrap().is_err());
    assert_eq!(within(numbers.next()).await.unwrap().unwrap(), 2);
    let report = within(reports.next()).await.unwrap().unwrap();
    assert_eq!(report, Report { progress: 5, total: 9 });
    drop(peer);
    assert!(within(reports.next()).await.unwrap().is_err());
    assert!(within(reports.next()).await.is_none());
    assert_eq!(numbers.missed(), 0);
}
