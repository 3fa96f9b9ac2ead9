//! `Dispatcher`: methods by their names.

mod away;
mod handle;
mod nest;
mod policy;
mod table;

use std::{
    fmt,
    sync::{Arc, OnceLock, PoisonError, RwLock},
};

use tinyrpc_core::{ReplyTo, RpcError, Slow};

pub(crate) use self::policy::Policy;
pub use self::{
    handle::{DispatcherHandle, NameTaken},
    policy::Surplus,
};
use self::{nest::Nest, table::Table};
use crate::{
    BlockingPool, Handler, Invocation, Method, Mode, Producer, Service, Started, Streams,
    fail::fail, subscriptions::Channel,
};

/// Answers requests by methods that are functions and closures.
///
/// It knows neither protocol nor transport: one dispatcher serves all of them at the same time.
/// A clone is the same dispatcher: what is added to one is found by the other.
///
/// ```
/// use tinyrpc_dispatch::Dispatcher;
///
/// let math = Dispatcher::new()
///     .method("add", |a: i64, b: i64| a + b)
///     .params(["a", "b"])
///     .alias("plus", "add");
/// let all = Dispatcher::new().method("ping", || "pong").nest("math.", math);
/// assert_eq!(all.handle().names(), ["ping"]);
/// ```
///
/// # Params
///
/// Positional params are accepted by every method. Named ones are where the names were declared by
/// [`Dispatcher::params`]; without, a method of exactly one param receives the whole object as
/// that param. An absent `Option` is `None`, any other absent param is named in the error. Params
/// that a method does not have are refused, unless [`Dispatcher::surplus`] says otherwise.
#[derive(Clone, Default)]
pub struct Dispatcher {
    shared: Arc<Shared>,
    /// The method that was added last.
    last: Option<Arc<Method>>,
}

/// What all clones of a dispatcher have in common.
#[derive(Default)]
pub(crate) struct Shared {
    /// What was added while there was one owner: read without any lock.
    built: Table,
    /// A copy of all that, and what was changed since; made with the first change.
    live: OnceLock<RwLock<Table>>,
    policy: Policy,
    /// Threads for its blocking methods.
    pool: OnceLock<BlockingPool>,
}

impl Dispatcher {
    /// A dispatcher without methods.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a method. See [`Handler`] for what can be one.
    ///
    /// # Panics
    ///
    /// When the name is taken, or the handler returns a `Result` whose error cannot travel.
    #[must_use]
    #[track_caller]
    pub fn method<Marker>(mut self, name: &str, handler: impl Handler<Marker>) -> Self {
        let method = Arc::new(handler.into_method());
        self.add(name, Arc::clone(&method));
        self.last = Some(method);
        self
    }

    /// Adds a method whose result is a stream of values. See [`Streams`] for what can be one.
    ///
    /// The stream is asked for no more than its caller reads ahead
    /// ([`Limits::stream_items`](tinyrpc_core::Limits::stream_items) and `stream_bytes`, or what the
    /// caller says), and is dropped as soon as that gives up. A caller that knows no streams gets all
    /// values as one array, up to [`Limits::max_collected`](tinyrpc_core::Limits::max_collected).
    ///
    /// Values that the caller sends into the call are the [`input`](crate::Context::input) of its
    /// context.
    ///
    /// ```
    /// use futures_util::stream::{self, StreamExt};
    /// use tinyrpc_dispatch::{Context, Dispatcher};
    ///
    /// let dispatcher = Dispatcher::new()
    ///     .stream("count", |to: u64| stream::iter(0..to))
    ///     .params(["to"])
    ///     .stream("shout", |context: Context| {
    ///         let said = context.input::<String>();
    ///         said.map(|text| text.map(|text| text.to_uppercase()))
    ///     });
    /// ```
    ///
    /// # Panics
    ///
    /// When the name is taken, or the values are `Result`s whose error cannot travel.
    #[must_use]
    #[track_caller]
    pub fn stream<Marker>(mut self, name: &str, handler: impl Streams<Marker>) -> Self {
        let method = Arc::new(handler.into_streaming());
        self.add(name, Arc::clone(&method));
        self.last = Some(method);
        self
    }

