//! Subscriptions, from both sides.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    task::{Context, Poll},
};

use futures_util::{Stream, StreamExt, stream};
use tinyrpc::{
    Code, Context as CallContext, Dispatcher, Error, Limits, Outcome, RpcError, Server, Slow,
};
use tokio::sync::mpsc;

use crate::world::{World, service};

/// A stream that never has anything, and tells when it is dropped.
struct Silent(mpsc::UnboundedSender<()>);

impl Stream for Silent {
    type Item = u32;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<u32>> {
        Poll::Pending
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        _ = self.0.send(());
    }
}

/// A service with subscriptions, and who is told of streams that are dropped.
fn subscribed() -> (Dispatcher, mpsc::UnboundedReceiver<()>) {
    let (dropped, drops) = mpsc::unbounded_channel();
    let service = service()
        .subscription("count", "counted", "uncount", |from: u32, to: u32| stream::iter(from..to))
        .params(["from", "to"])
        .subscription("silence", "heard", "unsilence", move || Silent(dropped.clone()))
        .subscription("broken", "shard", "unbroken", || {
            stream::iter([Ok(1), Err(RpcError::new(Code(17), "it broke"))])
        })
        .subscription("perhaps", "last", "unperhaps", async |fails: bool| match fails {
            true => Err(RpcError::new(Code(18), "not you")),
            false => Ok(stream::iter([String::from("text")]).boxed()),
        });
    (service, drops)
}

pub(crate) async fn items(world: World) {
    let (service, _drops) = subscribed();
    let at = world.serve(service).await;
    let counted = at.client.subscribe::<u32>("count", (0, 1000), "uncount").await;
    if !world.duplex() {
        // What cannot work fails at once and says what is missing.
        let error = counted.unwrap_err();
        assert_eq!(error.outcome(), Outcome::Answered);
        assert!(error.to_string().contains("permanent connection"), "{error}");
        return;
    }
    let mut counted = counted.unwrap();
    for expected in 0..1000 {
        assert_eq!(counted.next().await.unwrap().unwrap(), expected);
    }
    assert!(counted.next().await.is_none());
    assert!(counted.next().await.is_none());
    assert!(counted.is_closed());
    // Named params, and a type that does not fit.
    let params = serde_json::json!({"from": 5, "to": 7});
    let texts = at.client.subscribe::<String>("count", params, "uncount").await.unwrap();
    let texts: Vec<_> = texts.collect().await;
    assert_eq!(texts.len(), 2);
    assert!(texts.iter().all(|item| matches!(item, Err(Error::Mismatch(_)))), "{texts:?}");
}

pub(crate) async fn failures(world: World) {
    if !world.duplex() {
        return;
    }
    let (service, _drops) = subscribed();
    let at = world.serve(service).await;
    let mut broken = at.client.subscribe::<u32>("broken", (), "unbroken").await.unwrap();
    assert_eq!(broken.next().await.unwrap().unwrap(), 1);
    let error = broken.next().await.unwrap().unwrap_err();
    let error = error.as_rpc().unwrap();
    assert_eq!((error.code, &*error.message), (Code(17), "it broke"));
    assert!(broken.next().await.is_none());
    let error = at.client.subscribe::<String>("perhaps", (true,), "unperhaps").await.unwrap_err();
    assert_eq!(error.as_rpc().unwrap().code, Code(18));
    let perhaps = at.client.subscribe::<String>("perhaps", (false,), "unperhaps").await.unwrap();
    let texts: Vec<String> = perhaps.map(|item| item.unwrap()).collect().await;
    assert_eq!(texts, ["text"]);
    let error = at.client.subscribe::<String>("nosuch", (), "unsuch").await.unwrap_err();
    assert_eq!(error.as_rpc().unwrap().code, Code::METHOD_NOT_FOUND);
}

