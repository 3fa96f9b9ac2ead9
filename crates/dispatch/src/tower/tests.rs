//! Layers of `tower` that do by hand what the real ones do, without a runtime.

use std::{
    fmt,
    future::{Ready, pending, ready},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll},
};

use tinyrpc_core::{Code, Format, Payload, RpcError};
use tower_layer::layer_fn;

use super::{InnerService, RpcRequest, TowerLayer};
use crate::{
    Begun, Dispatcher, Service,
    testing::{Call, FORMATS, check, poll},
};

fn methods() -> Dispatcher {
    Dispatcher::new()
        .method("add", |a: i64, b: i64| a + b)
        .method("fail", || Err::<u8, _>(RpcError::new(9, "no")))
        .method("wait", pending::<()>)
}

/// What goes wrong in a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    /// It is never ready, and says so.
    Ready,
    /// It refuses the request.
    Refused,
    /// It fails after the request is done.
    Late,
    /// It answers with an error of its own.
    Answer,
    /// It answers in the format that was not asked for.
    Format,
    Nothing,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the secret of {self:?}")
    }
}

impl std::error::Error for Wrong {}

/// A service that must be ready before it is called, and whose clones are not.
struct Strict<S> {
    inner: S,
    wrong: Wrong,
    ready: bool,
    dropped: Arc<AtomicUsize>,
}

impl<S: Clone> Clone for Strict<S> {
    fn clone(&self) -> Self {
        let (inner, dropped) = (self.inner.clone(), Arc::clone(&self.dropped));
        Self { inner, dropped, wrong: self.wrong, ready: false }
    }
}

/// Counts the calls that end, however they end.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}

type Answer = std::pin::Pin<Box<dyn Future<Output = Result<Payload, super::BoxError>> + Send>>;

impl<S: Service + 'static> tower_service::Service<RpcRequest> for Strict<InnerService<S>> {
    type Response = Payload;
    type Error = super::BoxError;
    type Future = Answer;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        if self.wrong == Wrong::Ready {
            return Poll::Ready(Err(self.wrong.into()));
        }
        self.ready = true;
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: RpcRequest) -> Answer {
        assert!(std::mem::take(&mut self.ready), "called without being ready");
        assert_eq!(request.scope().peer.to_string(), "memory");
        let counted = Counted(Arc::clone(&self.dropped));
        let wrong = self.wrong;
        let format = FORMATS.into_iter().find(|other| *other != request.format());
        let inner = (wrong != Wrong::Refused).then(|| self.inner.call(request.clone()));
        Box::pin(async move {
            let _counted = counted;
            let Some(inner) = inner else { return Err(wrong.into()) };
            let payload = inner.await?;
            match wrong {
                Wrong::Late => Err(wrong.into()),
                Wrong::Answer => Err(RpcError::new(7, request.method().to_owned()).into()),
                Wrong::Format => Ok(Payload::encode(&1, format.expect("two formats"))?),
                _ => Ok(payload),
            }
        })
    }
}

fn layered(wrong: Wrong) -> (impl Service, Arc<AtomicUsize>) {
    let dropped = Arc::<AtomicUsize>::default();
    let counted = Arc::clone(&dropped);
    let layer = layer_fn(move |inner: InnerService<Dispatcher>| {
        let dropped = Arc::clone(&counted);
        Strict { inner, wrong, ready: false, dropped }
    });
    (methods().layer(TowerLayer::new(layer)), dropped)
}

#[test]
fn requests_pass_through() {
    let (service, ended) = layered(Wrong::Nothing);
    check(&service, "add", "[2, 3]", "5");
    check(&service, "fail", "", "9: no");
    check(&service, "none", "", "-32601: method not found: none");
    assert_eq!(ended.load(SeqCst), 6);
    let note = Call { notification: true, ..Call::new(Format::Json, "add", "[1, 2]") };
    assert_eq!(note.answer(&service).expect("silence"), "nothing");
    assert!(service.has_method("add") && !service.has_method("none"));
    // The handler sees what was called, whatever the prefixes before it.
    let nested = Dispatcher::new().nest("math.", service);
    check(&nested, "math.add", "[2, 3]", "5");
}

#[test]
fn a_call_that_goes_on_is_dropped_with_its_layers() {
    let (service, ended) = layered(Wrong::Nothing);
    let Begun::Pending(mut pending) = Call::new(Format::Json, "wait", "").start(&service) else {
        panic!("answered at once")
    };
    assert!(poll(&mut pending).is_pending());
    assert_eq!(ended.load(SeqCst), 0);
    drop(pending);
    assert_eq!(ended.load(SeqCst), 1);
}

#[test]
fn what_callers_are_told_of_errors() {
    let cases = [
        (Wrong::Ready, Code::REFUSED, "refused by a layer around the service"),
        (Wrong::Refused, Code::REFUSED, "refused by a layer around the service"),
        (Wrong::Late, Code::INTERNAL_ERROR, "internal error"),
        (Wrong::Format, Code::INTERNAL_ERROR, "internal error"),
        (Wrong::Answer, Code(7), "add"),
    ];
    for (wrong, code, message) in cases {
        check(&layered(wrong).0, "add", "[1, 2]", &format!("{code}: {message}"));
        // A promise is made where the service saw nothing, and nowhere else.
        let answer = Call::new(Format::Json, "add", "[1, 2]").answer(&layered(wrong).0);
        let error = answer.expect_err("an error");
        let mut data = Vec::new();
        error.encode_data(Format::Json, &mut data);
        assert_eq!(data == br#""rpc.not_executed""#, code == Code::REFUSED, "{wrong:?}");
    }
}

#[test]
fn a_program_may_know_errors() {
    for wrong in [Wrong::Ready, Wrong::Refused, Wrong::Late, Wrong::Answer] {
        let layer = layer_fn(move |inner: InnerService<Dispatcher>| Strict {
            inner,
            wrong,
            ready: false,
            dropped: Arc::default(),
        });
        let known =
            TowerLayer::new(layer).map_error(|error| match error.downcast_ref::<Wrong>()? {
                Wrong::Late => Some(RpcError::new(Code::DEADLINE, "late")),
                Wrong::Refused => Some(RpcError::new(8, "busy")),
                _ => None,
            });
        let expected = match wrong {
            Wrong::Late => "-32011: late",
            Wrong::Refused => "8: busy",
            Wrong::Answer => "7: add",
            _ => "-32010: refused by a layer around the service",
        };
        check(&methods().layer(known), "add", "[1, 2]", expected);
    }
}

#[test]
fn an_answer_of_a_layer_is_enough() {
    let layer = layer_fn(|_: InnerService<Dispatcher>| Cached);
    let service = methods().layer(TowerLayer::new(layer));
    check(&service, "anything", "[1]", "42");
}

/// Answers without asking.
#[derive(Clone)]
struct Cached;

impl tower_service::Service<RpcRequest> for Cached {
    type Response = Payload;
    type Error = RpcError;
    type Future = Ready<Result<Payload, RpcError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), RpcError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: RpcRequest) -> Self::Future {
        ready(Payload::encode(&42, request.format()).map_err(RpcError::internal))
    }
}