    /// Adds a method that subscribes, and one that unsubscribes. See [`Producer`] for what a
    /// handler can be.
    ///
    /// The answer to `subscribe` is the id of the subscription. Behind it, each item of the
    /// handler's stream is a notification `notification` with
    /// `{"subscription": id, "result": item}` as its params, as Ethereum nodes and jsonrpsee have
    /// them; its name is the same whatever prefix the dispatcher is nested under. At the end of
    /// the stream there is one with an `"error"` in place of the result: its code is
    /// [`Code::ENDED`](tinyrpc_core::Code::ENDED), or that of the stream's own error.
    ///
    /// `unsubscribe` takes the id, and answers whether there was such a subscription of this method
    /// over this connection. Unsubscribing drops the stream before it is answered, and so does the
    /// end of the connection. Over a transport on which a server cannot speak by itself, as plain
    /// HTTP, subscribing fails at once. A peer has
    /// [`Limits::max_subscriptions`](tinyrpc_core::Limits::max_subscriptions) at most.
    ///
    /// ```
    /// use futures_util::stream;
    /// use tinyrpc_dispatch::Dispatcher;
    ///
    /// let counts = Dispatcher::new()
    ///     .subscription("subscribe_count", "count", "unsubscribe_count", |from: u64| {
    ///         stream::iter(from..)
    ///     })
    ///     .params(["from"]);
    /// ```
    ///
    /// A method whose first param says what it is about, as `eth_subscribe` has it, gives a stream
    /// of one type for all:
    ///
    /// ```
    /// use futures_util::stream::{self, BoxStream, StreamExt};
    /// use serde_json::{Value, json};
    /// use tinyrpc_core::RpcError;
    /// use tinyrpc_dispatch::Dispatcher;
    ///
    /// fn subscribe(kind: String, filter: Option<Value>) -> Result<BoxStream<'static, Value>, RpcError> {
    ///     match &*kind {
    ///         "newHeads" => Ok(stream::iter([json!({"number": "0x1"})]).boxed()),
    ///         "logs" => Ok(stream::iter(filter).boxed()),
    ///         _ => Err(RpcError::invalid_params(format!("there is no subscription `{kind}`"))),
    ///     }
    /// }
    ///
    /// let node = Dispatcher::new().subscription(
    ///     "eth_subscribe",
    ///     "eth_subscription",
    ///     "eth_unsubscribe",
    ///     subscribe,
    /// );
    /// ```
    ///
    /// # Panics
    ///
    /// When one of the names is taken.
    #[must_use]
    #[track_caller]
    pub fn subscription<Marker>(
        mut self,
        subscribe: &str,
        notification: &str,
        unsubscribe: &str,
        handler: impl Producer<Marker>,
    ) -> Self {
        let channel = Arc::new(Channel::new(notification));
        let leave = Arc::new(channel.unsubscribing());
        let method = Arc::new(handler.into_subscribing(channel));
        self.add(subscribe, Arc::clone(&method));
        self.add(unsubscribe, leave);
        self.last = Some(method);
        self
    }

    /// Says what is done about subscribers that take less than there is, for the subscription that
    /// was added last: `buffer` items wait for the connection at most. Without, it is
    /// [`Slow::Wait`], and no more of the stream is asked for than the connection takes.
    ///
    /// ```
    /// # use futures_util::stream;
    /// use tinyrpc_core::Slow;
    /// use tinyrpc_dispatch::Dispatcher;
    ///
    /// // Whoever is late wants to know the last price, and not all those before.
    /// let prices = Dispatcher::new()
    ///     .subscription("subscribe_price", "price", "unsubscribe_price", || stream::iter([1.0, 1.5]))
    ///     .slow(Slow::DropOldest, 1);
    /// ```
    ///
    /// # Panics
    ///
    /// When the last method subscribes nobody, or it was said before.
    #[must_use]
    #[track_caller]
    pub fn slow(self, slow: Slow, buffer: usize) -> Self {
        let Some(last) = &self.last else { panic!("`slow` follows a `subscription`") };
        last.set_slow(slow, buffer);
        self
    }

