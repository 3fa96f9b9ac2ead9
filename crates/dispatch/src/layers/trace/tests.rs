//! What is said about calls.

use std::{
    fmt::{Debug, Write},
    future::pending,
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
    Begun, Dispatcher, Service,
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
        .layer(TraceLayer::new());
    let notes = Notes::default();
    with_default(notes.clone(), || {
        for method in ["ready", "wait", "bad\n"] {
            let scope = Arc::new(scope(Some(Arc::new(Clock::default()))));
            let begun = Call { scope, ..Call::new(Format::Json, method, "[]") }.start(&service);
            if let Begun::Ready(Err(RpcError { message, .. })) = begun {
                assert!(message.contains("not found"));
            }
        }
    });
    let told = notes.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let expected = [
        r#"rpc method="ready" peer=memory"#,
        "- message=answered at once micros=0",
        r#"rpc method="wait" peer=memory"#,
        "- message=dropped before its end micros=0",
        r#"rpc method="bad\\n" peer=memory"#,
        "- message=answered at once micros=0",
    ];
    assert_eq!(told.lines().collect::<Vec<_>>(), expected);
}
