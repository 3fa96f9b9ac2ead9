//! `Caller`: makes calls to the peer of a connection, and waits for their answers.

use std::{fmt, future::IntoFuture, sync::Arc, time::Duration};

use futures_util::FutureExt;
use serde::{Serialize, de::DeserializeOwned};
use tinyrpc_core::{Error, Limits, Payload, Reason, Slow};

use super::{
    Batch, Items, Sender, Subscription,
    park::park_on,
    round::Round,
    wait::{Whom, begin},
};
use crate::Context;

/// Calls the peer that made the call which this thread handles, also while that call goes on.
///
/// For plain functions on a thread of a pool, which all of them are under `tinyrpc::blocking`
/// unless their method says otherwise; elsewhere by
/// [`Dispatcher::blocking`](crate::Dispatcher::blocking).
pub fn peer(context: &Context) -> Caller {
    Caller { caller: context.peer().clone(), whom: Whom::Peer, round: None }
}

/// A handle for calls to one peer; cheap to clone, and shared by any number of threads.
///
/// Params are a tuple, an array or a `Vec` (positional), a struct or a map (named), or `()` for
/// none. One single argument is a tuple too: `("text",)`.
#[derive(Clone)]
pub struct Caller {
    caller: tinyrpc_core::Caller,
    whom: Whom,
    /// Who waits for answers over the same connection.
    round: Option<Arc<Round>>,
}

/// A call that was made and whose answer was not waited for. See [`Caller::send`].
#[must_use = "dropping it gives the call up"]
pub struct Sent<R> {
    sent: tinyrpc_core::Sent<R>,
    whom: Whom,
    round: Option<Arc<Round>>,
}

impl Caller {
    /// Calls over a connection that the background thread drives.
    pub(super) fn in_rounds(caller: &tinyrpc_core::Caller) -> Self {
        Self { round: Some(Arc::default()), ..caller.into() }
    }

    /// Calls a method and waits for its answer. Where the limit of calls in flight is reached, or
    /// too much waits to be sent, it waits its turn before.
    ///
    /// # Errors
    ///
    /// See [`Error`]: answered with an error, certainly not executed, or unknown.
    pub fn call<P, R>(&self, method: &str, params: P) -> Result<R, Error>
    where
        P: Serialize,
        R: DeserializeOwned,
    {
        let _waiting = begin(self.whom)?;
        park_on(self.round.as_ref(), self.caller.call(method, params))
    }

    /// Calls a method, or fails at once where [`Caller::call`] would wait its turn.
    ///
    /// # Errors
    ///
    /// As `call`, and [`Reason::Limit`] where there is no room.
    pub fn try_call<P, R>(&self, method: &str, params: P) -> Result<R, Error>
    where
        P: Serialize,
        R: DeserializeOwned,
    {
        let _waiting = begin(self.whom)?;
        park_on(self.round.as_ref(), self.caller.try_call(method, params))
    }

    /// Calls a method and gives its result as it came, not decoded.
    ///
    /// # Errors
    ///
    /// As `call`; a result never mismatches.
    pub fn call_raw<P: Serialize>(&self, method: &str, params: P) -> Result<Payload, Error> {
        let _waiting = begin(self.whom)?;
        park_on(self.round.as_ref(), self.caller.call_raw(method, params))
    }

    /// Makes a call and comes back as soon as it is queued; the answer is waited for later, so that
    /// one thread may have many calls in flight.
    ///
    /// ```
    /// # use tinyrpc::{Error, blocking::Caller};
    /// # fn example(caller: Caller) -> Result<(), Error> {
    /// let sums = (0..10i64).map(|n| caller.send("add", (n, n))).collect::<Result<Vec<_>, _>>()?;
    /// for sum in sums {
    ///     let _: i64 = sum.wait()?;
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// The call cannot be made.
    pub fn send<P, R>(&self, method: &str, params: P) -> Result<Sent<R>, Error>
    where
        P: Serialize,
        R: DeserializeOwned,
    {
        let sent = self.soon(self.caller.call(method, params).send())?;
        Ok(Sent { sent, whom: self.whom, round: self.round.clone() })
    }

