//! How calls and connections end: every call exactly once, and its outcome known.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    time::Duration,
};

use futures_util::{FutureExt, future::join_all};
use tinyrpc::{Dispatcher, Error, Limits, Outcome, Reason, Server};
use tokio::sync::{Notify, Semaphore};

use crate::world::{World, service, tight};

/// `wait` is pending until a permit is there; `begun` counts, `dropped` counts those given up.
struct Gate {
    permits: Semaphore,
    begun: AtomicU32,
    dropped: AtomicU32,
    changed: Notify,
}

struct Inside<'a>(&'a Gate, bool);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        if !self.1 {
            self.0.dropped.fetch_add(1, SeqCst);
        }
        self.0.changed.notify_waiters();
    }
}

impl Gate {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            permits: Semaphore::new(0),
            begun: AtomicU32::new(0),
            dropped: AtomicU32::new(0),
            changed: Notify::new(),
        })
    }

    async fn pass(self: Arc<Self>) -> u8 {
        let mut inside = Inside(&self, false);
        self.begun.fetch_add(1, SeqCst);
        self.changed.notify_waiters();
        self.permits.acquire().await.expect("an open gate").forget();
        inside.1 = true;
        1
    }

    async fn until(&self, counter: impl Fn(&Self) -> &AtomicU32, count: u32) {
        loop {
            let changed = self.changed.notified();
            if counter(self).load(SeqCst) >= count {
                return;
            }
            changed.await;
        }
    }

    fn service(self: &Arc<Self>) -> Dispatcher {
        let gate = Arc::clone(self);
        service().method("wait", move || Arc::clone(&gate).pass())
    }
}

pub(crate) async fn timeouts(world: World) {
    let gate = Gate::new();
    let at = world.serve(gate.service()).await;
    let call = at.client.call::<_, u8>("wait", ()).timeout(Duration::from_millis(30));
    let error = call.await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert_eq!(error.outcome(), Outcome::Unknown);
    assert!(error.to_string().contains("30 ms"), "{error}");
    // The late answer reaches nobody.
    gate.permits.add_permits(1);
    assert_eq!(at.client.call::<_, i64>("add", (2, 3)).await.unwrap(), 5);
    assert_eq!(at.client.in_flight(), 0);
}

pub(crate) async fn cancelled(world: World) {
    let gate = Gate::new();
    let at = world.serve(gate.service()).await;
    for _ in 0..100 {
        let mut call = Box::pin(at.client.call::<_, u8>("wait", ()));
        assert!(call.as_mut().now_or_never().is_none());
    }
    assert_eq!(at.client.in_flight(), 0);
    assert_eq!(at.client.call::<_, i64>("add", (2, 3)).await.unwrap(), 5);
    gate.permits.add_permits(100);
    assert_eq!(at.client.call::<_, u32>("later", (1,)).await.unwrap(), 1);
}

pub(crate) async fn limits(world: World) {
    let gate = Gate::new();
    let server = Server::new(gate.service()).limits(tight());
    let at = world.serve_with(server, |builder| builder.limits(tight())).await;
    let waiting = join_all((0..4).map(|_| at.client.call::<_, u8>("wait", ())));
    let rest = async {
        gate.until(|gate| &gate.begun, 4).await;
        // A fifth one fails at once, or waits its turn.
        let error = at.client.try_call::<_, i64>("add", (2, 3)).await.unwrap_err();
        assert_eq!(error.outcome(), Outcome::NotExecuted);
        assert!(error.to_string().contains("max_calls"), "{error}");
        let late = at.client.call::<_, i64>("add", (2, 3)).timeout(Duration::from_millis(20));
        let error = late.await.unwrap_err();
        assert!(error.is_timeout() && error.outcome() == Outcome::NotExecuted, "{error}");
        let waits = at.client.call::<_, i64>("add", (2, 3));
        gate.permits.add_permits(4);
        assert_eq!(waits.await.unwrap(), 5);
    };
    let (answers, ()) = futures_util::future::join(waiting, rest).await;
    assert!(answers.into_iter().all(|answer| answer.is_ok_and(|one| one == 1)));
}

