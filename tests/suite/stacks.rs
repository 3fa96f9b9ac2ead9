//! Stacks of `tower`'s own layers around services, and around clients.

use std::{
    future::{Ready, ready},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use futures_util::future::{join, join_all};
use tinyrpc::{
    Client, Code, Dispatcher, Error, Outcome, RpcError, Service as _,
    tower::{CallRequest, CallService, TowerLayer},
};
use tokio::sync::Semaphore;
use tower::{
    Service, ServiceBuilder, ServiceExt,
    balance::p2c::Balance,
    discover::ServiceList,
    load::{CompleteOnResponse, PendingRequests},
    retry::{Policy, RetryLayer},
    timeout::error::Elapsed,
};

use crate::world::{World, service};

pub(crate) async fn time_limit(world: World) {
    let stack = ServiceBuilder::new().timeout(Duration::from_millis(10)).into_inner();
    let silent = TowerLayer::new(stack.clone());
    let known = TowerLayer::new(stack).map_error(|error| {
        error.is::<Elapsed>().then(|| RpcError::new(Code::DEADLINE, "it took too long"))
    });
    let methods = || service().method("wait", std::future::pending::<()>);
    let service = Dispatcher::new()
        .nest("known.", methods().layer(known))
        .nest("silent.", methods().layer(silent));
    let at = world.serve(service).await;
    for (prefix, code) in [("known.", Code::DEADLINE), ("silent.", Code::INTERNAL_ERROR)] {
        let client = at.client.with_prefix(prefix);
        let error = client.call::<_, ()>("wait", ()).await.unwrap_err();
        // It was begun, so nobody promises that it was not executed.
        assert_eq!(error.outcome(), Outcome::Answered);
        assert_eq!(error.as_rpc().expect("an answer").code, code);
        assert_eq!(client.call::<_, i64>("add", (2, 3)).await.unwrap(), 5);
        assert_eq!(client.call::<_, u32>("later", (7,)).await.unwrap(), 7);
        let error = client.call::<_, u8>("panic", ("!",)).await.unwrap_err();
        assert_eq!(error.as_rpc().expect("an answer").code, Code::INTERNAL_ERROR);
    }
}

/// A method that waits for a permit, and how many of it run at most.
fn held(permits: &Arc<Semaphore>, most: &Arc<AtomicUsize>) -> Dispatcher {
    let (permits, most) = (Arc::clone(permits), Arc::clone(most));
    let running = Arc::<AtomicUsize>::default();
    service().method("hold", move || {
        let (permits, running) = (Arc::clone(&permits), Arc::clone(&running));
        most.fetch_max(running.fetch_add(1, SeqCst) + 1, SeqCst);
        async move {
            permits.acquire().await.expect("it stays open").forget();
            running.fetch_sub(1, SeqCst);
        }
    })
}

pub(crate) async fn most_at_once(world: World) {
    let (permits, most) = (Arc::new(Semaphore::new(0)), Arc::<AtomicUsize>::default());
    let limit = ServiceBuilder::new().concurrency_limit(2);
    let patient = TowerLayer::new(limit.clone().into_inner());
    let impatient =
        TowerLayer::new(ServiceBuilder::new().load_shed().layer(limit.into_inner()).into_inner());
    let service = Dispatcher::new()
        .nest("patient.", held(&permits, &most).layer(patient))
        .nest("impatient.", held(&permits, &most).layer(impatient));
    let at = world.serve(service).await;
    let client = at.client.with_prefix("patient.");
    let calls = join_all((0..8).map(|_| client.call::<_, ()>("hold", ())));
    let let_go = async {
        while most.load(SeqCst) < 2 {
            tokio::task::yield_now().await;
        }
        permits.add_permits(8);
    };
    let (answers, ()) = join(calls, let_go).await;
    answers.into_iter().for_each(|answer| answer.unwrap());
    assert_eq!(most.load(SeqCst), 2);
    // Who is not patient knows that nothing was executed.
    let client = at.client.with_prefix("impatient.");
    let mut held = Vec::new();
    for _ in 0..2 {
        held.push(client.call::<_, ()>("hold", ()).send().await.unwrap());
    }
    let error = client.call::<_, ()>("hold", ()).await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::NotExecuted);
    assert_eq!(error.as_rpc().expect("an answer").code, Code::REFUSED);
    permits.add_permits(2);
    join_all(held).await.into_iter().for_each(|answer| answer.unwrap());
    assert_eq!(client.call::<_, i64>("add", (2, 3)).await.unwrap(), 5);
    assert_eq!(most.load(SeqCst), 2);
}

