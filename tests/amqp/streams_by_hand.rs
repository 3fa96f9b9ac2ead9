//! Callers and workers whose calls stream, by hand: what is said on the wire.

use lapin::{
    BasicProperties,
    message::Delivery,
    types::{AMQPValue, FieldTable},
};
use tinyrpc::{Error, Outcome, Unsent};

use crate::{
    streams::{Alive, streaming},
    world::{Count, Hand, World, in_time, service},
};

/// What a message within a call is to look like, of which both sides have the address of the other.
#[track_caller]
fn check(message: &Delivery, kind: Option<&str>, reply_to: Option<&str>, body: &str) {
    let properties = &message.properties;
    assert_eq!(String::from_utf8_lossy(&message.data), body);
    assert_eq!(properties.kind().as_ref().map(|kind| kind.as_str()), kind, "{body}");
    if let Some(reply_to) = reply_to {
        assert_eq!(properties.reply_to().as_ref().map(|name| name.as_str()), Some(reply_to));
    }
}

pub(crate) fn reply_to(message: &Delivery) -> String {
    message.properties.reply_to().as_ref().expect("an address").as_str().to_owned()
}

/// Properties of a message about call 7 of whoever reads `own`.
pub(crate) fn about(own: &str, kind: &str) -> BasicProperties {
    let properties = BasicProperties::default()
        .with_reply_to(own.into())
        .with_correlation_id("7".into())
        .with_content_type("application/json".into());
    if kind.is_empty() { properties } else { properties.with_type(kind.into()) }
}

/// The same of the how-manieth message of its sender.
fn counted(own: &str, count: u64) -> BasicProperties {
    about(own, "up").with_message_id(count.to_string().into())
}

fn count(message: &Delivery) -> Option<&str> {
    message.properties.message_id().as_ref().map(|count| count.as_str())
}

pub(crate) fn marked(properties: BasicProperties) -> BasicProperties {
    let mut headers = FieldTable::default();
    headers.insert("tinyrpc-extension".into(), AMQPValue::LongLongInt(1));
    properties.with_headers(headers)
}

