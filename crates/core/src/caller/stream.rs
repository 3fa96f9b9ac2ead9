//! `Streaming`: a call that streams, before it is made.

use std::{
    fmt,
    future::{Future, IntoFuture, poll_fn},
    marker::PhantomData,
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use serde::{Serialize, de::DeserializeOwned};

use super::{Call, Caller, Items, Sender, Sent, journey::Journey, micros};
use crate::{
    Allowance, Error,
    calls::not_extended,
    draft,
    streams::{Duct, Outlet},
};

/// A call that streams, made when it is awaited. See [`Caller::stream`].
///
/// It waits for the peer to say that it knows streams, for room among the calls in flight, and no
/// longer.
#[must_use = "a call is made when it is awaited"]
pub struct Streaming<'a, P, K> {
    caller: &'a Caller,
    method: &'a str,
    params: P,
    /// Of the whole call, in microseconds; 0 for ever.
    timeout: u64,
    window: Option<Allowance>,
    newest: Option<usize>,
    kind: PhantomData<fn() -> K>,
}

/// The ends of a call that streams, as its caller gets them.
pub trait Ends: sealed::Sealed {
    /// What it gets.
    type Given;

    /// The result is a stream.
    const STREAM: bool;
    /// The caller sends values.
    const SENDS: bool;

    #[doc(hidden)]
    fn ends(call: Sent<()>, duct: sealed::Duct) -> Self::Given;
}

/// The result is a stream of `T`.
#[derive(Debug)]
pub struct Down<T>(PhantomData<fn() -> T>);
/// Values `U` go into the call, the result is one value `R`.
#[derive(Debug)]
pub struct Up<U, R>(PhantomData<fn(U) -> R>);
/// Values `U` go into the call, the result is a stream of `T`.
#[derive(Debug)]
pub struct Both<U, T>(PhantomData<fn(U) -> T>);

mod sealed {
    #[allow(unnameable_types, reason = "nobody else has ends")]
    pub trait Sealed {}
    /// The streams of a call.
    #[allow(unnameable_types, reason = "only `Ends` speaks of it")]
    #[derive(Debug)]
    pub struct Duct(pub(super) std::sync::Arc<crate::streams::Duct>);
    impl<T> Sealed for super::Down<T> {}
    impl<U, R> Sealed for super::Up<U, R> {}
    impl<U, T> Sealed for super::Both<U, T> {}
}

impl<T: DeserializeOwned> Ends for Down<T> {
    type Given = Items<T>;
    const STREAM: bool = true;
    const SENDS: bool = false;

    fn ends(call: Sent<()>, duct: sealed::Duct) -> Items<T> {
        Items::new(call, Arc::clone(&duct.0))
    }
}

impl<U: Serialize, R: DeserializeOwned> Ends for Up<U, R> {
    type Given = (Sender<U>, Sent<R>);
    const STREAM: bool = false;
    const SENDS: bool = true;

    fn ends(call: Sent<()>, duct: sealed::Duct) -> Self::Given {
        (sender(&duct.0), call.typed())
    }
}

impl<U: Serialize, T: DeserializeOwned> Ends for Both<U, T> {
    type Given = (Sender<U>, Items<T>);
    const STREAM: bool = true;
    const SENDS: bool = true;

    fn ends(call: Sent<()>, duct: sealed::Duct) -> Self::Given {
        (sender(&duct.0), Items::new(call, Arc::clone(&duct.0)))
    }
}

fn sender<U: Serialize>(duct: &Arc<Duct>) -> Sender<U> {
    duct.take_outlet();
    Sender::new(Outlet::new(Arc::clone(duct)))
}

/// The streams of a call that is being made.
pub(super) struct Opened {
    duct: Arc<Duct>,
    stream: Option<Allowance>,
    sends: bool,
}

impl Opened {
    pub(super) fn as_opening(&self) -> draft::Opening<'_> {
        draft::Opening { duct: &self.duct, stream: self.stream, sends: self.sends }
    }
}

