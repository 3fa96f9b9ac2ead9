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

#[derive(serde::Deserialize)]
#[expect(dead_code, reason = "the handler knows the token by its context")]
struct Work {
    steps: u32,
    #[serde(rename = "workDoneToken")]
    token: Option<serde_json::Value>,
    #[serde(rename = "_meta")]
    meta: Option<serde_json::Value>,
}

fn reporting() -> Dispatcher {
    fn work(context: &Context, steps: u32) -> bool {
        let Some(mut progress) = context.progress("Working", Some(0)) else { return false };
        for step in 1..=steps {
            progress.report(Some(step * 40), Some("on")).unwrap();
        }
        if steps > 1 {
            // A handler that forgets the end, or has no time for it, has said it all the same.
            return true;
        }
        progress.end(Some("done")).unwrap();
        true
    }
    Dispatcher::new()
        .method("now", |context: Context, params: Work| work(&context, params.steps))
        .method("later", async |context: Context, params: Work| {
            tokio::task::yield_now().await;
            work(&context, params.steps)
        })
        .method("unmeasured", |context: Context, _: Work| {
            let mut progress = context.progress("Working", None).unwrap();
            progress.report(None, Some("on")).unwrap();
            progress.report(None, None).unwrap();
        })
}

/// What a handler reports of its call, before its answer.
#[tokio::test]
async fn reports_of_a_handler() {
    const LSP: &str =
        r##"{"jsonrpc":"2.0","method":"$/progress","params":{"token":#,"value":{"kind":@}}}"##;
    const MCP: &str = r##"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":#,"progress":@}}"##;
    let one = [
        r#""begin","title":"Working","percentage":0"#,
        r#""report","message":"on","percentage":40"#,
        r#""end","message":"done""#,
    ];
    let two = [one[0], one[1], r#""report","message":"on","percentage":80"#, r#""end""#];
    let unmeasured =
        [r#""begin","title":"Working""#, r#""report","message":"on""#, r#""report""#, r#""end""#];
    let mcp_one = [
        r#"0.0,"total":100,"message":"Working""#,
        r#"40.0,"total":100,"message":"on""#,
        r#"100.0,"total":100,"message":"done""#,
    ];
    let mcp_unmeasured = [
        r#"0.0,"message":"Working""#,
        r#"0.0009765625,"message":"on""#,
        "0.001953125",
        r#"100.0,"total":100"#,
    ];
    type Case<'a> = (&'a str, &'a str, &'a str, &'a [&'a str], &'a str);
    let cases: [Case<'_>; 13] = [
        ("lsp", "now", r#"{"steps":1,"workDoneToken":"t"}"#, &one, "true"),
        ("lsp", "later", r#"{"steps":1,"workDoneToken":"t"}"#, &one, "true"),
        ("lsp", "now", r#"{"workDoneToken":-7,"steps":2}"#, &two, "true"),
        ("lsp", "later", r#"{"steps":2,"workDoneToken":-7}"#, &two, "true"),
        ("lsp", "unmeasured", r#"{"steps":2,"workDoneToken":"t"}"#, &unmeasured, "null"),
        ("lsp", "now", r#"{"steps":1}"#, &[], "false"),
        ("lsp", "now", r#"{"steps":1,"workDoneToken":true}"#, &[], "false"),
        ("lsp", "now", r#"{"steps":1,"_meta":{"progressToken":"t"}}"#, &[], "false"),
        ("mcp", "now", r#"{"steps":1,"_meta":{"x":1,"progressToken":"t"}}"#, &mcp_one, "true"),
        ("mcp", "later", r#"{"steps":1,"_meta":{"progressToken":5}}"#, &mcp_one, "true"),
        (
            "mcp",
            "unmeasured",
            r#"{"steps":1,"_meta":{"progressToken":5}}"#,
            &mcp_unmeasured,
            "null",
        ),
        ("mcp", "now", r#"{"steps":1,"_meta":{}}"#, &[], "false"),
        (
            "",
            "now",
            r#"{"steps":1,"workDoneToken":"t","_meta":{"progressToken":"t"}}"#,
            &[],
            "false",
        ),
    ];
    for (dialect, method, params, reports, result) in cases {
        let query = if dialect.is_empty() { String::new() } else { format!("?dialect={dialect}") };
        let server = Server::new(reporting()).listen(format!("jsonrpc+tcp://127.0.0.1:0{query}"));
        let server = server.await.unwrap();
        let mut peer = Node::calling(&server.addresses().concat()).await;
        let call = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
        peer.say(&[&call]).await;
        let token = ["\"t\"", "-7", "5"]
            .into_iter()
            .find(|token| params.contains(&format!("oken\":{token}")));
        for report in reports {
            let words = if dialect == "lsp" { LSP } else { MCP };
            let expected = words.replace('@', report).replace('#', token.unwrap());
            assert_eq!(peer.hear().await, expected, "{dialect} {method} {params}");
        }
        let answer = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{result}}}"#);
        assert_eq!(peer.hear().await, answer, "{dialect} {method} {params}");
    }
}

/// Both sides are ours.
#[tokio::test]
async fn reports_from_server_to_client() {
    #[derive(Debug, serde::Deserialize)]
    struct Report {
        kind: String,
        percentage: Option<u32>,
    }
    let server = Server::new(reporting()).listen("jsonrpc+tcp://127.0.0.1:0?dialect=lsp");
    let server = server.await.unwrap();
    let url = format!("jsonrpc+{}?dialect=lsp", server.addresses().concat());
    let client = tinyrpc::connect(url).await.unwrap();
    let mut reports = client.progress::<Report>("t").unwrap();
    let params = serde_json::json!({"steps": 2, "workDoneToken": "t"});
    assert!(client.call::<_, bool>("later", params).await.unwrap());
    let mut kinds = Vec::new();
    for _ in 0..4 {
        let report = within(reports.next()).await.unwrap().unwrap();
        kinds.push((report.kind, report.percentage));
    }
    let of = |kind: &str, percentage| (kind.to_owned(), percentage);
    let expected =
        [of("begin", Some(0)), of("report", Some(40)), of("report", Some(80)), of("end", None)];
    assert_eq!(kinds, expected);
}