/// However a subscriber leaves, its stream is dropped.
pub(crate) async fn departures(world: World) {
    if !world.duplex() {
        return;
    }
    let (service, mut drops) = subscribed();
    let at = world.serve(service).await;
    let client = &at.client;
    let silence = client.subscribe::<u32>("silence", (), "unsilence").await.unwrap();
    let id = silence.id().clone();
    assert!(silence.unsubscribe().await.unwrap());
    drops.recv().await.unwrap();
    assert!(!client.call::<_, bool>("unsilence", (&id,)).await.unwrap());
    let silence = client.subscribe::<u32>("silence", (), "unsilence").await.unwrap();
    assert_ne!(*silence.id(), id);
    drop(silence);
    drops.recv().await.unwrap();
    assert_eq!(client.in_flight(), 0);
    if !world.sees_ends() {
        return;
    }
    let silence = client.subscribe::<u32>("silence", (), "unsilence").await.unwrap();
    client.close().await;
    drops.recv().await.unwrap();
    drop(silence);
}

pub(crate) async fn ends(world: World) {
    if !world.duplex() || !world.sees_ends() {
        return;
    }
    let (service, mut drops) = subscribed();
    let at = world.serve(service).await;
    let mut silence = at.client.subscribe::<u32>("silence", (), "unsilence").await.unwrap();
    at.server.shutdown().await;
    drops.recv().await.unwrap();
    let error = silence.next().await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Interrupted(_)), "{error}");
    assert!(silence.next().await.is_none());
}

pub(crate) async fn limited(world: World) {
    if !world.duplex() {
        return;
    }
    let (service, _drops) = subscribed();
    let limits = Limits { max_subscriptions: 2, ..Limits::default() };
    let at = world.serve_with(Server::new(service).limits(limits), |builder| builder).await;
    let first = at.client.subscribe::<u32>("silence", (), "unsilence").await.unwrap();
    let _second = at.client.subscribe::<u32>("silence", (), "unsilence").await.unwrap();
    let error = at.client.subscribe::<u32>("silence", (), "unsilence").await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::NotExecuted);
    assert!(error.to_string().contains("`max_subscriptions` of 2"), "{error}");
    first.unsubscribe().await.unwrap();
    let _third = at.client.subscribe::<u32>("silence", (), "unsilence").await.unwrap();
}

/// What has no subscription is for the client's own service, whatever it looks like.
pub(crate) async fn own_service(world: World) {
    if !world.duplex() {
        return;
    }
    #[derive(serde::Serialize)]
    struct Tick {
        subscription: u64,
        result: u32,
    }
    let seen = Arc::<AtomicU32>::default();
    let (heard, mut hears) = mpsc::unbounded_channel();
    let noted = Arc::clone(&seen);
    let own = Dispatcher::new().method("tick", move |value: serde_json::Value| {
        noted.fetch_add(1, SeqCst);
        _ = heard.send(value);
    });
    // It says this before it answers.
    let service = service().subscription("sub", "mine", "unsub", async |context: CallContext| {
        let tick = Tick { subscription: 4711, result: 1 };
        context.peer().notify("tick", tick).await.map_err(RpcError::internal)?;
        context.peer().notify("tick", (5,)).await.map_err(RpcError::internal)?;
        Ok::<_, RpcError>(stream::iter([7, 8]))
    });
    let at = world.serve_with(Server::new(service), |builder| builder.serve(own)).await;
    let mine = at.client.subscribe::<u32>("sub", (), "unsub").await.unwrap();
    let mine: Vec<u32> = mine.map(|item| item.unwrap()).collect().await;
    assert_eq!(mine, [7, 8]);
    let mut heard = [hears.recv().await.unwrap(), hears.recv().await.unwrap()];
    heard.sort_by_key(|value| value.is_object());
    assert_eq!(heard[0], 5);
    assert_eq!(heard[1]["subscription"], 4711);
    assert_eq!(seen.load(SeqCst), 2);
}

/// A subscriber that waits gets everything, however little room there is on the way.
pub(crate) async fn slow_subscriber(world: World) {
    if !world.duplex() {
        return;
    }
    let (service, _drops) = subscribed();
    let at = world.serve(service).await;
    let counted = at.client.subscribe::<u32>("count", (0, 5000), "uncount");
    let mut counted = counted.slow(Slow::Wait, 4).await.unwrap();
    for expected in 0..5000 {
        assert_eq!(counted.next().await.unwrap().unwrap(), expected);
        if expected % 1000 == 0 {
            // A call gets through meanwhile.
            assert_eq!(at.client.call::<_, i64>("add", (2, 3)).await.unwrap(), 5);
        }
    }
    assert!(counted.next().await.is_none());
    assert_eq!(counted.missed(), 0);
}
