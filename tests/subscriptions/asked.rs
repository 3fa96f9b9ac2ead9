//! Our client subscribes.

use tinyrpc::{Code, Error, Slow, SubscriptionId};

use crate::node::{Node, within};

const SUBSCRIBE: &str =
    r#"{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["newHeads"]}"#;

fn head(id: &str, number: u32) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","method":"eth_subscription","params":{{"subscription":{id},"result":{{"number":{number}}}}}}}"#
    )
}

#[derive(Debug, PartialEq, serde::Deserialize)]
struct Head {
    number: u32,
}

/// As <https://geth.ethereum.org/docs/interacting-with-geth/rpc/pubsub> has it.
#[tokio::test]
async fn as_ethereum_nodes_say_it() {
    let (client, mut node) = Node::serving().await;
    let id = r#""0x9cef478923ff08bf67fde6c64013158d""#;
    let (subscribed, ()) = tokio::join!(
        client.subscribe::<Head>("eth_subscribe", ("newHeads",), "eth_unsubscribe"),
        async {
            assert_eq!(node.hear().await, SUBSCRIBE);
            // All of it in one packet, the first even before the answer.
            node.say(&[
                &head(id, 1),
                &format!(r#"{{"jsonrpc":"2.0","id":1,"result":{id}}}"#),
                &head(id, 2),
                &head(r#""0x1""#, 99),
                &head(id, 3),
            ])
            .await;
        }
    );
    let mut heads = subscribed.unwrap();
    assert_eq!(*heads.id(), SubscriptionId::from("0x9cef478923ff08bf67fde6c64013158d"));
    for number in 1..4 {
        assert_eq!(within(heads.next()).await.unwrap().unwrap(), Head { number });
    }
    let (unsubscribed, ()) = tokio::join!(heads.unsubscribe(), async {
        let call =
            format!(r#"{{"jsonrpc":"2.0","id":65537,"method":"eth_unsubscribe","params":[{id}]}}"#);
        assert!(same_call(&node.hear().await, &call));
        node.say(&[&head(id, 4)]).await;
        answer_last(&mut node, "true").await;
    });
    assert!(unsubscribed.unwrap());
}

/// All but the id, which is this side's own affair.
fn same_call(heard: &str, expected: &str) -> bool {
    let rest = |text: &str| text.split_once(r#","method":"#).map(|(_, rest)| rest.to_owned());
    rest(heard).is_some() && rest(heard) == rest(expected)
}

/// Answers the call with the greatest id that can be in flight.
async fn answer_last(node: &mut Node, result: &str) {
    let answers: Vec<_> = IDS
        .iter()
        .map(|id| format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#))
        .collect();
    node.say(&answers.iter().map(String::as_str).collect::<Vec<_>>()).await;
}

const IDS: [u32; 3] = [1, 2, 65537];

/// What comes last on a subscription, and how it is told.
#[tokio::test]
async fn as_it_is_closed() {
    let cases = [
        (r#"{"code":7,"message":"gone"}"#, Some((Code(7), "gone"))),
        (r#""gone""#, Some((Code::SERVER_ERROR, "gone"))),
        (r#"{"message":"gone","data":[1]}"#, Some((Code::SERVER_ERROR, "gone"))),
        ("null", Some((Code::SERVER_ERROR, "the peer closed the subscription"))),
        ("[[]]", Some((Code::SERVER_ERROR, "the peer closed the subscription"))),
        (r#"{"code":-32015,"message":"the subscription has ended"}"#, None),
    ];
    for (error, expected) in cases {
        let (client, mut node) = Node::serving().await;
        let (subscribed, ()) = tokio::join!(client.subscribe::<Head>("s", (), "u"), async {
            node.hear().await;
            node.say(&[
                r#"{"jsonrpc":"2.0","id":1,"result":7}"#,
                &head("7", 1),
                &format!(r#"{{"jsonrpc":"2.0","method":"any","params":{{"subscription":7,"error":{error}}}}}"#),
                &head("7", 2),
            ])
            .await;
        });
        let mut heads = subscribed.unwrap();
        assert_eq!(within(heads.next()).await.unwrap().unwrap(), Head { number: 1 });
        if let Some((code, message)) = expected {
            let told = within(heads.next()).await.unwrap().unwrap_err();
            let told = told.as_rpc().unwrap();
            assert_eq!((told.code, &*told.message), (code, message), "{error}");
        }
        assert!(within(heads.next()).await.is_none(), "{error}");
    }
}

#[tokio::test]
async fn a_lost_connection_ends_it() {
    let (client, mut node) = Node::serving().await;
    let (subscribed, ()) = tokio::join!(client.subscribe::<Head>("s", (), "u"), async {
        node.hear().await;
        node.say(&[r#"{"jsonrpc":"2.0","id":1,"result":7}"#, &head("7", 1)]).await;
    });
    let mut heads = subscribed.unwrap();
    drop(node);
    assert_eq!(within(heads.next()).await.unwrap().unwrap(), Head { number: 1 });
    let error = within(heads.next()).await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Interrupted(_)), "{error}");
    assert!(within(heads.next()).await.is_none());
}

/// What does not fit into a buffer of two: the items that are taken, and how many were missed.
#[tokio::test]
async fn slow_subscribers() {
    let cases: [(Slow, &[u32], u64); 4] = [
        (Slow::Wait, &[1, 2, 3, 4, 5], 0),
        (Slow::DropOldest, &[4, 5], 3),
        (Slow::DropNewest, &[1, 2], 3),
        (Slow::Close, &[1, 2], 1),
    ];
    for (slow, expected, missed) in cases {
        let (client, mut node) = Node::serving().await;
        let (subscribed, ()) =
            tokio::join!(client.subscribe::<Head>("s", (), "u").slow(slow, 2), async {
                node.hear().await;
                node.say(&[r#"{"jsonrpc":"2.0","id":1,"result":7}"#]).await;
            });
        let mut heads = subscribed.unwrap();
        let lines: Vec<_> = (1..6).map(|number| head("7", number)).collect();
        node.say(&lines.iter().map(String::as_str).collect::<Vec<_>>()).await;
        // An answer comes behind them all, or the news that it ended.
        let (answer, heard) = tokio::join!(client.call::<_, u32>("sync", ()), async {
            let mut heard = vec![node.hear().await];
            answer_last(&mut node, "5").await;
            if slow == Slow::Close {
                heard.push(node.hear().await);
            }
            heard
        });
        assert_eq!(answer.unwrap(), 5);
        let left = heard.iter().filter(|line| line.contains(r#""method":"u","params":[7]"#));
        assert_eq!(left.count(), usize::from(slow == Slow::Close), "{slow:?}: {heard:?}");
        for number in expected {
            let head = within(heads.next()).await.unwrap().unwrap();
            assert_eq!(head, Head { number: *number }, "{slow:?}");
        }
        assert_eq!(heads.missed(), missed, "{slow:?}");
        if slow == Slow::Close {
            let error = within(heads.next()).await.unwrap().unwrap_err();
            assert!(error.to_string().contains("`buffer` of 2"), "{error}");
            assert!(within(heads.next()).await.is_none());
        }
    }
}

/// The future is dropped before the answer comes, and this side unsubscribes when it does.
#[tokio::test]
async fn a_call_that_is_given_up_leaves_no_subscription() {
    let (client, mut node) = Node::serving().await;
    {
        let mut subscribing = Box::pin(client.subscribe::<Head>("s", (), "u"));
        tokio::select! {
            _ = &mut subscribing => panic!("nobody answered"),
            heard = node.hear() => assert!(heard.contains(r#""method":"s""#), "{heard}"),
        }
    }
    node.say(&[r#"{"jsonrpc":"2.0","id":1,"result":"0xa"}"#, &head(r#""0xa""#, 1)]).await;
    let heard = node.hear().await;
    assert!(heard.contains(r#""method":"u","params":["0xa"]"#), "{heard}");
    assert_eq!(client.in_flight(), 0);
}

/// A client that makes its connections anew: the subscription ends with the one that it has.
#[tokio::test]
async fn it_ends_with_its_connection() {
    use tinyrpc::{Backoff, ClientBuilder};

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("jsonrpc+tcp://{}", listener.local_addr().unwrap());
    let builder = ClientBuilder::from_url(url).unwrap().reconnect(Backoff::default());
    let (client, accepted) = tokio::join!(builder.connect(), listener.accept());
    let client = client.unwrap();
    let mut node = Node::over(accepted.unwrap().0);
    let (subscribed, ()) = tokio::join!(client.subscribe::<Head>("s", (), "u"), async {
        node.hear().await;
        node.say(&[r#"{"jsonrpc":"2.0","id":1,"result":7}"#, &head("7", 1)]).await;
    });
    let mut heads = subscribed.unwrap();
    assert_eq!(within(heads.next()).await.unwrap().unwrap(), Head { number: 1 });
    drop(node);
    let error = within(heads.next()).await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Interrupted(_)), "{error}");
    let mut node = Node::over(within(listener.accept()).await.unwrap().0);
    let (subscribed, ()) = tokio::join!(client.subscribe::<Head>("s", (), "u"), async {
        node.hear().await;
        node.say(&[r#"{"jsonrpc":"2.0","id":1,"result":8}"#, &head("8", 2)]).await;
    });
    let mut heads = subscribed.unwrap();
    assert_eq!(within(heads.next()).await.unwrap().unwrap(), Head { number: 2 });
}
