//! What a server does for each connection: a service of its own, and hooks at both ends.

use std::{
    panic::resume_unwind,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
};

use tinyrpc::{Context, Dispatcher, Outcome, Reason, Scope, Server};
use tokio::sync::Notify;

use crate::world::{World, service};

/// Counts what it is asked by one client.
fn counting() -> Dispatcher {
    let asked = AtomicU32::new(0);
    service().method("count", move || asked.fetch_add(1, SeqCst) + 1)
}

pub(crate) async fn per_connection(world: World) {
    let made = Arc::new(AtomicU32::new(0));
    let number = Arc::clone(&made);
    let server = Server::per_connection(|scope: &Arc<Scope>| {
        let number = *scope.data::<u32>().expect("`on_connect` comes first");
        counting().method("number", move || number)
    });
    let server = server.on_connect(move |scope| scope.insert(number.fetch_add(1, SeqCst)));
    let at = world.serve_with(server, |builder| builder).await;
    for expected in 1..=3 {
        assert_eq!(at.client.call::<_, u32>("count", ()).await.unwrap(), expected);
    }
    let second = at.again.connect(|builder| builder).await;
    assert_eq!(second.call::<_, u32>("count", ()).await.unwrap(), 1);
    assert_eq!(at.client.call::<_, u32>("count", ()).await.unwrap(), 4);
    for (client, number) in [(&at.client, 0), (&second, 1)] {
        assert_eq!(client.call::<_, u32>("number", ()).await.unwrap(), number);
    }
    assert_eq!(made.load(SeqCst), 2);
}

/// How connections ended, by their numbers.
#[derive(Clone, Default)]
struct Endings {
    seen: Arc<Mutex<Vec<(u32, String)>>>,
    changed: Arc<Notify>,
}

impl Endings {
    /// Numbers the connections of a server, and notes how each one ends.
    fn watch(&self, server: Server) -> Server {
        let last = AtomicU32::new(0);
        let endings = self.clone();
        server.on_connect(move |scope| scope.insert(last.fetch_add(1, SeqCst) + 1)).on_close(
            move |scope, reason: &Reason| {
                assert!(scope.caller.closed().is_some(), "calls have ended");
                let number = *scope.data::<u32>().expect("a number");
                endings.seen.lock().unwrap().push((number, reason.to_string()));
                endings.changed.notify_waiters();
            },
        )
    }

    async fn until(&self, count: usize) -> Vec<(u32, String)> {
        loop {
            let changed = self.changed.notified();
            let seen = self.seen.lock().unwrap().clone();
            if seen.len() >= count {
                return seen;
            }
            changed.await;
        }
    }
}

pub(crate) async fn closings(world: World) {
    let endings = Endings::default();
    let at = world.serve_with(endings.watch(Server::new(service())), |builder| builder).await;
    assert_eq!(at.client.call::<_, i64>("add", (2, 3)).await.unwrap(), 5);
    // By the client.
    let second = at.again.connect(|builder| builder).await;
    assert_eq!(second.call::<_, i64>("add", (2, 3)).await.unwrap(), 5);
    second.close().await;
    let seen = endings.until(1).await;
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].0, 2);
    assert!(seen[0].1.contains("closed"), "{seen:?}");
    assert_eq!(at.server.peers().len(), 1);
    // By a shutdown, which waits for it.
    at.server.shutdown().await;
    let seen = endings.seen.lock().unwrap().clone();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[1].0, 1);
    assert!(at.server.peers().is_empty());
    // By the server at once.
    let at = world.serve_with(endings.watch(Server::new(service())), |builder| builder).await;
    assert_eq!(at.client.call::<_, i64>("add", (2, 3)).await.unwrap(), 5);
    at.server.close();
    let seen = endings.until(3).await;
    assert_eq!(seen[2], (1, "the connection is closed: this side closed it".to_owned()));
    if world.permanent() {
        at.client.closed().await;
    }
    assert_eq!(endings.seen.lock().unwrap().len(), 3, "each one once");
}

pub(crate) async fn hooks_that_panic(world: World) {
    // The second connection's factory panics, and so does the third one's `on_connect`.
    let endings = Endings::default();
    let made = AtomicU32::new(0);
    let server = Server::per_connection(move |_| {
        if made.fetch_add(1, SeqCst) == 1 {
            resume_unwind(Box::new("the secret"));
        }
        service()
    });
    let begun = AtomicU32::new(0);
    let server = endings.watch(server).on_connect(move |scope| {
        let number = begun.fetch_add(1, SeqCst) + 1;
        scope.insert(number);
        if number == 3 {
            resume_unwind(Box::new("the secret"));
        }
    });
    let at = world.serve_with(server, |builder| builder).await;
    assert_eq!(at.client.call::<_, i64>("add", (2, 3)).await.unwrap(), 5);
    for (number, what) in [(2, "the factory of services"), (3, "`on_connect`")] {
        let unlucky = at.again.connect(|builder| builder).await;
        let error = unlucky.call::<_, i64>("add", (2, 3)).await.unwrap_err();
        assert_ne!(error.outcome(), Outcome::Answered, "{error}");
        let seen = endings.until(number - 1).await;
        let reason = format!("the connection is closed: {what} of the server panicked");
        assert_eq!(seen[number - 2], (number as u32, reason));
    }
    // The others go on, and so does the server.
    assert_eq!(at.client.call::<_, i64>("add", (2, 3)).await.unwrap(), 5);
    let fourth = at.again.connect(|builder| builder).await;
    assert_eq!(fourth.call::<_, i64>("add", (2, 3)).await.unwrap(), 5);

    // One that panics at the end does no harm.
    let server = Server::new(service()).on_close(|_, _| resume_unwind(Box::new("no")));
    let at = world.serve_with(server, |builder| builder).await;
    assert_eq!(at.client.call::<_, i64>("add", (2, 3)).await.unwrap(), 5);
    at.server.shutdown().await;
    assert!(at.server.peers().is_empty());
}

/// A runtime that is dropped takes its tasks along, and every connection still ends once.
#[test]
fn a_runtime_that_is_dropped_ends_connections() {
    let endings = Endings::default();
    let dropped = Arc::new(AtomicU32::new(0));
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let outer = runtime();
    let inner = runtime();
    let counter = Arc::clone(&dropped);
    let service = service().method("wait", move |_context: Context| {
        let counted = Counted(Arc::clone(&counter));
        async move {
            std::future::pending::<()>().await;
            drop(counted);
        }
    });
    inner.block_on(async {
        let world = World::new("jsonrpc", crate::world::Link::Memory).await;
        let at = world.serve_with(endings.watch(Server::new(service)), |builder| builder).await;
        let call = at.client.call::<_, ()>("wait", ()).send().await.unwrap();
        assert_eq!(at.client.call::<_, i64>("add", (2, 3)).await.unwrap(), 5);
        drop(call);
    });
    assert!(endings.seen.lock().unwrap().is_empty());
    drop(inner);
    let seen = outer.block_on(endings.until(1));
    assert_eq!(seen.len(), 1);
    assert_eq!(dropped.load(SeqCst), 1, "its handler is dropped, too");
}

struct Counted(Arc<AtomicU32>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}
