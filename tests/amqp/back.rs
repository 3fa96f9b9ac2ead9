//! A server that calls its clients: what becomes of such a call where the client or the broker goes.

use lapin::{BasicProperties, options::BasicGetOptions};
use tinyrpc::{ClientBuilder, Context, Dispatcher, Outcome, Server};

use crate::{
    broker::Broker,
    world::{Count, World, in_time, service},
};

/// Whoever knocks is asked, as often as it takes.
fn asking(
    outcomes: tokio::sync::mpsc::UnboundedSender<Result<String, (Outcome, String)>>,
) -> Dispatcher {
    Dispatcher::new().method("knock", move |context: Context| {
        let (peer, outcomes) = (context.peer().clone(), outcomes.clone());
        tokio::spawn(async move {
            let answer = peer.call::<_, String>("name", ()).await;
            let answer = answer.map_err(|error| (error.outcome(), error.to_string()));
            outcomes.send(answer).expect("the test goes on");
        });
    })
}

#[tokio::test]
async fn a_client_that_is_gone_has_executed_nothing() {
    let Some(world) = World::new() else { return };
    in_time(async {
        let (told, mut outcomes) = tokio::sync::mpsc::unbounded_channel();
        let server = Server::new(asking(told)).listen(world.url("auto", "")).await;
        let server = server.expect("it serves");
        let named = Dispatcher::new().method("name", || "Ann");
        let client = ClientBuilder::from_url(world.url("msgpack", "")).expect("a URL").serve(named);
        let client = client.connect().await.expect("it connects");
        client.call::<_, ()>("knock", ()).await.expect("an answer");
        assert_eq!(outcomes.recv().await, Some(Ok("Ann".to_owned())));
        // The server does not see it go, and still has it as a peer.
        client.close().await;
        drop(client);
        let peers = server.peers();
        // Its queue goes a moment later.
        let error = loop {
            match peers[0].caller.call::<_, String>("name", ()).await {
                Ok(name) => assert_eq!(name, "Ann"),
                Err(error) if error.outcome() == Outcome::NotExecuted => break error,
                Err(_) => tokio::task::yield_now().await,
            }
        };
        assert!(error.to_string().contains("queue of answers is gone"), "{error}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_broker_leaves_a_call_to_a_client_in_doubt() {
    let Some(broker) = Broker::start() else { return };
    let world = World::at(&broker);
    in_time(async {
        let (told, mut outcomes) = tokio::sync::mpsc::unbounded_channel();
        let server = Server::new(asking(told)).listen(world.url("auto", "&durable")).await;
        let _server = server.expect("it serves");
        let count = Count::default();
        let named = Dispatcher::new().method("name", {
            let count = count.clone();
            move || {
                let number = count.add();
                async move {
                    match number {
                        1 => std::future::pending().await,
                        _ => "Ann",
                    }
                }
            }
        });
        let client = ClientBuilder::from_url(world.url("msgpack", "&durable")).expect("a URL");
        let client = client.serve(named).connect().await.expect("it connects");
        client.call::<_, ()>("knock", ()).await.expect("an answer");
        count.until(1).await;
        tokio::task::block_in_place(|| broker.kill());
        let (outcome, why) = outcomes.recv().await.expect("an end").expect_err("it is lost");
        assert_eq!(outcome, Outcome::Unknown, "{why}");
        tokio::task::block_in_place(|| broker.restart());
        client.call::<_, ()>("knock", ()).await.expect("an answer");
        assert_eq!(outcomes.recv().await, Some(Ok("Ann".to_owned())), "it can be called again");
    })
    .await;
}

/// What others send to a queue of answers is executed if it is a call, and harms nobody.
#[tokio::test]
async fn others_may_call_a_client_too() {
    let Some(world) = World::new() else { return };
    in_time(async {
        let hand = world.by_hand().await;
        // Where the client reads its answers, its request says.
        let service = service().method("where", |context: Context| context.header("reply-to"));
        let _server = world.serve(service, "").await;
        let count = Count::default();
        let counted = count.clone();
        let own = Dispatcher::new().method("name", move || {
            counted.add();
            "Ann"
        });
        let client = ClientBuilder::from_url(world.url("jsonrpc", "")).expect("a URL").serve(own);
        let client = client.connect().await.expect("it connects");
        let queue: Option<String> = client.call("where", ()).await.expect("an answer");
        let queue = queue.expect("an address");
        let answers = hand.answers().await;
        let call = || BasicProperties::default().with_type("call".into());
        let request = br#"{"jsonrpc":"2.0","id":1,"method":"name"}"#.as_slice();
        let table = [
            (
                call().with_reply_to(answers.as_str().into()).with_correlation_id("x".into()),
                request,
            ),
            // Without an address nobody is answered, and garbage has no answer worth a word.
            (call(), request),
            (call(), b"garbage".as_slice()),
            (BasicProperties::default(), request),
            (BasicProperties::default().with_correlation_id("77".into()), b"garbage"),
        ];
        for (properties, body) in table {
            hand.publish(&queue, body, properties).await;
        }
        let answer = hand.next(&answers).await;
        assert_eq!(answer.data, br#"{"jsonrpc":"2.0","id":1,"result":"Ann"}"#);
        assert_eq!(answer.properties.correlation_id().as_ref().map(|id| id.as_str()), Some("x"));
        count.until(2).await;
        assert_eq!(client.call::<_, i64>("add", (2, 3)).await.expect("it goes on"), 5);
        let more =
            hand.channel.basic_get(answers.as_str().into(), BasicGetOptions::default()).await;
        assert!(more.expect("a queue").is_none(), "one answer");
    })
    .await;
}