pub(crate) async fn shutdown(world: World) {
    let gate = Gate::new();
    let at = world.serve(gate.service()).await;
    let waiting = at.client.call::<_, u8>("wait", ());
    let (refused_tx, refused) = tokio::sync::oneshot::channel();
    let stop = async {
        gate.until(|gate| &gate.begun, 1).await;
        let shutting = at.server.shutdown();
        let late = async {
            // Until the order arrives calls are still served; then they are refused.
            loop {
                match at.client.call::<_, i64>("add", (2, 3)).await {
                    Ok(_) => tokio::task::yield_now().await,
                    Err(error) => break refused_tx.send(error).expect("a receiver"),
                }
            }
            gate.permits.add_permits(1);
        };
        futures_util::future::join(shutting, late).await;
    };
    let (answer, ()) = futures_util::future::join(waiting, stop).await;
    assert_eq!(answer.unwrap(), 1, "the call in flight is answered");
    let error = refused.await.expect("an error");
    assert_eq!(error.outcome(), Outcome::NotExecuted, "{error}");
    if world.permanent() {
        at.client.closed().await;
    }
    let error = at.client.call::<_, i64>("add", (2, 3)).await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::NotExecuted, "{error}");
    assert!(at.server.listen("tcp://127.0.0.1:0").await.is_err(), "it is down for good");
}

pub(crate) async fn lost_server(world: World) {
    let gate = Gate::new();
    let at = world.serve(gate.service()).await;
    let calls = join_all((0..10).map(|_| at.client.call::<_, u8>("wait", ())));
    let lose = async {
        gate.until(|gate| &gate.begun, 10).await;
        at.server.close();
        // The handlers are dropped with their connection.
        gate.until(|gate| &gate.dropped, 10).await;
    };
    let (answers, ()) = futures_util::future::join(calls, lose).await;
    for answer in answers {
        let error = answer.unwrap_err();
        assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
    }
    let error = at.client.call::<_, u8>("wait", ()).await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::NotExecuted, "{error}");
}

pub(crate) async fn closed_client(world: World) {
    let gate = Gate::new();
    let limits = Limits { shutdown: Duration::from_millis(50), ..Limits::default() };
    let at = world.serve_with(Server::new(gate.service()), |builder| builder.limits(limits)).await;
    let call = at.client.call::<_, u8>("wait", ()).send().await.unwrap();
    let close = async {
        gate.until(|gate| &gate.begun, 1).await;
        let closing = at.client.close();
        gate.permits.add_permits(1);
        closing.await;
    };
    let (answer, ()) = futures_util::future::join(call, close).await;
    assert_eq!(answer.unwrap(), 1, "a clean close waits for calls in flight");
    let error = at.client.call::<_, u8>("wait", ()).await.unwrap_err();
    assert!(matches!(error, Error::NotExecuted(Reason::Closed(_))), "{error}");
    // Dropping the last client closes too: what its server was doing for it ends.
    let client = at.again.connect(|builder| builder).await;
    let call = client.call::<_, u8>("wait", ()).send().await.unwrap();
    gate.until(|gate| &gate.begun, 2).await;
    drop((call, client));
    gate.until(|gate| &gate.dropped, 1).await;
}

pub(crate) async fn connections(world: World) {
    let limits = Limits { max_connections: 1, ..Limits::default() };
    let at = world.serve_with(Server::new(service()).limits(limits), |builder| builder).await;
    assert_eq!(at.client.call::<_, i64>("add", (2, 3)).await.unwrap(), 5);
    // With a handshake there is not even a connection.
    if let Ok(second) = at.again.try_connect(|builder| builder).await {
        assert!(second.call::<_, i64>("add", (2, 3)).await.is_err());
    }
    assert_eq!(at.client.call::<_, i64>("add", (2, 3)).await.unwrap(), 5);
    // The place is free again as soon as the server has seen the end of the first.
    assert!(at.client.close().await);
    loop {
        if let Ok(client) = at.again.try_connect(|builder| builder).await
            && client.call::<_, i64>("add", (2, 3)).await.is_ok()
        {
            break;
        }
        tokio::task::yield_now().await;
    }
}
