//! `Caller`: makes calls to the peer of a connection, from any thread and in any runtime.

mod announcement;
mod asking;
mod batch;
mod call;
mod error_map;
mod extend;
mod items;
mod journey;
mod notify;
mod resend;
mod sender;
mod sent;
mod stream;

use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

use serde::{Serialize, de::DeserializeOwned};

use self::error_map::ErrorMap;
pub use self::{
    announcement::Announcement,
    batch::{Answers, Batch, BatchItem},
    call::Call,
    items::Items,
    notify::Notify,
    sender::Sender,
    sent::Sent,
    stream::{Both, Down, Ends, Streaming, Up},
};
use crate::{
    Error, Format, Limits, Payload, Progress, Reason, Roster, Runtime, Subscribe, SubscriptionId,
    calls::{Begun, Calls, Line, Patience},
    draft::Draft,
    format, scratch,
    streams::Nest,
};

/// A handle for calls to one peer; cheap to clone.
///
/// Params are a tuple, an array or a `Vec` (positional), a struct or a map (named), or `()` for
/// none. One single argument is a tuple too: `("text",)`.
///
/// ```
/// # use tinyrpc_core::{Caller, Error};
/// # async fn example(caller: Caller) -> Result<(), Error> {
/// let five: i64 = caller.call("add", (2, 3)).await?;
/// caller.notify("log", ("done",)).await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Caller {
    /// Of the connection; without any calls where there is a roster.
    calls: Arc<Calls>,
    /// The connections among which each call has its own.
    roster: Option<Arc<dyn Roster>>,
    /// Set for a handler that calls its own peer: how many such calls it waits for.
    nested: Option<Arc<Nest>>,
    /// Microseconds; 0 for none.
    timeout: u64,
    /// What the names of all methods begin with.
    prefix: Option<Arc<str>>,
    /// A trace is not shown what is said.
    concealed: bool,
    /// Calls may be executed twice without harm.
    idempotent: bool,
    errors: ErrorMap,
}

impl Caller {
    pub(crate) fn new(calls: Arc<Calls>) -> Self {
        let timeout = micros(calls.limits.call_timeout);
        Self {
            calls,
            roster: None,
            nested: None,
            timeout,
            prefix: None,
            concealed: false,
            idempotent: false,
            errors: ErrorMap::default(),
        }
    }

    /// A handle whose calls go over several connections, each over the one that a roster chooses.
    pub fn over(roster: Arc<dyn Roster>, limits: Limits) -> Self {
        let calls = Calls::new(Line::DUPLEX, Arc::new(limits));
        Self { roster: Some(roster), ..Self::new(calls) }
    }