/// A caller of which nobody of ours has written a line.
#[tokio::test]
async fn a_caller_by_hand() {
    let Some(world) = World::new() else { return };
    in_time(async {
        let alive = Alive::default();
        let _server = world.serve(streaming(&alive, &Count::default()), "").await;
        let hand = world.by_hand().await;
        let own = hand.answers().await;
        let request = |method: &str, companions: &str| {
            let rpc = if companions.is_empty() { "" } else { ",\"rpc\":" };
            let params = if method == "count" { "[4]" } else { "[]" };
            format!(
                r#"{{"jsonrpc":"2.0","id":"x","method":"{method}","params":{params}{rpc}{companions}}}"#
            )
        };
        // Down, two values at a time.
        let call = request("count", r#"{"stream":[2,1000]}"#);
        hand.publish(&world.queue, call.as_bytes(), marked(about(&own, ""))).await;
        let grant = hand.next(&own).await;
        check(
            &grant,
            Some("down"),
            None,
            r#"{"jsonrpc":"2.0","method":"rpc.grant","params":["x",0,0]}"#,
        );
        let number = grant.properties.correlation_id().as_ref().map(|id| id.as_str());
        assert_eq!(number, Some("7"));
        let media = grant.properties.content_type().as_ref().map(|name| name.as_str());
        assert_eq!(media, Some("application/json"));
        let worker = reply_to(&grant);
        let item = |value: u32| {
            format!(r#"{{"jsonrpc":"2.0","method":"rpc.item","params":["x",{value}]}}"#)
        };
        for value in 0..2 {
            check(&hand.next(&own).await, Some("down"), Some(&worker), &item(value));
        }
        assert_eq!(hand.count(&own).await, 0, "no more than was granted");
        let credit = br#"{"jsonrpc":"2.0","method":"rpc.credit","params":["x",5,1000]}"#;
        hand.publish(&worker, credit, counted(&own, 1)).await;
        for value in 2..4 {
            let message = hand.next(&own).await;
            check(&message, Some("down"), Some(&worker), &item(value));
            assert_eq!(count(&message), Some(&*(value + 2).to_string()));
        }
        let answer = hand.next(&own).await;
        check(&answer, None, None, r#"{"jsonrpc":"2.0","id":"x","result":null}"#);
        assert_eq!(count(&answer), Some("6"));

        // Up. What nobody knows, and what is no message within a call, changes nothing.
        let call = request("sum", r#"{"send":true}"#);
        hand.publish(&world.queue, call.as_bytes(), marked(about(&own, ""))).await;
        let grant = hand.next(&own).await;
        let body = String::from_utf8_lossy(&grant.data).into_owned();
        assert!(body.contains(r#""rpc.grant","params":["x",1024,"#), "{body}");
        let say = |method: &str, params: &str| {
            format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params}}}"#)
        };
        let mut said = 0;
        for (body, from) in [
            ("no message".to_owned(), own.as_str()),
            (request("add", ""), &own),
            (r#"{"jsonrpc":"2.0","id":"x","result":1}"#.into(), &own),
            (say("rpc.send", r#"["y",1]"#), &own),
            (say("rpc.send", r#"["x",1]"#), "somebody else"),
            (say("rpc.unknown", r#"["x",1]"#), &own),
            (say("rpc.send", r#"["x",20]"#), &own),
            (say("rpc.send", r#"["x",3]"#), &own),
            (say("rpc.close", r#"["x",null]"#), &own),
        ] {
            said += u64::from(from == own);
            hand.publish(&worker, body.as_bytes(), counted(from, said)).await;
        }
        check(&hand.next(&own).await, None, None, r#"{"jsonrpc":"2.0","id":"x","result":23}"#);

        // Given up, in words and without.
        let cancel = say("rpc.cancel", r#"["x"]"#);
        for (end, answers) in [(cancel.as_bytes(), true), (b"", false)] {
            let call = request("endless", r#"{"stream":[1,1]}"#);
            hand.publish(&world.queue, call.as_bytes(), marked(about(&own, ""))).await;
            hand.next(&own).await;
            hand.next(&own).await;
            alive.until(1).await;
            let properties = if answers { counted(&own, 1) } else { about(&own, "up") };
            hand.publish(&worker, end, properties).await;
            alive.until(0).await;
            if answers {
                let answer = hand.next(&own).await;
                assert!(String::from_utf8_lossy(&answer.data).contains("-32012"), "{answer:?}");
            }
        }

        // A value is missing, so that nobody takes a part for the whole.
        let call = request("sum", r#"{"send":true}"#);
        hand.publish(&world.queue, call.as_bytes(), marked(about(&own, ""))).await;
        hand.next(&own).await;
        alive.until(1).await;
        let value = say("rpc.send", r#"["x",1]"#);
        hand.publish(&worker, value.as_bytes(), counted(&own, 1)).await;
        hand.publish(&worker, value.as_bytes(), counted(&own, 3)).await;
        let mut end = hand.next(&own).await;
        while end.properties.kind().is_some() {
            end = hand.next(&own).await;
        }
        check(&end, None, None, "");
        alive.until(0).await;

        // Without the mark, or without the companions, it is a call as any other.
        for (companions, properties) in [
            (r#"{"stream":[2,1000]}"#, about(&own, "")),
            ("", marked(about(&own, ""))),
            ("", about(&own, "")),
        ] {
            let call = request("count", companions);
            hand.publish(&world.queue, call.as_bytes(), properties).await;
            let answer = hand.next(&own).await;
            check(&answer, None, None, r#"{"jsonrpc":"2.0","id":"x","result":[0,1,2,3]}"#);
        }
        assert_eq!(hand.count(&own).await, 0);
        // All of it is acknowledged.
        drop(_server);
        assert_eq!(world.by_hand().await.count(&world.queue).await, 0);
    })
    .await;
}

/// Publishes as a worker that reads `own` does.
///
/// Its messages within a call are counted: those that `kind` says, as `down 3`.
pub(crate) async fn answer(
    hand: &Hand,
    to: &str,
    own: &str,
    kind: &str,
    request: &Delivery,
    body: &str,
) {
    let number = request.properties.correlation_id().clone().expect("a number");
    let (kind, count) = kind.split_once(' ').unwrap_or((kind, ""));
    let mut properties = about(own, kind).with_correlation_id(number);
    if !count.is_empty() {
        properties = properties.with_message_id(count.into());
    }
    hand.publish(to, body.as_bytes(), properties).await;
}

/// A worker by hand, and what it has read of the request.
pub(crate) async fn by_hand(world: &World) -> Hand {
    world.serve(service(), "").await.shutdown().await;
    world.by_hand().await
}

#[tokio::test]
async fn a_worker_by_hand() {
    let Some(world) = World::new() else { return };
    in_time(async {
        let hand = by_hand(&world).await;
        let own = hand.answers().await;
        let client = world.client("jsonrpc", "").await;
        let (numbers, mut doubles) =
            client.duplex::<_, u64, u64>("double", ()).window(8, 1000).await.expect("it is sent");
        let request = hand.next(&world.queue).await;
        let body = String::from_utf8_lossy(&request.data).into_owned();
        let parts = [r#""stream":[8,1000]"#, r#""send":true"#, r#""method":"double""#];
        assert!(parts.iter().all(|part| body.contains(part)), "{body}");
        let headers = request.properties.headers().clone().expect("headers");
        assert_eq!(headers.inner().get("tinyrpc-extension"), Some(&AMQPValue::LongInt(1)));
        let to = reply_to(&request);
        // It sends nothing before it may.
        answer(
            &hand,
            &to,
            &own,
            "down 1",
            &request,
            r#"{"jsonrpc":"2.0","method":"rpc.grant","params":[1,1,1000]}"#,
        )
        .await;
        numbers.send(21).await.expect("it may");
        let said = hand.next(&own).await;
        check(
            &said,
            Some("up"),
            Some(&to),
            r#"{"jsonrpc":"2.0","method":"rpc.send","params":[1,21]}"#,
        );
        answer(
            &hand,
            &to,
            &own,
            "down 2",
            &request,
            r#"{"jsonrpc":"2.0","method":"rpc.item","params":[1,42]}"#,
        )
        .await;
        assert_eq!(doubles.next().await.expect("a value").expect("a number"), 42);
        numbers.close();
        let said = hand.next(&own).await;
        check(
            &said,
            Some("up"),
            Some(&to),
            r#"{"jsonrpc":"2.0","method":"rpc.close","params":[1,null]}"#,
        );
        answer(&hand, &to, &own, " 3", &request, r#"{"jsonrpc":"2.0","id":1,"result":null}"#).await;
        assert!(doubles.next().await.is_none());

        // An ordinary call has nothing of it.
        let call = client.call::<_, i64>("add", (2, 3)).send().await.expect("it is sent");
        let request = hand.next(&world.queue).await;
        assert_eq!(request.data, br#"{"jsonrpc":"2.0","id":2,"method":"add","params":[2,3]}"#);
        assert!(request.properties.headers().is_none(), "{:?}", request.properties);
        answer(&hand, &to, &own, "", &request, r#"{"jsonrpc":"2.0","id":2,"result":5}"#).await;
        assert_eq!(call.await.expect("an answer"), 5);

        // Whoever has a call that is over is told so: once more than granted came, and where nobody
        // waits when it begins.
        let mut numbers = client.stream::<_, u64>("count", ()).window(1, 10).await.expect("sent");
        let request = hand.next(&world.queue).await;
        for value in ["1", "2"] {
            let body = format!(r#"{{"jsonrpc":"2.0","method":"rpc.item","params":[3,{value}]}}"#);
            let kind = format!("down {value}");
            answer(&hand, &to, &own, &kind, &request, &body).await;
        }
        check(&hand.next(&own).await, Some("up"), Some(&to), "");
        assert_eq!(numbers.next().await.expect("a value").expect("a number"), 1);
        let error = numbers.next().await.expect("an end").expect_err("it is too much");
        assert!(error.to_string().contains("more of a stream"), "{error}");
        let numbers = client.stream::<_, u64>("count", ()).await.expect("it is sent");
        let request = hand.next(&world.queue).await;
        drop(numbers);
        answer(
            &hand,
            &to,
            &own,
            "down 1",
            &request,
            r#"{"jsonrpc":"2.0","method":"rpc.grant","params":[4,0,0]}"#,
        )
        .await;
        check(&hand.next(&own).await, Some("up"), Some(&to), "");

        // What cannot be followed may have been the answer.
        let mut numbers = client.stream::<_, u64>("count", ()).await.expect("it is sent");
        let request = hand.next(&world.queue).await;
        answer(&hand, &to, &own, "down 1", &request, "no message").await;
        let error = numbers.next().await.expect("an end").expect_err("it is none");
        assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
        check(&hand.next(&own).await, Some("up"), Some(&to), "");

        // A message is missing: of the values, and before the answer.
        for (number, kinds) in [(6, ["down 1", "down 3"]), (7, ["down 1", " 3"])] {
            let mut numbers = client.stream::<_, u64>("count", ()).await.expect("it is sent");
            let request = hand.next(&world.queue).await;
            for kind in kinds {
                let body = match kind {
                    " 3" => format!(r#"{{"jsonrpc":"2.0","id":{number},"result":null}}"#),
                    _ => {
                        format!(r#"{{"jsonrpc":"2.0","method":"rpc.item","params":[{number},8]}}"#)
                    }
                };
                answer(&hand, &to, &own, kind, &request, &body).await;
            }
            assert_eq!(numbers.next().await.expect("a value").expect("a number"), 8);
            let error = numbers.next().await.expect("an end").expect_err("one is missing");
            assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
            assert!(error.to_string().contains("lost on its way"), "{error}");
        }
    })
    .await;
}

/// Workers that know no streams: of ours from before, and of others.
#[tokio::test]
async fn workers_that_know_no_streams() {
    let Some(world) = World::new() else { return };
    in_time(async {
        let hand = by_hand(&world).await;
        let own = hand.answers().await;
        let client = world.client("jsonrpc", "").await;
        let text = |id: u32, rest: &str| format!(r#"{{"jsonrpc":"2.0","id":{id},{rest}}}"#);

        let mut numbers = client.stream::<_, u64>("count", (3,)).await.expect("it is sent");
        let request = hand.next(&world.queue).await;
        let to = reply_to(&request);
        answer(&hand, &to, &own, "", &request, &text(1, r#""result":[0,1,2]"#)).await;
        let error = numbers.next().await.expect("a value").expect_err("it is an array");
        assert!(matches!(error, Error::Mismatch(_)), "{error}");
        assert!(numbers.next().await.is_none());

        let (numbers, sum) = client.upload::<_, u64, u64>("sum", ()).await.expect("it is sent");
        let request = hand.next(&world.queue).await;
        answer(&hand, &to, &own, "", &request, &text(2, r#""result":0"#)).await;
        assert!(matches!(numbers.send(1).await, Err(Unsent::Over)));
        assert_eq!(sum.await.expect("an answer"), 0);

        let mut refused = client.stream::<_, u64>("count", (3,)).await.expect("it is sent");
        let request = hand.next(&world.queue).await;
        let error = r#""error":{"code":-32600,"message":"five elements"}"#;
        answer(&hand, &to, &own, "", &request, &text(3, error)).await;
        let error = refused.next().await.expect("an end").expect_err("it is refused");
        assert_eq!(error.outcome(), Outcome::Answered, "{error}");
        assert_eq!(client.in_flight(), 0);
    })
    .await;
}