    /// Sends a notification: it is executed, but never answered. Comes back when it is queued.
    ///
    /// # Errors
    ///
    /// It cannot be encoded, or the connection is closed.
    pub fn notify<P: Serialize>(&self, method: &str, params: P) -> Result<(), Error> {
        self.soon(self.caller.notify(method, params))
    }

    /// Subscribes, and gives the items as they come: see
    /// [`Caller::subscribe`](crate::Caller::subscribe).
    ///
    /// ```
    /// # use tinyrpc::{Error, blocking::Caller};
    /// # fn example(caller: Caller) -> Result<(), Error> {
    /// for tick in caller.subscribe::<u64>("subscribe_ticks", (1,), "unsubscribe_ticks")? {
    ///     println!("{}", tick?);
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// As for any call. A server that cannot notify by this transport says so.
    pub fn subscribe<T: DeserializeOwned>(
        &self,
        subscribe: &str,
        params: impl Serialize,
        unsubscribe: &str,
    ) -> Result<Subscription<T>, Error> {
        self.subscribed(self.caller.subscribe(subscribe, params, unsubscribe))
    }

    /// The same, and says what is done when `buffer` items wait to be taken: see
    /// [`Subscribe::slow`](crate::Subscribe::slow).
    ///
    /// # Errors
    ///
    /// As `subscribe`.
    pub fn subscribe_slow<T: DeserializeOwned>(
        &self,
        subscribe: &str,
        params: impl Serialize,
        unsubscribe: &str,
        (slow, buffer): (Slow, usize),
    ) -> Result<Subscription<T>, Error> {
        self.subscribed(self.caller.subscribe(subscribe, params, unsubscribe).slow(slow, buffer))
    }

    fn subscribed<T>(
        &self,
        subscribed: impl Future<Output = Result<crate::Subscription<T>, Error>>,
    ) -> Result<Subscription<T>, Error> {
        let _waiting = begin(self.whom)?;
        let items = park_on(self.round.as_ref(), subscribed)?;
        Ok(Subscription::new(items, self.whom, self.round.clone()))
    }

    /// Calls a method whose result is a stream, and gives its values as they come: see
    /// [`Caller::stream`](crate::Caller::stream). There is no time limit.
    ///
    /// ```
    /// # use tinyrpc::{Error, blocking::Caller};
    /// # fn example(caller: Caller) -> Result<(), Error> {
    /// for number in caller.stream::<u64>("count", (3,))? {
    ///     println!("{}", number?);
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// One with a window or a time limit is begun by [`wait`](super::wait):
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use tinyrpc::{Error, blocking::{Caller, Items, wait}};
    /// # fn example(caller: Caller) -> Result<(), Error> {
    /// let numbers = caller.as_ref().stream::<_, u64>("count", (3,)).timeout(Duration::from_secs(5));
    /// for number in Items::from(wait(numbers.into_future())??) {
    ///     println!("{}", number?);
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Reason::Unsupported`] where the peer knows no streams; otherwise as any call.
    pub fn stream<T: DeserializeOwned>(
        &self,
        method: &str,
        params: impl Serialize + Send,
    ) -> Result<Items<T>, Error> {
        let _waiting = begin(self.whom)?;
        let opening = self.caller.stream(method, params).into_future();
        let items = park_on(self.round.as_ref(), opening)?;
        Ok(Items::new(items, self.whom, self.round.clone()))
    }

    /// Calls a method and sends values into it; its result is one value. See
    /// [`Caller::upload`](crate::Caller::upload).
    ///
    /// ```
    /// # use tinyrpc::blocking::Caller;
    /// # fn example(caller: Caller) -> Result<(), Box<dyn std::error::Error>> {
    /// let (numbers, sum) = caller.upload::<u64, u64>("sum", ())?;
    /// for number in [1, 2, 4] {
    ///     numbers.send(number)?;
    /// }
    /// numbers.close();
    /// assert_eq!(sum.wait()?, 7);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Caller::stream`].
    pub fn upload<U: Serialize, R: DeserializeOwned>(
        &self,
        method: &str,
        params: impl Serialize + Send,
    ) -> Result<(Sender<U>, Sent<R>), Error> {
        let _waiting = begin(self.whom)?;
        let opening = self.caller.upload(method, params).into_future();
        let (sender, sent) = park_on(self.round.as_ref(), opening)?;
        let sent = Sent { sent, whom: self.whom, round: self.round.clone() };
        Ok((Sender::new(sender, self.whom), sent))
    }

