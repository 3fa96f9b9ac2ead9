//! Places, queues, and threads that wait.

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
};

use tinyrpc_core::{Code, Format, Outcome, PeerAddress, RpcError, Runtime, Task};

use super::{BlockingPool, PoolLimits};
use crate::{
    Begun, Context, Dispatcher, Method, Mode, PendingReply, Scope, Service, Waiting,
    testing::{Call, FORMATS, PATIENCE, Threads, poll, scope, text, wait},
};

fn call(format: Format, method: &str, params: &str) -> Call {
    Call { scope: Arc::new(scope(Some(Arc::new(Threads)))), ..Call::new(format, method, params) }
}

#[track_caller]
fn begin(service: &dyn Service, call: &Call) -> PendingReply {
    match call.start(service) {
        Begun::Pending(pending) => pending,
        Begun::Ready(answer) => panic!("answered at once: {answer:?}"),
    }
}

/// A method that says when it begins, and ends when it may.
struct Stage {
    pool: BlockingPool,
    service: Dispatcher,
    begun: Receiver<u64>,
    may_end: Sender<()>,
}

impl Stage {
    fn new(limits: PoolLimits) -> Self {
        let pool = BlockingPool::new(limits);
        let (begin, begun) = channel();
        let (may_end, end) = channel::<()>();
        let end = std::sync::Mutex::new(end);
        let work = move |number: u64| {
            begin.send(number).expect("a test");
            end.lock().expect("no panic").recv().expect("a test");
            number
        };
        let service = Dispatcher::new().blocking_pool(&pool).method("work", work).blocking();
        Self { pool, service, begun, may_end }
    }

    fn begin(&self, number: u64) -> PendingReply {
        begin(&self.service, &call(Format::MsgPack, "work", &format!("[{number}]")))
    }

    fn end(&self) {
        self.may_end.send(()).expect("a handler");
    }

    fn begun(&self) -> u64 {
        self.begun.recv_timeout(PATIENCE).expect("a handler begins")
    }
}

fn limits(max_running: usize) -> PoolLimits {
    PoolLimits { max_running, ..PoolLimits::default() }
}

