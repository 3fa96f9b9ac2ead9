//! What our server serves to their clients, and our client to their servers.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::SeqCst},
    },
    task::{Context as TaskContext, Poll},
    time::Duration,
};

use futures_util::{Stream, stream};
use serde_json::Value;
use tinyrpc::{Blob, Code, Context, Dispatcher, Error, Ext, RpcError};

/// The methods that all peers are tried with.
pub(crate) fn service() -> Dispatcher {
    let noted = Arc::new(AtomicI64::new(0));
    let note = Arc::clone(&noted);
    let listeners = Arc::new(());
    let listens = Arc::clone(&listeners);
    Dispatcher::new()
        .method("add", |a: i64, b: i64| a + b)
        .params(["a", "b"])
        .method("echo", |value: Value| value)
        .method("blob", |blob: Blob| blob)
        .method("ext", |ext: Ext| ext)
        .method("nothing", || {})
        .method("fail", || Err::<(), _>(failure()))
        .method("later", later)
        .method("note", move |n: i64| _ = note.fetch_add(n, SeqCst))
        .method("noted", move || noted.load(SeqCst))
        .subscription("count", "counted", "uncount", |from: u32, to: u32| stream::iter(from..to))
        .subscription("broken", "shard", "unbroken", || stream::iter([Ok(1), Err(failure())]))
        .subscription("silence", "heard", "unsilence", move || Listening::new(&listens))
        .method("listeners", move || Arc::strong_count(&listeners) - 2)
        .method("ask", ask)
        .method("tell", tell)
        .method("deeper", deeper)
}

/// A stream that has nothing, and is counted for as long as it lives.
struct Listening(#[expect(dead_code, reason = "it is counted")] Arc<()>);

impl Listening {
    fn new(listeners: &Arc<()>) -> Self {
        Self(Arc::clone(listeners))
    }
}

impl Stream for Listening {
    type Item = Value;

    fn poll_next(self: Pin<&mut Self>, _: &mut TaskContext<'_>) -> Poll<Option<Value>> {
        Poll::Pending
    }
}

/// The error of `fail`.
pub(crate) fn failure() -> RpcError {
    RpcError::new(Code(17), "it failed").with_data(("why", 4711))
}

async fn later(value: Value, milliseconds: u64) -> Value {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    value
}

/// Calls the caller back, and answers what it answers.
async fn ask(context: Context, method: String, params: Vec<Value>) -> Result<Value, RpcError> {
    context.peer().call(&method, params).await.map_err(passed_on)
}

/// Notifies the caller.
async fn tell(context: Context, method: String, params: Vec<Value>) -> Result<(), RpcError> {
    context.peer().notify(&method, params).await.map_err(passed_on)
}

/// Counts down through calls of the caller's `deeper`, which calls this one.
async fn deeper(context: Context, n: u32) -> Result<u32, RpcError> {
    match n {
        0 => Ok(0),
        n => Ok(1 + context.peer().call::<_, u32>("deeper", (n - 1,)).await.map_err(passed_on)?),
    }
}

/// An error of the caller as one of ours.
fn passed_on(error: Error) -> RpcError {
    match error.as_rpc() {
        Some(error) => error.clone(),
        None => RpcError::server(error.to_string()),
    }
}
