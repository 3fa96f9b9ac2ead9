//! `Method`: a handler whose types are forgotten.

pub(crate) mod awaited;
pub(crate) mod direct;
mod pool;

use std::{fmt, sync::OnceLock};

use tinyrpc_core::{ReplyTo, Slow};

use crate::{
    Handler, Invocation, Mode, Scope, Started, arguments::Rules, dispatcher::Policy, fail::fail,
    subscriptions::Channel,
};

/// One method: a handler, and the names of its params where they are known.
///
/// [`Dispatcher::method`](crate::Dispatcher::method) makes it by itself. Made by hand, it brings
/// its names along:
///
/// ```
/// use tinyrpc_dispatch::{Dispatcher, Method};
///
/// let dispatcher = Dispatcher::new();
/// let add = Method::new(|a: i64, b: i64| a + b).params(["a", "b"]);
/// dispatcher.handle().try_insert("add", add)?;
/// # Ok::<_, tinyrpc_dispatch::NameTaken>(())
/// ```
pub struct Method {
    erased: Box<dyn Erased>,
    names: OnceLock<Box<[&'static str]>>,
    mode: OnceLock<Mode>,
}

/// A handler behind its params and results.
pub(crate) trait Erased: Send + Sync {
    /// How many params it has.
    fn arity(&self) -> usize;

    /// True where it answers before it returns.
    fn is_plain(&self) -> bool;

    /// True where its result is a stream.
    fn streams(&self) -> bool {
        false
    }

    /// What was said about subscribers, where it is a method that subscribes.
    fn channel(&self) -> Option<&Channel> {
        None
    }

    /// Begins one request.
    fn begin(
        &self,
        rules: Rules<'_>,
        invocation: &mut Invocation<'_, '_>,
        reply: &mut ReplyTo<'_>,
    ) -> Started;
}

impl Method {
    /// Makes a method of a handler.
    ///
    /// # Panics
    ///
    /// When the handler returns a `Result` whose error cannot travel.
    #[track_caller]
    pub fn new<Marker>(handler: impl Handler<Marker>) -> Self {
        handler.into_method()
    }

    /// Declares the names of all params, so that callers may use them.
    ///
    /// # Panics
    ///
    /// When there are more names than params or fewer, the same one twice, or names were declared
    /// before.
    #[must_use]
    #[track_caller]
    pub fn params<const N: usize>(self, names: [&'static str; N]) -> Self {
        self.declare(names);
        self
    }

    #[track_caller]
    pub(crate) fn declare<const N: usize>(&self, names: [&'static str; N]) {
        let arity = self.erased.arity();
        assert_eq!(N, arity, "the method has {arity} params, but {N} names are declared");
        let twice = names.iter().enumerate().find(|(index, name)| names[..*index].contains(name));
        assert!(twice.is_none(), "two params have the same name");
        let fresh = self.names.set(Box::new(names)).is_ok();
        assert!(fresh, "the names of the params were declared before");
    }

    /// Runs its handlers where requests are received, whatever the connection says.
    ///
    /// It is the default, except under `tinyrpc::blocking`. A handler that blocks there holds up
    /// its connection and all that share the thread.
    ///
    /// # Panics
    ///
    /// When it was said before where they run.
    #[must_use]
    #[track_caller]
    pub fn inline(self) -> Self {
        self.run(Mode::Inline);
        self
    }

    /// Runs each of its handlers in a task of its own, on whatever thread the runtime has for it.
    ///
    /// For handlers that compute for longer than other requests can wait, on a runtime with
    /// several threads. Handlers that mostly wait need no task: many of them wait side by side.
    /// A connection without a runtime refuses such requests as not executed.
    ///
    /// # Panics
    ///
    /// When it was said before where they run.
    #[must_use]
    #[track_caller]
    pub fn spawned(self) -> Self {
        self.run(Mode::Spawned);
        self
    }

    /// Runs its handlers on the threads of a [`BlockingPool`](crate::BlockingPool), where they may
    /// block.
    ///
    /// For plain functions that wait for disks, databases or locks, or for their own peer by
    /// `tinyrpc::blocking`. Two requests of one caller may run at the same time, and notifications
    /// out of order. A connection without a runtime refuses such requests as not executed.
    ///
    /// # Panics
    ///
    /// When the handler is async, which is for [`Method::spawned`], or it was said before where
    /// they run.
    #[must_use]
    #[track_caller]
    pub fn blocking(self) -> Self {
        self.run(Mode::Blocking);
        self
    }

    #[track_caller]
    pub(crate) fn run(&self, mode: Mode) {
        let fits = mode != Mode::Blocking || self.erased.is_plain();
        assert!(fits, "an async function never blocks its thread: `spawned` is for those");
        let fresh = self.mode.set(mode).is_ok();
        assert!(fresh, "it was said before where the handlers of the method run");
    }

    /// Says what is done about subscribers that take less than there is; without it is
    /// [`Slow::Wait`]. See [`Dispatcher::slow`](crate::Dispatcher::slow).
    ///
    /// # Panics
    ///
    /// When it is no method that subscribes, or that was said before.
    #[track_caller]
    pub(crate) fn set_slow(&self, slow: Slow, buffer: usize) {
        let Some(channel) = self.erased.channel() else { panic!("the method subscribes nobody") };
        channel.set_slow(slow, buffer);
    }

    pub(crate) fn from_erased(erased: impl Erased + 'static) -> Self {
        Self { erased: Box::new(erased), names: OnceLock::new(), mode: OnceLock::new() }
    }

    /// Where its handlers run for requests of a connection.
    #[inline]
    pub fn mode(&self, scope: &Scope) -> Mode {
        match self.mode.get() {
            Some(mode) => *mode,
            None if scope.blocking_pool.is_some() && self.erased.is_plain() => Mode::Blocking,
            None => Mode::Inline,
        }
    }

    /// How many params it has.
    pub fn arity(&self) -> usize {
        self.erased.arity()
    }

    /// True where its result is a stream of values.
    pub fn streams(&self) -> bool {
        self.erased.streams()
    }

    /// The names of its params, where they were declared.
    pub fn names(&self) -> Option<&[&'static str]> {
        self.names.get().map(|names| &**names)
    }

    #[inline]
    pub(crate) fn start(
        &self,
        policy: &Policy,
        invocation: &mut Invocation<'_, '_>,
        reply: &mut ReplyTo<'_>,
    ) -> Started {
        if let Err(error) = policy.check(invocation, self) {
            fail(reply, &error);
            return Started::Done;
        }
        self.erased.begin(Rules { names: &self.names, policy }, invocation, reply)
    }
}

impl fmt::Debug for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Method")
            .field("arity", &self.arity())
            .field("names", &self.names())
            .field("mode", &self.mode.get())
            .finish()
    }
}

#[cfg(all(test, feature = "json", feature = "msgpack"))]
mod tests;
