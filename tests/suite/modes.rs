//! Where handlers run: in tasks of their own, and on threads where they may block.

use std::{
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, channel},
    },
    thread,
};

use futures_util::future::join_all;
use tinyrpc::{BlockingPool, Code, Context, Dispatcher, Outcome, PoolLimits};

use crate::world::{PATIENCE, World, service};

/// What a blocking handler receives from, over all of its calls.
fn shared<T>(receiver: Receiver<T>) -> Arc<Mutex<Receiver<T>>> {
    Arc::new(Mutex::new(receiver))
}

pub(crate) async fn blocking(world: World) {
    let (open, gate) = channel::<()>();
    let gate = shared(gate);
    let wait = move |value: u8| {
        gate.lock().unwrap().recv_timeout(PATIENCE).expect("the gate opens");
        value
    };
    let service = service()
        .method("wait", wait)
        .params(["value"])
        .blocking()
        .method("open", move |count: usize| (0..count).for_each(|_| open.send(()).unwrap()))
        .method("burst", || -> u8 { panic!("on a thread") })
        .blocking();
    let at = world.serve(service).await;
    // Sixteen threads are blocked, and everything else goes on.
    let waiting = join_all((0..16).map(|value| at.client.call::<_, u8>("wait", (value,))));
    let rest = async {
        assert_eq!(at.client.call::<_, i64>("add", (2, 3)).await.unwrap(), 5);
        at.client.call::<_, ()>("open", (16,)).await.unwrap();
    };
    let (answers, ()) = futures_util::future::join(waiting, rest).await;
    assert!((0..16).eq(answers.into_iter().map(Result::unwrap)));
    let error = at.client.call::<_, u8>("burst", ()).await.unwrap_err();
    assert_eq!(error.as_rpc().expect("an answer").code, Code::INTERNAL_ERROR);
    let error = at.client.call::<_, u8>("wait", ("x",)).await.unwrap_err();
    assert_eq!(error.as_rpc().expect("an answer").code, Code::INVALID_PARAMS);
}

pub(crate) async fn spawned(world: World) {
    let service = service()
        .method("compute", async |value: u64| (1..=value).product::<u64>())
        .spawned()
        .method("burst", async || -> u8 {
            tokio::task::yield_now().await;
            panic!("in a task")
        })
        .spawned();
    let at = world.serve(service).await;
    let answers = join_all((0..16).map(|_| at.client.call::<_, u64>("compute", (10,)))).await;
    assert!(answers.into_iter().all(|answer| answer.unwrap() == 3_628_800));
    let error = at.client.call::<_, u8>("burst", ()).await.unwrap_err();
    assert_eq!(error.as_rpc().expect("an answer").code, Code::INTERNAL_ERROR);
    assert_eq!(at.client.call::<_, i64>("add", (2, 3)).await.unwrap(), 5);
}

pub(crate) async fn busy_pool(world: World) {
    let limits = PoolLimits { max_running: 1, max_queue: 1, ..PoolLimits::default() };
    let pool = BlockingPool::new(limits);
    let (begin, begun) = tokio::sync::mpsc::unbounded_channel();
    let mut begun = begun;
    let wait = move |context: Context| {
        begin.send(()).expect("the case goes on");
        while !context.is_cancelled() {
            thread::yield_now();
        }
    };
    let service = Dispatcher::new()
        .blocking_pool(&pool)
        .method("wait", wait)
        .blocking()
        .method("now", || 1)
        .blocking();
    let at = world.serve(service).await;
    let other = at.again.connect(|builder| builder).await;
    let waiting = at.client.call::<_, ()>("wait", ()).send().await.unwrap();
    begun.recv().await.expect("the handler has begun");
    let queued = other.call::<_, u8>("now", ()).send().await.unwrap();
    while pool.queued() == 0 {
        tokio::task::yield_now().await;
    }
    let error = other.call::<_, u8>("now", ()).await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::NotExecuted, "{error}");
    assert!(error.to_string().contains("`max_queue`"), "{error}");
    // The thread learns that its client is gone, and only then the next one has its place.
    drop((waiting, at.client));
    assert_eq!(queued.await.unwrap(), 1);
}
