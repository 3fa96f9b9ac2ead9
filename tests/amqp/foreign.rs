//! What others put into a queue.

use lapin::BasicProperties;

use crate::world::{Count, World, in_time, service};

#[tokio::test]
async fn garbage_is_answered_where_there_is_an_address() {
    let Some(world) = World::new() else { return };
    in_time(async {
        let _server = world.serve(service(), "&max_message=1000").await;
        let hand = world.by_hand().await;
        let answers = hand.answers().await;
        let long = vec![b'['; 2000];
        for (body, properties, expected) in [
            (b"no JSON at all".as_slice(), BasicProperties::default(), "-32700"),
            (b"{\"jsonrpc\":\"2.0\"", BasicProperties::default(), "-32700"),
            (b"\xff\xff\xff", BasicProperties::default(), "-32700"),
            (
                b"[]",
                BasicProperties::default().with_content_type("application/msgpack".into()),
                "-32600",
            ),
            (&long, BasicProperties::default(), "1000"),
        ] {
            let properties = properties
                .with_reply_to(answers.as_str().into())
                .with_correlation_id("not a number".into());
            hand.publish(&world.queue, body, properties).await;
            let answer = hand.next(&answers).await;
            let text = String::from_utf8_lossy(&answer.data);
            assert!(text.contains(expected), "{}: {text}", body.escape_ascii());
            let number = answer.properties.correlation_id().as_ref().map(|id| id.as_str());
            assert_eq!(number, Some("not a number"));
        }
        // Nobody else noticed.
        let client = world.client("msgpack", "").await;
        assert_eq!(client.call::<_, i64>("add", (2, 3)).await.expect("an answer"), 5);
    })
    .await;
}

#[tokio::test]
async fn what_nobody_can_answer_is_a_dead_letter() {
    let Some(world) = World::new() else { return };
    in_time(async {
        let _server = world.serve(service(), "").await;
        let hand = world.by_hand().await;
        let dead = format!("{}.dead", world.queue);
        let dead = dead.as_str();
        for body in ["no JSON at all", r#"{"jsonrpc":"2.0","method":"add","params":[1,2],"id":1}"#]
        {
            let properties = BasicProperties::default().with_app_id("test".into());
            hand.publish(&world.queue, body.as_bytes(), properties).await;
            hand.made(dead).await;
            let hand = world.by_hand().await;
            let letter = hand.next(dead).await;
            assert_eq!(letter.data, body.as_bytes());
            assert_eq!(letter.properties.app_id().as_ref().map(|id| id.as_str()), Some("test"));
            let headers = letter.properties.headers().clone().expect("headers");
            assert!(headers.contains_key("x-tinyrpc-why"), "{headers:?}");
        }
        let client = world.client("jsonrpc", "").await;
        assert_eq!(client.call::<_, i64>("add", (2, 3)).await.expect("an answer"), 5);
        assert_eq!(world.by_hand().await.count(&world.queue).await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_message_that_kills_its_workers_is_a_dead_letter() {
    let Some(world) = World::new() else { return };
    in_time(async {
        // Declared as a worker of ours does it.
        world.serve(service(), "").await.shutdown().await;
        let hand = world.by_hand().await;
        let dead = format!("{}.dead", world.queue);
        let count = Count::default();
        let counted = count.clone();
        let service = service().method("kill", move || {
            counted.add();
            std::future::pending::<()>()
        });
        let call = br#"{"jsonrpc":"2.0","method":"kill","id":1}"#;
        let answers = hand.answers().await;
        let properties = BasicProperties::default().with_reply_to(answers.as_str().into());
        hand.publish(&world.queue, call, properties).await;
        for number in 1..=3 {
            let server = world.serve(service.clone(), "&tries=2").await;
            count.until(number).await;
            // Its connection ends with the message in it.
            server.close();
            server.stopped().await;
        }
        let _server = world.serve(service.clone(), "&tries=2").await;
        hand.made(&dead).await;
        let letter = world.by_hand().await.next(&dead).await;
        assert_eq!(letter.data, call);
        assert_eq!(count.get(), 3, "once, and again twice");
    })
    .await;
}

#[tokio::test]
async fn the_same_message_again_is_answered_and_not_executed() {
    let Some(world) = World::new() else { return };
    in_time(async {
        let count = Count::default();
        let counted = count.clone();
        let service = service().method("next", move || counted.add());
        let _server = world.serve(service, "").await;
        let hand = world.by_hand().await;
        let answers = hand.answers().await;
        let call = br#"{"jsonrpc":"2.0","method":"next","id":1}"#;
        let properties = |key: &str| {
            BasicProperties::default()
                .with_reply_to(answers.as_str().into())
                .with_correlation_id("7".into())
                .with_message_id(key.into())
        };
        for (key, expected) in [("one", 1), ("one", 1), ("two", 2), ("one", 1), ("two", 2)] {
            hand.publish(&world.queue, call, properties(key)).await;
            let answer = hand.next(&answers).await;
            let text = String::from_utf8_lossy(&answer.data);
            assert!(text.contains(&format!("\"result\":{expected}")), "{key}: {text}");
        }
        assert_eq!(count.get(), 2);
    })
    .await;
}