    /// Calls a method and sends values into it, while its result comes as a stream: see
    /// [`Caller::duplex`](crate::Caller::duplex). Each end may be moved to a thread of its own.
    ///
    /// # Errors
    ///
    /// As [`Caller::stream`].
    pub fn duplex<U: Serialize, T: DeserializeOwned>(
        &self,
        method: &str,
        params: impl Serialize + Send,
    ) -> Result<(Sender<U>, Items<T>), Error> {
        let _waiting = begin(self.whom)?;
        let opening = self.caller.duplex(method, params).into_future();
        let (sender, items) = park_on(self.round.as_ref(), opening)?;
        let items = Items::new(items, self.whom, self.round.clone());
        Ok((Sender::new(sender, self.whom), items))
    }

    /// Starts a batch: several calls that travel in one message, where the protocol has batches,
    /// and as a group without.
    pub fn batch(&self) -> Batch<'_> {
        Batch::new(self.caller.batch(), self.whom)
    }

    /// The same handle with another time for each call; zero waits for ever.
    #[must_use]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        Self { caller: self.caller.clone().with_timeout(timeout), ..self.clone() }
    }

    /// The same handle for methods that may be executed twice without harm: see
    /// [`Call::idempotent`](crate::Call::idempotent).
    #[must_use]
    pub fn idempotent(&self) -> Self {
        Self { caller: self.caller.idempotent(), ..self.clone() }
    }

    /// The same handle for the methods under a prefix, which is put before every name.
    #[must_use]
    pub fn with_prefix(&self, prefix: &str) -> Self {
        Self { caller: self.caller.with_prefix(prefix), ..self.clone() }
    }

    /// Why no more calls can be made; `None` while they can.
    pub fn closed(&self) -> Option<Reason> {
        self.caller.closed()
    }

    /// The bounds of the connection.
    pub fn limits(&self) -> &Limits {
        self.caller.limits()
    }

    /// Has what needs no answer done; only where there is no room yet it waits, and nothing was
    /// sent until then.
    fn soon<T>(&self, done: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let mut done = std::pin::pin!(done);
        if let Some(done) = done.as_mut().now_or_never() {
            return done;
        }
        let _waiting = begin(self.whom)?;
        park_on(self.round.as_ref(), done)
    }
}

impl<R: DeserializeOwned> Sent<R> {
    /// Waits for the answer.
    ///
    /// # Errors
    ///
    /// See [`Error`]: answered with an error, certainly not executed, or unknown.
    pub fn wait(mut self) -> Result<R, Error> {
        if let Some(answer) = (&mut self.sent).now_or_never() {
            return answer;
        }
        match begin(self.whom) {
            Ok(_waiting) => park_on(self.round.as_ref(), self.sent),
            // It was made, whoever may wait for it.
            Err(Error::NotExecuted(reason)) => Err(Error::Unknown(reason)),
            Err(other) => Err(other),
        }
    }
}

/// Calls over any connection that is driven elsewhere, such as one of a server's peers.
impl From<&tinyrpc_core::Caller> for Caller {
    fn from(caller: &tinyrpc_core::Caller) -> Self {
        Self { caller: caller.clone(), whom: Whom::Others, round: None }
    }
}

impl AsRef<tinyrpc_core::Caller> for Caller {
    fn as_ref(&self) -> &tinyrpc_core::Caller {
        &self.caller
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Caller").field(&self.caller).finish()
    }
}

impl<R> fmt::Debug for Sent<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sent.fmt(f)
    }
}
