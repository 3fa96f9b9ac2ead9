//! `CallService`: a peer to call, as a service of `tower`.

use std::{
    borrow::Cow,
    fmt,
    future::Future,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use serde::{Serialize, de::DeserializeOwned};
use tinyrpc_core::{Caller, Error};

/// Calls a peer as a service of `tower`, made of a `Caller` or of a `Client`, which it keeps
/// connected.
///
/// It is ready as long as the connection is open: a call that finds no room waits its turn by
/// itself. Errors are those of calls, so that a policy for retries can ask for
/// [`Error::outcome`]: what was certainly not executed may safely be tried again.
///
/// ```
/// # use tinyrpc_core::{Caller, Error};
/// use tinyrpc_dispatch::tower::{CallRequest, CallService};
/// use tower::{ServiceBuilder, ServiceExt};
///
/// # async fn example(caller: Caller) -> Result<(), tower::BoxError> {
/// let limited = ServiceBuilder::new().concurrency_limit(8).service(CallService::new(caller));
/// let five: i64 = limited.oneshot(CallRequest::new("add", (2, 3))).await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct CallService<C> {
    caller: C,
}

impl<C: AsRef<Caller>> CallService<C> {
    /// Calls by this caller.
    pub fn new(caller: C) -> Self {
        Self { caller }
    }
}

impl<C, P, R> tower_service::Service<CallRequest<P, R>> for CallService<C>
where
    C: AsRef<Caller> + Clone + Send + Sync + 'static,
    P: Serialize + Send + 'static,
    R: DeserializeOwned + 'static,
{
    type Response = R;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<R, Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(match self.caller.as_ref().closed() {
            Some(reason) => Err(Error::NotExecuted(reason)),
            None => Ok(()),
        })
    }

    fn call(&mut self, request: CallRequest<P, R>) -> Self::Future {
        let caller = self.caller.clone();
        Box::pin(async move {
            let CallRequest { method, params, timeout, .. } = request;
            let call = caller.as_ref().call(&method, params);
            match timeout {
                None => call.await,
                Some(timeout) => call.timeout(timeout).await,
            }
        })
    }
}

/// A call to be made by a [`CallService`]; its result is an `R`.
pub struct CallRequest<P, R> {
    method: Cow<'static, str>,
    params: P,
    timeout: Option<Duration>,
    result: PhantomData<fn() -> R>,
}

impl<P, R> CallRequest<P, R> {
    /// A call of a method. Params are those of [`Caller::call`].
    pub fn new(method: impl Into<Cow<'static, str>>, params: P) -> Self {
        Self { method: method.into(), params, timeout: None, result: PhantomData }
    }

    /// How long to wait, the turn in the queue included; zero waits for ever. Without, it is the
    /// caller's time for a call.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }

    /// The method's name.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The params.
    pub fn params(&self) -> &P {
        &self.params
    }
}

impl<P: Clone, R> Clone for CallRequest<P, R> {
    fn clone(&self) -> Self {
        Self { method: self.method.clone(), params: self.params.clone(), ..*self }
    }
}

impl<P, R> fmt::Debug for CallRequest<P, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallRequest")
            .field("method", &self.method)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