    /// True when both call over the same connection.
    pub fn is_same_connection(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.calls, &other.calls)
    }

    /// The handle that a handler gets for its own peer.
    ///
    /// Calls made by it are nested: they do not count against `max_calls`, and while one is in
    /// flight the handler gives its place among `max_requests` back, so that two peers that call
    /// each other cannot starve.
    pub fn nested(&self) -> Self {
        self.nested_in(0, 0, None)
    }

    /// The same for a handler whose own call is nested in `depth` others, and whose caller waits
    /// until `until`, in microseconds on the clock of the session; 0 for ever.
    ///
    /// Its calls wait no longer than that, whatever their own time is. What is left of it is told to
    /// the peer where that clock is at hand.
    pub fn nested_in(&self, depth: u32, until: u64, clock: Option<Arc<dyn Runtime>>) -> Self {
        let nest = Nest { depth, until, clock, ..Nest::default() };
        Self { nested: Some(Arc::new(nest)), ..self.clone() }
    }

    /// The same handle with another time for each call; zero waits for ever.
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = micros(timeout);
        self
    }

    /// The same handle for what a [`WireTrace`](crate::WireTrace) must not see, such as a token:
    /// there are asterisks over the params of its calls and notifications, and over its batches.
    pub fn concealed(&self) -> Self {
        Self { concealed: true, ..self.clone() }
    }

    /// The same handle for methods that may be executed twice without harm: each of its calls is
    /// [`Call::idempotent`].
    pub fn idempotent(&self) -> Self {
        Self { idempotent: true, ..self.clone() }
    }

    /// The same handle for the methods under a prefix, which is put before every name.
    ///
    /// It nests: `with_prefix("a.").with_prefix("b.")` calls `a.b.add` as `add`. It costs a call no
    /// allocation.
    ///
    /// ```
    /// # use tinyrpc_core::{Caller, Error};
    /// # async fn example(caller: Caller) -> Result<(), Error> {
    /// let math = caller.with_prefix("math.");
    /// let five: i64 = math.call("add", (2, 3)).await?;
    /// math.notify("forget", ()).await?;
    /// # Ok(()) }
    /// ```
    pub fn with_prefix(&self, prefix: &str) -> Self {
        Self { prefix: Some(self.full_name(prefix).into()), ..self.clone() }
    }

    /// The same handle, whose errors become what `map` makes of them.
    ///
    /// It is asked for every call, notification and batch that fails, and for each call of a batch
    /// when its answer is taken; never for one that succeeds. Where there are several, the last
    /// one that was added is asked last. Retries trust in [`Error::outcome`]: keep it true.
    ///
    /// ```
    /// # use tinyrpc_core::{Caller, Code, Error};
    /// // A peer that knows no codes sends text such as `KeyError: 'x'`.
    /// # fn example(caller: Caller) -> Caller {
    /// caller.map_error(|error| match error {
    ///     Error::Answered(mut error) if error.message.starts_with("KeyError: ") => {
    ///         error.code = Code(404);
    ///         Error::Answered(error)
    ///     }
    ///     other => other,
    /// })
    /// # }
    /// ```
    pub fn map_error(&self, map: impl Fn(Error) -> Error + Send + Sync + 'static) -> Self {
        Self { errors: self.errors.then(map), ..self.clone() }
    }

    /// Calls a method. The call is made at the first poll; where the limit of calls in flight is
    /// reached, or too much waits to be sent, it waits its turn. Where the params are over
    /// `max_message`, it first asks the peer whether it takes them in chunks ([`Caller::extend`]),
    /// for no longer than half of its time; one that had to wait its turn does not ask.
    ///
    /// # Errors
    ///
    /// See [`Error`]: answered with an error, certainly not executed, or unknown.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives the call up. Its answer, should one come, is ignored.
    pub fn call<'a, P, R>(&'a self, method: &'a str, params: P) -> Call<'a, P, R>
    where
        P: Serialize,
        R: DeserializeOwned,
    {
        Call::new(self, method, params)
    }

    /// Calls a method, or fails at once where [`Caller::call`] would wait its turn.
    ///
    /// # Errors
    ///
    /// As `call`, and [`Reason::Limit`] where there is no room.
    pub fn try_call<'a, P, R>(&'a self, method: &'a str, params: P) -> Call<'a, P, R>
    where
        P: Serialize,
        R: DeserializeOwned,
    {
        Call::new(self, method, params).impatient()
    }

    /// Calls a method and gives its result as it came, not decoded: for programs that show results
    /// or hand them on, whatever they are. Waits its turn like [`Caller::call`].
    ///
    /// # Errors
    ///
    /// As `call`; a result never mismatches.
    ///
    /// # Cancel safety
    ///
    /// As `call`.
    pub async fn call_raw<P: Serialize>(&self, method: &str, params: P) -> Result<Payload, Error> {
        Call::new(self, method, params).undecoded().await
    }

    /// Sends a notification: it is executed, but never answered. Ready when it is queued.
    ///
    /// # Errors
    ///
    /// It cannot be encoded, or the connection is closed.
    pub fn notify<'a, P: Serialize>(&'a self, method: &'a str, params: P) -> Notify<'a, P> {
        Notify::new(self, method, params)
    }

    /// Subscribes: calls a method whose answer is an id, and gives the items of the notifications
    /// that carry it, in the form that Ethereum nodes and jsonrpsee have:
    /// `{"subscription": id, "result": item}`. They are known by their ids, whatever their method
    /// is; notifications with ids of nobody go to this side's own service. Those that come before
    /// this side has read the answer are not lost.
    ///
    /// What is done when they are not taken as fast as they come is said by [`Subscribe::slow`].
    ///
    /// ```
    /// # use tinyrpc_core::{Caller, Error};
    /// # async fn example(caller: Caller) -> Result<(), Error> {
    /// let mut ticks = caller.subscribe::<u64>("subscribe_ticks", (1,), "unsubscribe_ticks").await?;
    /// while let Some(tick) = ticks.next().await {
    ///     println!("{}", tick?);
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// As for any call. A server that cannot notify by this transport says so.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives the call up; should it be answered, this side unsubscribes.
    pub fn subscribe<'a, T: DeserializeOwned>(
        &'a self,
        subscribe: &'a str,
        params: impl Serialize + 'a,
        unsubscribe: &'a str,
    ) -> Subscribe<'a, impl Serialize + 'a, T> {
        Subscribe::new(self, subscribe, params, unsubscribe)
    }

    /// What the peer reports of a call while that goes on, as the Language Server Protocol
    /// (`$/progress` with `{"token": .., "value": ..}`) and the Model Context Protocol
    /// (`notifications/progress` with `{"progressToken": .., "progress": .., ..}`) have it: `T` is
    /// the value, or all of those params. The token is one of this side's own choice, and is to be
    /// named in the params of the call that is made next.
    ///
    /// A handler reports by a notification of its own: `context.peer().notify("$/progress", ..)`.
    ///
    /// ```
    /// # use std::collections::HashMap;
    /// # use tinyrpc_core::{Caller, Error};
    /// # async fn example(caller: Caller) -> Result<(), Error> {
    /// let mut reports = caller.progress::<u32>("index-1")?;
    /// let call = caller.call("index", HashMap::from([("workDoneToken", "index-1")]));
    /// let done: bool = call.await?;
    /// while let Some(report) = reports.next().await {
    ///     println!("{} %", report?);
    /// #   break;
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// This handle goes over several connections.
    pub fn progress<T>(&self, token: impl Into<SubscriptionId>) -> Result<Progress<T>, Error> {
        Progress::new(self, token.into())
    }

    /// True where each call may go over another connection.
    pub(crate) fn is_over_several(&self) -> bool {
        self.roster.is_some()
    }

    /// Starts a batch: several calls that travel in one message, where the protocol has batches,
    /// and as a group without.
    pub fn batch(&self) -> Batch<'_> {
        Batch::new(self)
    }

    /// Fails where this side can say nothing by itself: the serving side of a transport of
    /// exchanges, plain HTTP for one.
    ///
    /// # Errors
    ///
    /// [`Reason::Unsupported`], with the name of what is missing.
    pub fn can_call(&self) -> Result<(), Error> {
        match &self.roster {
            None => self.calls.check(),
            Some(_) => Ok(()),
        }
    }

    /// The format of the connection, once the protocol is known.
    pub fn format(&self) -> Option<Format> {
        match &self.roster {
            None => self.calls.wire().map(|wire| wire.format()),
            Some(roster) => roster.format(),
        }
    }

    /// Why no more calls can be made; `None` while they can.
    pub fn closed(&self) -> Option<Reason> {
        match &self.roster {
            None => self.calls.closed(),
            Some(roster) => roster.closed(),
        }
    }

    /// The bounds of the connection.
    pub fn limits(&self) -> &Limits {
        &self.calls.limits
    }

    /// How many calls are in flight.
    pub fn in_flight(&self) -> usize {
        match &self.roster {
            None => self.calls.in_flight(),
            Some(roster) => roster.in_flight(),
        }
    }

    /// Wakes whoever drives the connection, to have it look at a change beside the calls.
    pub fn wake_driver(&self) {
        self.calls.wake_driver();
    }

    /// What is known of the calls over its connection.
    pub(crate) fn calls(&self) -> &Arc<Calls> {
        &self.calls
    }

    /// Unsubscribes without waiting for anything; it is lost where the connection is.
    pub(crate) fn send_off(&self, unsubscribe: &str, id: &SubscriptionId) {
        // A nested call needs no room, so that nothing stands in the way.
        let caller = self.nested();
        let sent = caller
            .make(unsubscribe, &(id,), 0, |draft| caller.calls.begin(draft, Patience::Fail, None));
        if let Ok(Begun::Sent(call)) = sent {
            caller.calls.detach(call);
        }
    }

    /// A method's name as the peer knows it.
    pub(crate) fn full_name<'a>(&self, method: &'a str) -> Cow<'a, str> {
        match &self.prefix {
            None => method.into(),
            Some(prefix) => [&**prefix, method].concat().into(),
        }
    }

    /// Encodes a call or a notification, and has it made.
    fn make<P: Serialize, T>(
        &self,
        method: &str,
        params: &P,
        timeout: u64,
        make: impl FnOnce(&Draft<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut scratch = scratch::take();
        let encoded = self.calls.wire().is_some();
        // A name that has to be put together goes before the params, into the same buffer.
        if let Some(prefix) = &self.prefix {
            scratch.extend_from_slice(prefix.as_bytes());
            scratch.extend_from_slice(method.as_bytes());
        }
        let name_len = scratch.len();
        let encode = self.calls.check().and_then(|()| self.encode(params, &mut scratch));
        let made = encode.and_then(|()| {
            let (name, params) = scratch.split_at(name_len);
            let method = match self.prefix {
                None => method,
                Some(_) => str::from_utf8(name).expect("two texts one after the other are text"),
            };
            let nested = self.nested.as_ref();
            let concealed = self.concealed;
            make(&Draft { method, params, encoded, timeout, nested, concealed, opening: None })
        });
        scratch::put(scratch);
        made.map_err(|error| self.errors.map(call::with_timeout(error, timeout)))
    }

    /// Encodes params behind what is in `out`.
    fn encode<P: Serialize>(&self, params: &P, out: &mut Vec<u8>) -> Result<(), Error> {
        match self.format() {
            Some(format) => encode_params(format, params, out),
            None => Ok(()),
        }
    }
}

/// Encodes params behind what is in `out`.
fn encode_params<P: Serialize>(format: Format, params: &P, out: &mut Vec<u8>) -> Result<(), Error> {
    let start = out.len();
    format.encode(params, out)?;
    match format.shape(out.get(start..).unwrap_or_default()) {
        format::Shape::Sequence { .. } | format::Shape::Map { .. } => Ok(()),
        format::Shape::Null => {
            out.truncate(start);
            Ok(())
        }
        _ => Err(Error::invalid(
            "params are a tuple, a sequence, a struct or a map: for a single argument write `(value,)`",
        )),
    }
}

impl AsRef<Self> for Caller {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller")
            .field("format", &self.format())
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

/// A time as the session counts it.
pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
