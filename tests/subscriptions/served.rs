//! Our server is subscribed to.

use futures_util::stream::{self, BoxStream, StreamExt};
use serde_json::{Value, json};
use tinyrpc::{Dispatcher, RpcError, Server};

use crate::node::Node;

/// One method for all kinds, as nodes of Ethereum have it.
fn node() -> Dispatcher {
    fn subscribe(
        kind: String,
        filter: Option<Value>,
    ) -> Result<BoxStream<'static, Value>, RpcError> {
        match &*kind {
            "newHeads" => Ok(stream::iter([json!({"number": "0x1"}), json!({"number": "0x2"})])
                .chain(stream::pending())
                .boxed()),
            "logs" => Ok(stream::iter(filter).chain(stream::pending()).boxed()),
            _ => Err(RpcError::invalid_params(format!("there is no subscription `{kind}`"))),
        }
    }
    Dispatcher::new().subscription(
        "eth_subscribe",
        "eth_subscription",
        "eth_unsubscribe",
        subscribe,
    )
}

/// The id in an answer, as it stands there.
fn id_of(answer: &str, call: u32) -> String {
    let head = format!(r#"{{"jsonrpc":"2.0","id":{call},"result":"#);
    let id = answer.strip_prefix(&*head).and_then(|rest| rest.strip_suffix('}'));
    let id = id.unwrap_or_else(|| panic!("no id: {answer}"));
    assert!(id.starts_with("\"0x") && id.len() == 20, "{id}");
    id.to_owned()
}

#[tokio::test]
async fn as_ethereum_nodes_say_it() {
    let server = Server::new(node()).listen("tcp://127.0.0.1:0").await.unwrap();
    let mut peer = Node::calling(&server.addresses().concat()).await;
    peer.say(&[r#"{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["newHeads"]}"#]).await;
    let heads = id_of(&peer.hear().await, 1);
    for number in ["0x1", "0x2"] {
        let expected = format!(
            r#"{{"jsonrpc":"2.0","method":"eth_subscription","params":{{"subscription":{heads},"result":{{"number":"{number}"}}}}}}"#
        );
        assert_eq!(peer.hear().await, expected);
    }
    peer.say(&[
        r#"{"jsonrpc":"2.0","id":2,"method":"eth_subscribe","params":["logs",{"topics":[]}]}"#,
    ])
    .await;
    let logs = id_of(&peer.hear().await, 2);
    assert_ne!(heads, logs);
    let expected = format!(
        r#"{{"jsonrpc":"2.0","method":"eth_subscription","params":{{"subscription":{logs},"result":{{"topics":[]}}}}}}"#
    );
    assert_eq!(peer.hear().await, expected);
    for (params, answer) in [
        (format!("[{heads}]"), r#""result":true"#),
        (format!("[{heads}]"), r#""result":false"#),
        ("[\"0x1\"]".into(), r#""result":false"#),
        ("[1]".into(), r#""result":false"#),
        ("[]".into(), r#""error":{"code":-32602"#),
        (format!("[{logs}]"), r#""result":true"#),
    ] {
        let call =
            format!(r#"{{"jsonrpc":"2.0","id":3,"method":"eth_unsubscribe","params":{params}}}"#);
        peer.say(&[&call]).await;
        let heard = peer.hear().await;
        assert!(heard.contains(answer), "{params}: {heard}");
    }
    peer.say(&[r#"{"jsonrpc":"2.0","id":4,"method":"eth_subscribe","params":["nosuch"]}"#]).await;
    assert!(peer.hear().await.contains("there is no subscription `nosuch`"));
}