    /// Declares the names of the params of the method that was added last.
    ///
    /// # Panics
    ///
    /// When no method was added, there are more names than params or fewer, or one is there twice.
    #[must_use]
    #[track_caller]
    pub fn params<const N: usize>(self, names: [&'static str; N]) -> Self {
        let Some(last) = &self.last else { panic!("`params` follows a `method`") };
        last.declare(names);
        self
    }

    /// Runs the handlers of the method that was added last where requests are received. See
    /// [`Method::inline`].
    ///
    /// # Panics
    ///
    /// When no method was added, or it was said before where its handlers run.
    #[must_use]
    #[track_caller]
    pub fn inline(self) -> Self {
        self.run_last(Mode::Inline)
    }

    /// Runs each handler of the method that was added last in a task of its own. See
    /// [`Method::spawned`].
    ///
    /// # Panics
    ///
    /// When no method was added, or it was said before where its handlers run.
    #[must_use]
    #[track_caller]
    pub fn spawned(self) -> Self {
        self.run_last(Mode::Spawned)
    }

    /// Runs the handlers of the method that was added last on threads where they may block. See
    /// [`Method::blocking`].
    ///
    /// # Panics
    ///
    /// When no method was added, it is async, or it was said before where its handlers run.
    #[must_use]
    #[track_caller]
    pub fn blocking(self) -> Self {
        self.run_last(Mode::Blocking)
    }

    #[track_caller]
    fn run_last(self, mode: Mode) -> Self {
        let Some(last) = &self.last else { panic!("it follows a `method` where that runs") };
        last.run(mode);
        self
    }

    /// Runs blocking methods on a pool that is shared with others, or has bounds of its own.
    ///
    /// Without, they run on the pool of the connection, where that has one, or on one of this
    /// dispatcher with all defaults. Nested services have their own.
    ///
    /// # Panics
    ///
    /// When there is one already.
    #[must_use]
    #[track_caller]
    pub fn blocking_pool(self, pool: &BlockingPool) -> Self {
        let fresh = self.shared.pool.set(pool.clone()).is_ok();
        assert!(fresh, "the dispatcher has a pool already");
        self
    }

    /// Adds another name for a method.
    ///
    /// # Panics
    ///
    /// When the new name is taken, or there is no method under the existing one.
    #[must_use]
    #[track_caller]
    pub fn alias(mut self, new: &str, existing: &str) -> Self {
        let Some(method) = self.shared.find(existing) else {
            panic!("there is no method `{existing}`");
        };
        self.add(new, method);
        self
    }

    /// Adds a service for all methods whose names begin with `prefix`; it sees the rest of them.
    ///
    /// Own methods come first. Several services may share a prefix: the first that has the method
    /// answers.
    #[must_use]
    pub fn nest(mut self, prefix: &str, service: impl Service + 'static) -> Self {
        let nest = Nest { prefix: prefix.into(), service: Arc::new(service) };
        self.shared_mut(|table| table.push_nest(nest));
        self
    }

    /// Says what becomes of params that a method does not have; without, the call is refused.
    ///
    /// It is meant for all methods of this dispatcher, and not for those of nested services. Where
    /// the names of params were not declared, all names are unknown, and are refused as before.
    ///
    /// ```
    /// use tinyrpc_dispatch::{Dispatcher, Surplus};
    ///
    /// // `{"a": 2, "b": 3, "since": "v2"}` is answered.
    /// let tolerant = Dispatcher::new()
    ///     .surplus(Surplus::IgnoreNamed)
    ///     .method("add", |a: i64, b: i64| a + b)
    ///     .params(["a", "b"]);
    /// ```
    ///
    /// # Panics
    ///
    /// When it was said before.
    #[must_use]
    #[track_caller]
    pub fn surplus(self, surplus: Surplus) -> Self {
        self.shared.policy.set_surplus(surplus);
        self
    }

    /// Has a `check` look at each request before its params are decoded; its error is the answer.
    ///
    /// It is asked for all methods of this dispatcher, and not for those of nested services. It is
    /// for rules about params as a whole; for a rule about one value, a type whose `Deserialize`
    /// refuses all others (`#[serde(try_from = "..")]`) gives an error that says where it was.
    ///
    /// ```
    /// use tinyrpc_core::{RpcError, format::Shape};
    /// use tinyrpc_dispatch::{Dispatcher, Invocation, Method};
    ///
    /// fn only_named(invocation: &Invocation<'_, '_>, method: &Method) -> Result<(), RpcError> {
    ///     let params = invocation.request.params;
    ///     match params.format.shape(params.bytes) {
    ///         Shape::Sequence { .. } if method.arity() > 1 => {
    ///             let names = method.names().unwrap_or_default().join("`, `");
    ///             Err(RpcError::invalid_params(format!("params go by their names: `{names}`")))
    ///         }
    ///         _ => Ok(()),
    ///     }
    /// }
    ///
    /// let calc = Dispatcher::new()
    ///     .validate(only_named)
    ///     .method("add", |a: i64, b: i64| a + b)
    ///     .params(["a", "b"]);
    /// ```
    ///
    /// # Panics
    ///
    /// When there is one already.
    #[must_use]
    #[track_caller]
    pub fn validate(
        self,
        check: impl Fn(&Invocation<'_, '_>, &Method) -> Result<(), RpcError> + Send + Sync + 'static,
    ) -> Self {
        self.shared.policy.set_check(check);
        self
    }

    /// A handle to change the methods while they are served.
    pub fn handle(&self) -> DispatcherHandle {
        DispatcherHandle::new(Arc::clone(&self.shared))
    }

    #[track_caller]
    fn add(&mut self, name: &str, method: Arc<Method>) {
        let added = self.shared_mut(|table| table.insert(name, method));
        assert!(added.is_ok(), "there is a method `{name}` already");
    }

    /// Changes the table in place while nobody else has it.
    fn shared_mut<R>(&mut self, change: impl FnOnce(&mut Table) -> R) -> R {
        match Arc::get_mut(&mut self.shared) {
            Some(Shared { built, live, .. }) if live.get().is_none() => change(built),
            _ => self.shared.change(change),
        }
    }
}

impl Shared {
    /// Changes what is being served. `change` runs under a lock and gives back what is to be dropped.
    fn change<R>(&self, change: impl FnOnce(&mut Table) -> R) -> R {
        let live = self.live.get_or_init(|| RwLock::new(self.built.clone()));
        change(&mut live.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks at what is being served.
    fn look<R>(&self, look: impl FnOnce(&Table) -> R) -> R {
        match self.live.get() {
            None => look(&self.built),
            Some(live) => look(&live.read().unwrap_or_else(PoisonError::into_inner)),
        }
    }

    pub(crate) fn policy(&self) -> &Policy {
        &self.policy
    }

    fn find(&self, name: &str) -> Option<Arc<Method>> {
        self.look(|table| table.find(name).cloned())
    }
}

impl Service for Dispatcher {
    fn start(&self, invocation: &mut Invocation<'_, '_>, reply: &mut ReplyTo<'_>) -> Started {
        let name = invocation.method;
        let shared = &*self.shared;
        if shared.live.get().is_none() {
            return match shared.built.find(name) {
                Some(method) => self.shared.begin(method, invocation, reply),
                None => nested(shared.built.nests(), invocation, reply),
            };
        }
        match shared.find(name) {
            Some(method) => self.shared.begin(&method, invocation, reply),
            None => nested(&shared.look(|table| Arc::clone(table.nests())), invocation, reply),
        }
    }

    fn has_method(&self, name: &str) -> bool {
        self.shared.look(|table| table.find(name).is_some()) || {
            let nests = self.shared.look(|table| Arc::clone(table.nests()));
            nests.iter().any(|nest| nest.has_method(name))
        }
    }
}

/// Has a nested service answer, or says that there is no such method.
fn nested(nests: &[Nest], invocation: &mut Invocation<'_, '_>, reply: &mut ReplyTo<'_>) -> Started {
    match Nest::choose(nests, invocation.method) {
        Some(nest) => nest.start(invocation, reply),
        None => {
            fail(reply, &RpcError::method_not_found(&invocation.request.method));
            Started::Done
        }
    }
}

impl fmt::Debug for Dispatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatcher")
            .field("methods", &self.handle().names())
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, feature = "json", feature = "msgpack"))]
mod tests;
