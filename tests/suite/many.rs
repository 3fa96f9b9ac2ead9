//! Calls to many peers at the same time.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use futures_util::future::poll_immediate;
use tinyrpc::{CallAll, Caller, Client, Dispatcher, Error, Outcome, Server, call_all};
use tokio::sync::Notify;

use crate::world::{Link, World, service, tight};

/// Says who answers, and the later the lower the number.
fn numbered(number: usize, next: &Arc<AtomicUsize>, changed: &Arc<Notify>) -> Dispatcher {
    let (next, changed) = (Arc::clone(next), Arc::clone(changed));
    service().method("who", move |text: String| {
        let (next, changed) = (Arc::clone(&next), Arc::clone(&changed));
        async move {
            loop {
                let notified = changed.notified();
                if next.load(SeqCst) == number {
                    break;
                }
                notified.await;
            }
            next.store(number.wrapping_sub(1), SeqCst);
            changed.notify_waiters();
            format!("{text} {number}")
        }
    })
}

pub(crate) async fn one_call_to_all(world: World) {
    // The last one answers first, and one of them speaks another protocol.
    let (next, changed) = (Arc::new(AtomicUsize::new(3)), Arc::new(Notify::new()));
    let other = if world.protocol == "msgpack" { "jsonrpc" } else { "msgpack" };
    let other = World::new(other, Link::Memory).await;
    let mut at = Vec::new();
    for (number, world) in [&world, &other, &world, &world].into_iter().enumerate() {
        at.push(world.serve(numbered(number, &next, &changed)).await);
    }
    let clients: Vec<Client> = at.iter().map(|at| at.client.clone()).collect();
    assert_ne!(clients[0].format(), clients[1].format());
    let answers: Vec<Result<String, Error>> = call_all(&clients, "who", ("it is",)).await;
    let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    assert_eq!(answers, ["it is 0", "it is 1", "it is 2", "it is 3"]);
    // One that fails does not disturb the others.
    clients[2].close().await;
    let sums = call_all::<_, i64>(&clients, "add", (2, 3)).await;
    let sums: Vec<_> = sums.into_iter().map(|sum| sum.map_err(|error| error.outcome())).collect();
    assert_eq!(sums, [Ok(5), Ok(5), Err(Outcome::NotExecuted), Ok(5)]);
    // A task of its own may make the calls.
    let callers = [&clients[3], &clients[0]].map(|client| Caller::clone(client));
    let task = tokio::spawn(async move { call_all::<_, i64>(callers, "add", (4, 5)).await });
    task.await.unwrap().into_iter().for_each(|sum| assert_eq!(sum.unwrap(), 9));
    assert!(call_all::<_, i64>([] as [Client; 0], "add", (2, 3)).await.is_empty());
}

pub(crate) async fn different_calls(world: World) {
    let at = world.serve(service().nest("math.", service())).await;
    let more = at.again.connect(|builder| builder).await;
    let math: Caller = at.client.with_prefix("math.");
    let missing = "sub".to_owned();
    let answers = CallAll::<i64>::new()
        .call(&at.client, "add", (2, 3))
        .call(&more, "later", (7,))
        .call(&math, &missing, ())
        .call(&math, "add", [4, 5])
        .send()
        .await;
    let shown: Vec<_> = answers.iter().map(|answer| answer.as_ref().ok()).collect();
    assert_eq!(shown, [Some(&5), Some(&7), None, Some(&9)]);
    let error = answers[2].as_ref().unwrap_err();
    assert!(error.to_string().contains("math.sub"), "{error}");
}

pub(crate) async fn given_up(world: World) {
    let service = service().method("wait", std::future::pending::<()>);
    let server = Server::new(service).limits(tight());
    let at = world.serve_with(server, |builder| builder.limits(tight())).await;
    let more = at.again.connect(|builder| builder.limits(tight())).await;
    // Many more than a connection takes at a time: they wait their turn.
    let many = || [&at.client, &more].repeat(40);
    let sums = call_all::<_, i64>(many(), "add", (2, 3)).await;
    assert_eq!(sums.len(), 80);
    sums.into_iter().for_each(|sum| assert_eq!(sum.unwrap(), 5));
    // Nothing is called before it is polled, and nothing is left when it is dropped.
    let in_flight = || [at.client.in_flight(), more.in_flight()];
    let mut calling = Box::pin(call_all::<_, ()>(many(), "wait", ()));
    assert_eq!(in_flight(), [0, 0]);
    assert!(poll_immediate(&mut calling).await.is_none());
    assert_eq!(in_flight(), [tight().max_calls; 2]);
    drop(calling);
    assert_eq!(in_flight(), [0, 0]);
}