#[test]
fn a_function_runs_on_a_thread() {
    let here = thread::current().id();
    let service = Dispatcher::new()
        .method("elsewhere", move || thread::current().id() != here)
        .blocking()
        .method("here", move || thread::current().id() == here)
        .method("sub", |a: i64, b: i64| a - b)
        .params(["a", "b"])
        .blocking()
        .method("fail", || Err::<(), _>(RpcError::new(5, "no")))
        .blocking()
        .method("panic", || -> u8 { panic!("on a thread") })
        .blocking()
        .method("nan", || f64::NAN)
        .blocking();
    let inner = Dispatcher::new().nest("in.", service.clone());
    for format in FORMATS {
        let answer = |method: &str, params: &str| {
            text(wait(begin(&inner, &call(format, &format!("in.{method}"), params))))
        };
        assert_eq!(answer("elsewhere", "").expect("an answer"), "true");
        assert_eq!(answer("sub", "[3, 1]").expect("an answer"), "2");
        assert_eq!(answer("sub", r#"{"b": 1, "a": 3}"#).expect("an answer"), "2");
        let error = |method: &str, params: &str| answer(method, params).expect_err("an error");
        assert_eq!(error("fail", "").code, Code(5));
        assert_eq!(error("panic", "").code, Code::INTERNAL_ERROR);
        let wrong = error("sub", r#"["x", 1]"#);
        assert_eq!(wrong.code, Code::INVALID_PARAMS);
        assert!(wrong.message.contains("params[0]"), "{wrong}");
        if format == Format::Json {
            assert_eq!(error("nan", "").code, Code::UNSENDABLE);
        }
        assert_eq!(call(format, "here", "").answer(&service).expect("an answer"), "true");
    }
}

#[test]
fn a_connection_may_have_plain_functions_block() {
    let here = thread::current().id();
    let elsewhere = move || thread::current().id() != here;
    let service = Dispatcher::new()
        .method("plain", elsewhere)
        .method("inline", elsewhere)
        .inline()
        .method("async", move || async move { elsewhere() });
    let mut scope = scope(Some(Arc::new(Threads)));
    scope.blocking_pool = Some(BlockingPool::default());
    let scope = Arc::new(scope);
    for (method, blocks) in [("plain", true), ("inline", false), ("async", false)] {
        let call = Call { scope: Arc::clone(&scope), ..Call::new(Format::Json, method, "") };
        let answer = match call.start(&service) {
            Begun::Ready(answer) => answer,
            Begun::Pending(pending) => wait(pending),
        };
        assert_eq!(text(answer).expect("an answer"), blocks.to_string(), "{method}");
    }
}

#[test]
fn the_others_wait_in_order() {
    let stage = Stage::new(limits(2));
    let calls: Vec<_> = (0..6).map(|number| stage.begin(number)).collect();
    let mut first = [stage.begun(), stage.begun()];
    first.sort_unstable();
    assert_eq!(first, [0, 1]);
    assert_eq!((stage.pool.running(), stage.pool.queued()), (2, 4));
    for next in 2..6 {
        stage.end();
        assert_eq!(stage.begun(), next);
    }
    stage.end();
    stage.end();
    for (number, call) in (0..).zip(calls) {
        assert_eq!(text(wait(call)).expect("an answer"), u64::to_string(&number));
    }
}

#[test]
fn too_many_are_refused() {
    for (limits, name) in [
        (PoolLimits { max_running: 1, max_queue: 2, ..PoolLimits::default() }, "max_queue"),
        (
            PoolLimits { max_running: 1, max_queue_bytes: 5, ..PoolLimits::default() },
            "max_queue_bytes",
        ),
    ] {
        let stage = Stage::new(limits);
        // Two bytes of params each.
        let zero = stage.begin(0);
        assert_eq!(stage.begun(), 0);
        let calls = [zero, stage.begin(1), stage.begin(2)];
        let refused = call(Format::MsgPack, "work", "[3]").answer(&stage.service);
        let refused = refused.expect_err("a full queue");
        assert_eq!(refused.code, Code::REFUSED);
        assert!(refused.message.contains(&format!("`{name}`")), "{refused}");
        // A place in the queue is free again when its caller gives up.
        let [zero, one, two] = calls;
        drop(one);
        let three = stage.begin(3);
        for (call, number) in [(zero, 0), (two, 2), (three, 3)] {
            stage.end();
            assert_eq!(text(wait(call)).expect("an answer"), number.to_string());
        }
        assert_eq!(stage.begun.iter().take(2).collect::<Vec<_>>(), [2, 3], "the dropped one ran");
    }
}

#[test]
fn a_place_is_free_when_the_handler_is_gone() {
    let pool = BlockingPool::new(limits(1));
    let (begin_it, begun) = channel();
    let work = move |context: Context, number: u64| {
        begin_it.send(number).expect("a test");
        while number == 0 && !context.is_cancelled() {
            thread::yield_now();
        }
        number
    };
    let service = Dispatcher::new().blocking_pool(&pool).method("work", work).blocking();
    let first = begin(&service, &call(Format::Json, "work", "[0]"));
    let mut second = begin(&service, &call(Format::Json, "work", "[1]"));
    assert_eq!(begun.recv_timeout(PATIENCE), Ok(0));
    assert!(poll(&mut second).is_pending());
    assert_eq!((pool.running(), pool.queued()), (1, 1));
    // The handler learns that nobody waits, and only its end lets the next one in.
    drop(first);
    assert_eq!(text(wait(second)).expect("an answer"), "1");
}

#[test]
fn a_handler_that_waits_gives_its_place_back() {
    let pool = BlockingPool::new(PoolLimits { max_running: 1, max_threads: 65, ..limits(1) });
    // Each handler waits for the next one, as over a peer that calls back.
    fn nest(service: &Arc<std::sync::OnceLock<Dispatcher>>, depth: u64) -> Result<u64, RpcError> {
        if depth == 0 {
            return Ok(0);
        }
        let waiting = Waiting::for_peer().map_err(|error| {
            assert_eq!(error.outcome(), Outcome::NotExecuted);
            RpcError::server(error.to_string())
        })?;
        let service = service.get().expect("a service");
        let below = begin(service, &call(Format::Json, "nest", &format!("[{}]", depth - 1)));
        let below = text(wait(below))?;
        drop(waiting);
        Ok(below.parse::<u64>().expect("a number") + 1)
    }
    let own = Arc::new(std::sync::OnceLock::new());
    let again = Arc::clone(&own);
    let nest = move |depth: u64| nest(&again, depth);
    let service = Dispatcher::new().blocking_pool(&pool).method("nest", nest).blocking();
    own.set(service.clone()).expect("the first");
    let deep =
        |depth| text(wait(begin(&service, &call(Format::Json, "nest", &format!("[{depth}]")))));
    assert_eq!(deep(64).expect("an answer"), "64");
    // One more, and no thread would be left: it fails at once instead of waiting for ever.
    let error = deep(65).expect_err("an error");
    assert!(error.message.contains("`max_threads` of 65"), "{error}");
    assert_eq!(deep(64).expect("all places are back"), "64");
}

/// A runtime whose threads come when they are told to.
#[derive(Default)]
struct ByHand(std::sync::Mutex<Vec<Box<dyn FnOnce() + Send>>>);

impl ByHand {
    fn threads(&self) -> Vec<Box<dyn FnOnce() + Send>> {
        std::mem::take(&mut self.0.lock().expect("no panic"))
    }
}

impl Runtime for ByHand {
    fn spawn(&self, _task: Task) {}

    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send>) {
        self.0.lock().expect("no panic").push(work);
    }

    fn sleep_until(&self, _time: u64) -> Task {
        Box::pin(std::future::pending())
    }

    fn now(&self) -> u64 {
        0
    }
}

#[test]
fn quick_handlers_need_few_threads() {
    let runtime = Arc::<ByHand>::default();
    let scope = Arc::new(scope(Some(Arc::clone(&runtime) as Arc<dyn Runtime>)));
    let pool = BlockingPool::default();
    let service =
        Dispatcher::new().blocking_pool(&pool).method("quick", |number: u64| number).blocking();
    let mut calls: Vec<_> = (0..1000)
        .map(|number| {
            let params = format!("[{number}]");
            let scope = Arc::clone(&scope);
            begin(&service, &Call { scope, ..Call::new(Format::Json, "quick", &params) })
        })
        .collect();
    // One is called for. It has another one follow, and does everything before that is there.
    let mut threads = runtime.threads();
    assert_eq!(threads.len(), 1);
    threads.remove(0)();
    let answered = calls.iter_mut().filter_map(|call| match poll(call) {
        std::task::Poll::Ready(answer) => Some(text(answer).expect("an answer")),
        std::task::Poll::Pending => None,
    });
    assert!((0..1000).map(|number| number.to_string()).eq(answered));
    let mut threads = runtime.threads();
    assert_eq!((threads.len(), pool.running(), pool.queued()), (1, 1, 0));
    threads.remove(0)();
    assert_eq!((runtime.threads().len(), pool.running()), (0, 0));
}

/// A runtime that has shut down, except that it may have threads for a while.
struct Gone;

impl Runtime for Gone {
    fn spawn(&self, task: Task) {
        drop(task);
    }

    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send>) {
        drop(work);
    }

    fn sleep_until(&self, _time: u64) -> Task {
        Box::pin(std::future::pending())
    }

    fn now(&self) -> u64 {
        0
    }
}

#[test]
fn a_runtime_that_is_gone_loses_only_its_own() {
    let stage = Stage::new(limits(1));
    let gone: Arc<dyn Runtime> = Arc::new(Gone);
    let on_gone = |number: u64| {
        let scope = Arc::new(scope(Some(Arc::clone(&gone))));
        let params = format!("[{number}]");
        begin(&stage.service, &Call { scope, ..Call::new(Format::MsgPack, "work", &params) })
    };
    let first = stage.begin(0);
    assert_eq!(stage.begun(), 0);
    let (lost, more) = (on_gone(1), on_gone(2));
    let last = stage.begin(3);
    stage.end();
    // The thread that is free takes whatever comes next, so these two run all the same.
    for (call, number) in [(first, 0), (lost, 1), (more, 2), (last, 3)] {
        if number < 3 {
            assert_eq!(stage.begun(), number + 1);
            stage.end();
        }
        assert_eq!(text(wait(call)).expect("an answer"), number.to_string());
    }
    // With no thread to take it over, it is refused. An answer comes before its place is free.
    while stage.pool.running() > 0 {
        thread::yield_now();
    }
    let refused = text(wait(on_gone(4))).expect_err("no thread");
    assert_eq!(refused.code, Code::REFUSED);
    assert_eq!((stage.pool.running(), stage.pool.queued()), (0, 0));
    let spawned = Dispatcher::new().method("work", || 1).spawned();
    let scope = Arc::new(scope(Some(gone)));
    let call = Call { scope, ..Call::new(Format::Json, "work", "") };
    let lost = text(wait(begin(&spawned, &call))).expect_err("no task");
    assert_eq!(lost.code, Code::INTERNAL_ERROR);
}

#[test]
fn without_a_runtime_it_is_refused() {
    let service =
        Dispatcher::new().method("block", || 1).blocking().method("spawn", async || 1).spawned();
    for (method, part) in [("block", "a thread of its own"), ("spawn", "a task of its own")] {
        let refused = Call::new(Format::Json, method, "").answer(&service).expect_err("no runtime");
        assert_eq!(refused.code, Code::REFUSED);
        assert!(refused.message.contains(part) && refused.message.contains("runtime"), "{refused}");
    }
}

#[test]
fn modes_by_hand() {
    let own = Scope::new(PeerAddress::Memory, scope(None).caller, None);
    let dispatcher = Dispatcher::new();
    let method = Method::new(|| 1).blocking();
    assert_eq!(method.mode(&own), Mode::Blocking);
    assert_eq!(Method::new(|| 1).mode(&own), Mode::Inline);
    assert_eq!(Method::new(async || 1).spawned().mode(&own), Mode::Spawned);
    dispatcher.handle().try_insert("work", method).expect("a free name");
    let answer = text(wait(begin(&dispatcher, &call(Format::Json, "work", ""))));
    assert_eq!(answer.expect("an answer"), "1");
}

#[test]
#[should_panic(expected = "`spawned` is for those")]
fn an_async_function_does_not_block() {
    drop(Dispatcher::new().method("later", async || 1).blocking());
}

#[test]
#[should_panic(expected = "it was said before")]
fn a_mode_is_said_once() {
    drop(Dispatcher::new().method("work", || 1).blocking().inline());
}