/// Tries again what was certainly not executed.
#[derive(Clone)]
struct Again {
    left: usize,
}

impl<P: Clone, R> Policy<CallRequest<P, R>, R, Error> for Again {
    type Future = Ready<()>;

    fn retry(
        &mut self,
        _: &mut CallRequest<P, R>,
        result: &mut Result<R, Error>,
    ) -> Option<Ready<()>> {
        let error = result.as_ref().err()?;
        let again = error.outcome() == Outcome::NotExecuted && self.left > 0;
        self.left = self.left.saturating_sub(1);
        again.then(|| ready(()))
    }

    fn clone_request(&mut self, request: &CallRequest<P, R>) -> Option<CallRequest<P, R>> {
        Some(request.clone())
    }
}

pub(crate) async fn retries(world: World) {
    let asked = Arc::<AtomicUsize>::default();
    let count = Arc::clone(&asked);
    let flaky = move |refusals: usize, fails: bool| match count.fetch_add(1, SeqCst) {
        times if times < refusals => Err(RpcError::refused("busy")),
        _ if fails => Err(RpcError::server("broken")),
        times => Ok(times + 1),
    };
    let at = world.serve(service().method("flaky", flaky)).await;
    let calls = ServiceBuilder::new()
        .layer(RetryLayer::new(Again { left: 3 }))
        .service(CallService::new(at.client.clone()));
    // How often it refuses, whether it fails then, and how often it was asked in the end.
    for (refusals, fails, times, answered) in
        [(0, false, 1, true), (2, false, 3, true), (9, false, 4, false), (1, true, 2, false)]
    {
        asked.store(0, SeqCst);
        let request = CallRequest::<_, usize>::new("flaky", (refusals, fails));
        let answer = calls.clone().oneshot(request.timeout(crate::world::PATIENCE)).await;
        assert_eq!(answer.ok(), answered.then_some(times));
        assert_eq!(asked.load(SeqCst), times);
    }
}

pub(crate) async fn balance(world: World) {
    let named = |name: &'static str| service().method("name", move || name);
    let at = [world.serve(named("left")).await, world.serve(named("right")).await];
    let calls = at.iter().map(|at| {
        let calls = CallService::<Client>::new(at.client.clone());
        PendingRequests::new(calls, CompleteOnResponse::default())
    });
    let mut balanced = Balance::new(ServiceList::new::<CallRequest<(), String>>(calls));
    let mut call = async || {
        let calls = ServiceExt::<CallRequest<(), String>>::ready(&mut balanced).await.unwrap();
        calls.call(CallRequest::new("name", ())).await
    };
    // Two are chosen by chance: neither is left out for long.
    let mut seen = std::collections::BTreeSet::new();
    while seen.len() < 2 {
        seen.insert(call().await.unwrap());
    }
    // A connection that is closed is no longer chosen.
    at[0].client.close().await;
    for _ in 0..20 {
        assert_eq!(call().await.unwrap(), "right");
    }
    let mut closed = CallService::new(at[0].client.clone());
    let ready = ServiceExt::<CallRequest<(), String>>::ready(&mut closed).await;
    assert_eq!(ready.unwrap_err().outcome(), Outcome::NotExecuted);
}

pub(crate) async fn buffer(world: World) {
    let at = world.serve(service()).await;
    let calls = ServiceBuilder::new()
        .buffer::<CallRequest<(i64, i64), i64>>(4)
        .rate_limit(1000, Duration::from_secs(1))
        .concurrency_limit(3)
        .service(CallService::new(at.client.with_prefix("")));
    let sums = (0..40).map(|number| {
        let calls = calls.clone();
        async move { calls.oneshot(CallRequest::new("add", (number, 1))).await }
    });
    let answers = join_all(sums).await;
    for (number, answer) in (0..).zip(answers) {
        assert_eq!(answer.unwrap(), number + 1);
    }
}
