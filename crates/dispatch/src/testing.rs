//! What the tests of this crate share: requests without a connection, time without a clock.

use std::{
    future::{Future, poll_fn},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    thread,
    time::{Duration, Instant},
};

use futures_util::FutureExt;
use serde_json::Value;
use tinyrpc_core::{
    Format, Id, Lane, Meta, Payload, PeerAddress, ReplyTo, Request, Role, RpcError, Runtime,
    Session, Settings, Shape, Task,
};

use crate::{Begun, Invocation, Scope, Service, Started};

pub(crate) const FORMATS: [Format; 2] = [Format::Json, Format::MsgPack];

/// A request that was not sent.
pub(crate) struct Call {
    pub(crate) format: Format,
    pub(crate) method: String,
    pub(crate) params: Payload,
    pub(crate) named: Option<Payload>,
    pub(crate) meta: Option<Box<Meta>>,
    pub(crate) notification: bool,
    pub(crate) scope: Arc<Scope>,
}

impl Call {
    /// A call with params written as JSON; no text for none.
    pub(crate) fn new(format: Format, method: &str, params: &str) -> Self {
        Self {
            format,
            method: method.into(),
            params: encode(format, params),
            named: None,
            meta: None,
            notification: false,
            scope: Arc::new(scope(None)),
        }
    }

    pub(crate) fn start(&self, service: &dyn Service) -> Begun {
        let request = Request {
            id: (!self.notification).then_some(Id::Number(1)),
            method: self.method.as_str().into(),
            params: self.params.as_ref(),
            named: self.named.as_ref().map(Payload::as_ref),
            meta: self.meta.clone(),
            lane: Lane(1),
            channels: None,
        };
        let mut cx = Context::from_waker(Waker::noop());
        let mut started = Started::Done;
        let answer = ReplyTo::capture(self.format, request.id.as_ref(), |reply| {
            let mut invocation = Invocation::new(&request, &self.scope, &mut cx);
            started = service.start(&mut invocation, reply);
        });
        match started {
            Started::Done => Begun::Ready(answer),
            Started::Pending(pending) => Begun::Pending(pending),
        }
    }

    /// The answer as JSON, or the message of the error.
    #[track_caller]
    pub(crate) fn answer(&self, service: &dyn Service) -> Result<String, RpcError> {
        match self.start(service) {
            Begun::Ready(answer) => text(answer),
            Begun::Pending(_) => panic!("{} goes on", self.method),
        }
    }

    /// The message of the error that is answered.
    #[track_caller]
    pub(crate) fn error(&self, service: &dyn Service) -> String {
        let message = self.answer(service).map_err(|error| error.message.into_owned());
        message.expect_err("an error")
    }
}

/// What is answered in every format, as JSON or as `error: message`.
#[track_caller]
pub(crate) fn check(service: &dyn Service, method: &str, params: &str, expected: &str) {
    for format in FORMATS {
        let answer = match Call::new(format, method, params).answer(service) {
            Ok(value) => value,
            Err(error) => format!("{}: {}", error.code, error.message),
        };
        assert_eq!(answer, expected, "{method} {params} in {}", format.name());
    }
}

pub(crate) fn encode(format: Format, json: &str) -> Payload {
    if json.is_empty() {
        return Payload { bytes: Default::default(), format };
    }
    let value: Value = serde_json::from_str(json).expect("JSON");
    Payload::encode(&value, format).expect("encodable")
}

pub(crate) fn text(answer: Result<Payload, RpcError>) -> Result<String, RpcError> {
    let payload = answer?;
    if payload.bytes.is_empty() {
        return Ok("nothing".into());
    }
    Ok(payload.decode::<Value>().expect("a value").to_string())
}

pub(crate) fn scope(runtime: Option<Arc<dyn Runtime>>) -> Scope {
    let session = Session::new(Settings::new(Role::Server, Shape::Exchange, Vec::new()));
    Scope::new(PeerAddress::Memory, session.caller(), runtime)
}

/// A runtime of threads: each task and each blocking work has one of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Threads;

impl Runtime for Threads {
    fn spawn(&self, task: Task) {
        thread::spawn(move || wait(task));
    }

    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send>) {
        thread::spawn(work);
    }

    fn sleep_until(&self, _time: u64) -> Task {
        Box::pin(std::future::pending())
    }

    fn now(&self) -> u64 {
        0
    }
}

/// How long anything in these tests may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Waits on this thread for a future.
pub(crate) fn wait<F: Future + Unpin>(mut future: F) -> F::Output {
    struct Unpark(thread::Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let waker = Arc::new(Unpark(thread::current())).into();
    let began = Instant::now();
    loop {
        assert!(began.elapsed() < PATIENCE, "the future did not complete");
        if let Poll::Ready(output) = future.poll_unpin(&mut Context::from_waker(&waker)) {
            return output;
        }
        thread::park_timeout(PATIENCE);
    }
}

/// Polls once.
pub(crate) fn poll<F: Future + Unpin + ?Sized>(future: &mut F) -> Poll<F::Output> {
    std::pin::Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// A clock that is set by hand.
#[derive(Default)]
pub(crate) struct Clock(Arc<AtomicU64>);

impl Clock {
    pub(crate) fn set(&self, micros: u64) {
        self.0.store(micros, Ordering::Relaxed);
    }
}

impl Runtime for Clock {
    fn spawn(&self, _task: Task) {}

    fn spawn_blocking(&self, _work: Box<dyn FnOnce() + Send>) {}

    fn sleep_until(&self, time: u64) -> Task {
        let clock = Arc::clone(&self.0);
        Box::pin(poll_fn(move |_| match clock.load(Ordering::Relaxed) >= time {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }))
    }

    fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