impl Caller {
    /// Calls a method whose result is a stream of values.
    ///
    /// The values come as fast as they are read: a reader that stops stops their producer, and
    /// nobody else. How much comes before that is [`Limits::stream_items`](crate::Limits) and
    /// `stream_bytes`, or [`Streaming::window`]. A method that does not stream gives its result as the
    /// only value. There is no time limit unless [`Streaming::timeout`] sets one.
    ///
    /// The first such call of a connection asks the peer whether it knows streams
    /// ([`Caller::extend`]). Over a transport of exchanges that can carry streams
    /// ([`Connection::streams`](crate::Connection::streams)) nobody is asked: each call may have
    /// another peer, and a peer that knows none gives its result as the only value. So it is over HTTP
    /// in JSON-RPC, where the header `Accept` asks for lines.
    ///
    /// ```
    /// # use tinyrpc_core::{Caller, Error};
    /// # async fn example(caller: Caller) -> Result<(), Error> {
    /// let mut numbers = caller.stream::<_, u64>("count", (3,)).await?;
    /// while let Some(number) = numbers.next().await {
    ///     println!("{}", number?);
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Reason::Unsupported`](crate::Reason) where the peer knows no streams; otherwise as any call.
    ///
    /// # Cancel safety
    ///
    /// Dropping the [`Items`] cancels the call: its handler is stopped.
    pub fn stream<'a, P: Serialize, T: DeserializeOwned>(
        &'a self,
        method: &'a str,
        params: P,
    ) -> Streaming<'a, P, Down<T>> {
        Streaming::new(self, method, params)
    }

    /// Calls a method and sends values into it; its result is one value.
    ///
    /// ```
    /// # use tinyrpc_core::{Caller, Error};
    /// # async fn example(caller: Caller) -> Result<(), Box<dyn std::error::Error>> {
    /// let (numbers, sum) = caller.upload::<_, u64, u64>("sum", ()).await?;
    /// for number in [1, 2, 4] {
    ///     numbers.send(number).await?;
    /// }
    /// numbers.close();
    /// assert_eq!(sum.await?, 7);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Caller::stream`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the [`Sent`] cancels the call. A [`Sender`] that is dropped before it is closed ends
    /// its values by an error, so that no handler takes a part for the whole.
    pub fn upload<'a, P: Serialize, U: Serialize, R: DeserializeOwned>(
        &'a self,
        method: &'a str,
        params: P,
    ) -> Streaming<'a, P, Up<U, R>> {
        Streaming::new(self, method, params)
    }

    /// Calls a method and sends values into it, while its result comes as a stream.
    ///
    /// ```
    /// # use tinyrpc_core::{Caller, Error};
    /// # async fn example(caller: Caller) -> Result<(), Box<dyn std::error::Error>> {
    /// let (say, mut heard) = caller.duplex::<_, String, String>("chat", ("room",)).await?;
    /// say.send("hello".into()).await?;
    /// let answer = heard.next().await;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Caller::stream`].
    ///
    /// # Cancel safety
    ///
    /// As for both others.
    pub fn duplex<'a, P: Serialize, U: Serialize, T: DeserializeOwned>(
        &'a self,
        method: &'a str,
        params: P,
    ) -> Streaming<'a, P, Both<U, T>> {
        Streaming::new(self, method, params)
    }

    /// The caller of one connection: itself, or the one that a roster chooses.
    async fn settled(&self, timeout: u64) -> Result<Self, Error> {
        let Some(mut journey) = Journey::of(self, timeout) else { return Ok(self.clone()) };
        let chosen = poll_fn(|cx| journey.poll_choose(cx, self, None, false)).await;
        chosen.map_err(|error| self.errors.map(error))?;
        let chosen = journey.caller().cloned().unwrap_or_else(|| self.clone());
        Ok(Self { errors: self.errors.clone(), ..chosen })
    }
}

impl<'a, P: Serialize, K: Ends> Streaming<'a, P, K> {
    fn new(caller: &'a Caller, method: &'a str, params: P) -> Self {
        Self { caller, method, params, timeout: 0, window: None, newest: None, kind: PhantomData }
    }

    /// How long the whole call may take, its stream included. Without it there is no limit: a lost
    /// connection ends the stream, and a peer that hangs does not.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = micros(timeout);
        self
    }

    /// How many values and bytes may come before they are read. More is faster over long ways, and
    /// takes as much memory where the reader is slow. Over HTTP nothing is granted, and this does
    /// nothing.
    pub fn window(mut self, items: u32, bytes: u32) -> Self {
        let most = i32::MAX as u32;
        self.window = Some(Allowance { items: items.clamp(1, most), bytes: bytes.clamp(1, most) });
        self
    }

    /// Lets the values come as fast as they are produced, and keeps the newest `count` of those that
    /// were not read: for readers who want to know how it is now, such as gauges and pictures.
    /// [`Items::missed`] counts what was forgotten.
    pub fn newest(mut self, count: usize) -> Self {
        self.newest = Some(count);
        self
    }

    async fn open(self) -> Result<K::Given, Error> {
        let caller = self.caller.settled(self.timeout).await?;
        // Where its transport holds a stream up, nothing is granted.
        let is_held_up = !K::SENDS && caller.calls.takes_streams();
        let credit = if is_held_up || caller.calls.streams_on_exchanges() {
            // Whoever takes the call says first how much may be sent into it.
            Allowance::default()
        } else {
            if caller.calls.terms().is_none() {
                let extended = caller.extend().await;
                extended.map_err(|error| self.caller.errors.map(error))?;
            }
            caller.calls.terms().ok_or_else(not_extended)?.stream
        };
        let stream = K::STREAM.then(|| match (self.window, self.newest) {
            (Some(window), None) if !is_held_up => window,
            (None, None) if !is_held_up => caller.calls.our_stream(),
            _ => Allowance { items: i32::MAX as u32, bytes: i32::MAX as u32 },
        });
        let credit = K::SENDS.then_some(credit);
        let calls = Arc::clone(&caller.calls);
        let duct = match is_held_up {
            true => Duct::ours_held_up(calls, stream),
            false => Duct::ours(calls, stream, credit),
        };
        if let Some(count) = self.newest {
            duct.keep_newest(count);
        }
        let opened = Opened { duct: Arc::clone(&duct), stream, sends: K::SENDS };
        let call = Call::<P, ()>::new(&caller, self.method, self.params);
        let call = call.timeout(Duration::from_micros(self.timeout)).opening(opened);
        Ok(K::ends(call.send().await?, sealed::Duct(duct)))
    }
}

impl<'a, P: Serialize + Send + 'a, K: Ends + 'a> IntoFuture for Streaming<'a, P, K> {
    type Output = Result<K::Given, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.open())
    }
}

impl<P, K> fmt::Debug for Streaming<'_, P, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streaming").field("method", &self.method).finish_non_exhaustive()
    }
}
