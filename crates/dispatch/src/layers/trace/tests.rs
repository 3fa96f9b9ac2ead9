//! What is said about calls.

use std::{
    fmt::{Debug, Write},
    future::pending,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
};

use tinyrpc_core::{Format, RpcError};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
    subscriber::with_default,
};

use super::TraceLayer;
use crate::{
    Dispatcher, Service,
    testing::{Call, Clock, scope},
};

/// Writes everything down.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<String>>);

impl Notes {
    fn add(&self, head: &str, record: impl FnOnce(&mut Line)) {
        let mut line = Line(head.into());
        record(&mut line);
        let mut notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        notes.push_str(&line.0);
        notes.push('\n');
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {}={value:?}", field.name()).expect("a string takes all");
    }
}

impl Subscriber for Notes {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.add(span.metadata().name(), |line| span.record(line));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        self.add("-", |line| event.record(line));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[test]
fn every_call_is_told() {
    let service = Dispatcher::new()
        .method("ready", || "secret")
        .method("wait", pending::<()>)
        .method("fail", || Err::<(), _>(RpcError::new(9, "no such thing")))
        .method("panic", || -> u8 { panic!("words") })
        .layer(TraceLayer::new());
    let notes = Notes::default();
    with_default(notes.clone(), || {
        for method in ["ready", "wait", "fail", "panic", "bad\n"] {
            let scope = Arc::new(scope(Some(Arc::new(Clock::default()))));
            let call = Call { scope, ..Call::new(Format::Json, method, "[]") };
            let begun = catch_unwind(AssertUnwindSafe(|| call.start(&service)));
            assert_eq!(begun.is_err(), method == "panic");
        }
    });
    let told = notes.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let expected = [
        r#"rpc method="ready" peer=memory"#,
        "- message=answered at once micros=0",
        r#"rpc method="wait" peer=memory"#,
        "- message=dropped before its end micros=0",
        r#"rpc method="fail" peer=memory"#,
        "- message=failed micros=0 code=9 error=no such thing",
        r#"rpc method="panic" peer=memory"#,
        "- message=panicked micros=0",
        r#"rpc method="bad\\n" peer=memory"#,
        r"- message=failed micros=0 code=-32601 error=method not found: bad\n",
    ];
    assert_eq!(told.lines().collect::<Vec<_>>(), expected);
}
