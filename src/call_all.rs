//! `CallAll`: calls to several peers at the same time, and their answers in order.

use std::{fmt, future::Future, pin::Pin};

use futures_util::future::join_all;
use serde::{Serialize, de::DeserializeOwned};
use tinyrpc_core::{Caller, Error};

/// Calls one method of several peers at the same time, and gives their answers in the order of the
/// callers, whatever the order in which they came.
///
/// Params are encoded for each peer in the format of its connection. Each call waits its turn where
/// the limits of its connection say so, and no longer than its caller's time for a call; one that
/// fails does not disturb the others.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let clients = [
///     tinyrpc::connect("jsonrpc+tcp://127.0.0.1:4000").await?,
///     tinyrpc::connect("msgpack+tcp://127.0.0.1:4001").await?,
/// ];
/// for answer in tinyrpc::call_all::<_, i64>(&clients, "add", (2, 3)).await {
///     println!("{:?}", answer?);
/// }
/// # Ok(()) }
/// ```
///
/// Peers that called this side are called in the same way, by the `caller` of their `Scope`. Where
/// the calls differ, see [`CallAll`].
///
/// # Cancel safety
///
/// Dropping the future gives all calls up. Nothing is called before it is first polled.
pub async fn call_all<P, R>(
    callers: impl IntoIterator<Item: AsRef<Caller>>,
    method: &str,
    params: P,
) -> Vec<Result<R, Error>>
where
    P: Serialize,
    R: DeserializeOwned,
{
    let params = &params;
    let call = |caller| async move { AsRef::<Caller>::as_ref(&caller).call(method, params).await };
    join_all(callers.into_iter().map(call)).await
}

/// Different calls to different peers, made at the same time; their answers are in the order in
/// which they were added, and of one type.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use tinyrpc::CallAll;
///
/// let left = tinyrpc::connect("tcp://127.0.0.1:4000").await?;
/// let right = tinyrpc::connect("tcp://127.0.0.1:4001").await?;
/// let answers = CallAll::<i64>::new()
///     .call(&left, "add", (2, 3))
///     .call(&right, "length", ("text",))
///     .send()
///     .await;
/// # drop(answers);
/// # Ok(()) }
/// ```
#[must_use = "the calls are made by `send`"]
pub struct CallAll<'a, R> {
    calls: Vec<Boxed<'a, R>>,
}

type Boxed<'a, R> = Pin<Box<dyn Future<Output = Result<R, Error>> + Send + 'a>>;

impl<'a, R: DeserializeOwned + 'a> CallAll<'a, R> {
    /// No calls yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a call.
    pub fn call<P: Serialize + Send + 'a>(
        mut self,
        caller: &'a Caller,
        method: &'a str,
        params: P,
    ) -> Self {
        self.calls.push(Box::pin(caller.call(method, params)));
        self
    }

    /// Makes all calls and waits until every one of them has ended.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives all calls up. Nothing is called before it is first polled.
    pub async fn send(self) -> Vec<Result<R, Error>> {
        join_all(self.calls).await
    }
}

impl<R> Default for CallAll<'_, R> {
    fn default() -> Self {
        Self { calls: Vec::new() }
    }
}

impl<R> fmt::Debug for CallAll<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallAll").field("calls", &self.calls.len()).finish()
    }
}
