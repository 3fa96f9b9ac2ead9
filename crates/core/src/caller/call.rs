//! `Call`: one call as a future.

use std::{
    fmt,
    future::{Future, poll_fn},
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use serde::{Serialize, de::DeserializeOwned};

use super::{
    Caller, Sent,
    asking::Asking,
    journey::Journey,
    micros,
    resend::Resend,
    sent::{collect, decode},
    stream::Opened,
};
use crate::{
    Error, Payload, PayloadRef, Reason, SubscriptionId,
    calls::{Begun, Patience},
    draft::Draft,
    subscription::Parking,
};

/// A call that is made when it is first polled. See [`Caller::call`].
#[must_use = "a call is made when it is awaited"]
pub struct Call<'a, P, R> {
    caller: &'a Caller,
    method: &'a str,
    params: P,
    timeout: u64,
    impatient: bool,
    idempotent: bool,
    state: State,
    /// Where it has several connections to choose from.
    journey: Option<Box<Journey>>,
    /// Where it is sent again if nothing is heard of it.
    resend: Option<Box<Resend>>,
    /// Where it streams.
    opening: Option<Box<Opened>>,
    /// Where it is over the limit of one message.
    asking: Option<Box<Asking>>,
    /// Where it subscribes.
    parking: Parks,
    result: PhantomData<fn() -> R>,
}

/// Whether a call has notifications kept until its answer was read.
#[derive(Debug)]
enum Parks {
    No,
    /// From when it is made.
    Will,
    On(Parking),
}

/// How far a call is.
#[derive(Clone, Copy, Debug)]
enum State {
    Fresh,
    Waiting(u64),
    Sent(u64),
    Done,
}

impl<'a, P, R> Call<'a, P, R> {
    pub(super) fn new(caller: &'a Caller, method: &'a str, params: P) -> Self {
        Self {
            caller,
            method,
            params,
            timeout: caller.timeout,
            impatient: false,
            idempotent: caller.idempotent,
            state: State::Fresh,
            journey: None,
            resend: None,
            opening: None,
            asking: None,
            parking: Parks::No,
            result: PhantomData,
        }
    }

    /// Has the call stream.
    pub(super) fn opening(mut self, opened: Opened) -> Self {
        self.opening = Some(Box::new(opened));
        self
    }

    /// Has what comes for nobody kept until the answer was read.
    pub(crate) fn subscribing(mut self) -> Self {
        self.parking = Parks::Will;
        self
    }

    /// Ends that.
    pub(crate) fn end_parking(&mut self) {
        self.parking = Parks::No;
    }

    /// The id of the call while its answer was not read.
    pub(crate) fn sent(&self) -> Option<u64> {
        match self.state {
            State::Sent(id) => Some(id),
            _ => None,
        }
    }

    /// A caller over the connection that the call went over.
    pub(crate) fn settled(&self) -> Caller {
        Caller { errors: self.caller.errors.clone(), ..self.over().clone() }
    }

    pub(super) fn impatient(mut self) -> Self {
        self.impatient = true;
        self
    }

    /// How long to wait, the turn in the queue included; zero waits for ever.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = micros(timeout);
        self
    }

    /// Says that the method may be executed twice without harm, so that the call can be made again
    /// where nobody can know whether it was executed.
    ///
    /// A client over several addresses, or one that reconnects, makes it again over another
    /// connection where one is lost, within the same time. Such repetitions add a tenth to the load
    /// at most; beyond that calls end as *unknown*. Over a transport that loses messages, as UDP
    /// does, it is sent again where nothing was heard for [`Limits::resend`](crate::Limits::resend).
    ///
    /// What [`Call::send`] has sent is not repeated.
    pub fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }

    /// The caller of the connection that the call goes over.
    fn over(&self) -> &Caller {
        match (&self.resend, &self.journey) {
            (Some(resend), _) => resend.caller(),
            (None, Some(journey)) => journey.caller().unwrap_or(self.caller),
            (None, None) => self.caller,
        }
    }

    fn poll_begin(&mut self, cx: &mut Context<'_>) -> Poll<Result<u64, Error>>
    where
        P: Serialize,
    {
        if self.journey.is_none() {
            self.journey = Journey::of(self.caller, self.timeout);
        }
        loop {
            let (base, impatient) = (self.caller, self.impatient);
            if let Some(journey) = &mut self.journey {
                ready!(journey.poll_choose(cx, base, None, impatient)).map_err(|e| self.end(e))?;
            }
            if self.resend.is_none() && self.idempotent && self.over().calls.line.is_lossy {
                self.resend = Some(Box::new(Resend::over(self.over())));
            }
            if let Some(asking) = &mut self.asking {
                ready!(asking.poll(cx)).map_err(|error| self.end(error))?;
            }
            // Nobody knows here how much of its time a call has left that waited for its turn.
            let may_ask = self.asking.is_none() && matches!(self.state, State::Fresh);
            match ready!(self.poll_begin_over(cx)) {
                Ok(id) => return Poll::Ready(Ok(id)),
                Err(error) if may_ask && Asking::helps(self.over(), &error) => {
                    // One half of its time is for the question, and one for the call.
                    let half = self.left() / 2;
                    self.asking = Some(Box::new(Asking::new(self.over(), error, half)));
                    self.state = State::Fresh;
                }
                Err(error) => self.failed(error)?,
            }
        }
    }

    /// An attempt failed: the call begins anew, or this is its error.
    fn failed(&mut self, mut error: Error) -> Result<(), Error> {
        let left = self.left();
        if let Some(resend) = &mut self.resend {
            if resend.is_due(&error, left) {
                self.state = State::Fresh;
                return Ok(());
            }
            error = resend.ended(error, self.timeout);
        }
        match &mut self.journey {
            Some(journey) => {
                let again = journey.failed(error, self.idempotent);
                again.map_err(|error| self.end(error))?;
                // Over another connection it begins anew.
                self.resend = None;
                self.state = State::Fresh;
                Ok(())
            }
            None if self.resend.is_some() => Err(self.end(error)),
            // There was one attempt, whose error was mapped where it came from.
            None => Err(error),
        }
    }

    /// The error of a call that may have had several attempts.
    fn end(&mut self, error: Error) -> Error {
        self.state = State::Done;
        self.caller.errors.map(error)
    }

    fn poll_begin_over(&mut self, cx: &mut Context<'_>) -> Poll<Result<u64, Error>>
    where
        P: Serialize,
    {
        let timeout = self.time();
        if !matches!(self.parking, Parks::No) {
            self.park();
        }
        let caller = self.over();
        let key = match self.state {
            State::Waiting(key) => Some(key),
            _ => None,
        };
        let patience = match self.impatient {
            true => Patience::Fail,
            false => Patience::Wait(key, cx.waker()),
        };
        let opening = self.opening.as_deref().map(Opened::as_opening);
        let begun = caller.make(self.method, &self.params, timeout, |draft| {
            let draft = Draft { opening, ..*draft };
            caller.calls.begin(&draft, patience, Some(cx.waker().clone()))
        });
        match begun {
            Ok(Begun::Sent(id)) => {
                self.state = State::Sent(id);
                Poll::Ready(Ok(id))
            }
            Ok(Begun::Waiting(key)) => {
                self.state = State::Waiting(key);
                Poll::Pending
            }
            Err(error) => {
                self.give_up();
                Poll::Ready(Err(error))
            }
        }
    }

    /// Has notifications kept from now on, on the connection that the call goes over.
    #[cold]
    fn park(&mut self) {
        let calls = self.over().calls();
        if !matches!(&self.parking, Parks::On(parking) if parking.is_on(calls)) {
            self.parking = Parks::On(Parking::new(calls));
        }
    }

    /// What is left of the call's time; 0 for ever.
    fn left(&self) -> u64 {
        match (&self.journey, &self.resend) {
            (Some(journey), _) => journey.left(),
            (None, Some(resend)) => resend.left(self.timeout),
            (None, None) if self.asking.is_some() => self.timeout.div_ceil(2),
            (None, None) => self.timeout,
        }
    }

    /// The time of the attempt that begins, or waits to begin.
    fn time(&mut self) -> u64 {
        let left = self.left();
        match (&mut self.resend, self.state) {
            (None, _) => left,
            (Some(resend), State::Fresh) => resend.begin(left),
            (Some(resend), _) => resend.current(),
        }
    }

    fn give_up(&mut self) {
        match std::mem::replace(&mut self.state, State::Done) {
            State::Waiting(key) => self.over().calls.leave(key),
            State::Sent(id) => self.over().calls.abandon(id),
            State::Fresh | State::Done => {}
        }
    }
}

impl<'a, P: Serialize, R: DeserializeOwned> Call<'a, P, R> {
    /// Makes the call and comes back as soon as it is queued; the answer is awaited later.
    ///
    /// # Errors
    ///
    /// The call cannot be made.
    pub async fn send(mut self) -> Result<Sent<R>, Error> {
        let id = poll_fn(|cx| self.poll_begin(cx)).await?;
        self.state = State::Done;
        // From here on it is a call of its connection.
        let caller = self.settled();
        Ok(Sent::new(caller, id))
    }
}

impl<P: Serialize, R: DeserializeOwned> Future for Call<'_, P, R> {
    type Output = Result<R, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.get_mut().poll_reading(cx, decode)
    }
}

impl<P: Serialize, R> Call<'_, P, R> {
    /// Makes the call, and reads its result.
    fn poll_reading(
        &mut self,
        cx: &mut Context<'_>,
        read: impl Fn(PayloadRef<'_>) -> Result<R, Error>,
    ) -> Poll<Result<R, Error>> {
        loop {
            let id = match self.state {
                State::Sent(id) => id,
                State::Fresh | State::Waiting(_) => {
                    ready!(self.poll_begin(cx))?;
                    // The answer wakes this task: there is none yet.
                    return Poll::Pending;
                }
                State::Done => {
                    return Poll::Ready(Err(Error::invalid("the call was awaited before")));
                }
            };
            let answer = ready!(collect(self.over(), id, cx, &read));
            self.state = State::Done;
            match answer {
                Err(error) if self.journey.is_some() || self.resend.is_some() => {
                    self.failed(error)?;
                }
                answer => return Poll::Ready(answer),
            }
        }
    }
}

impl<P> Call<'_, P, SubscriptionId> {
    /// The id that it was answered with, where that was not read.
    pub(crate) fn answered(&mut self) -> Option<SubscriptionId> {
        let id = self.sent()?;
        let mut cx = Context::from_waker(Waker::noop());
        let Poll::Ready(answer) = collect(self.over(), id, &mut cx, decode) else { return None };
        self.state = State::Done;
        answer.ok()
    }
}

impl<P: Serialize> Call<'_, P, Payload> {
    /// Makes the call and gives the result as it came.
    pub(super) async fn undecoded(mut self) -> Result<Payload, Error> {
        poll_fn(|cx| self.poll_reading(cx, |result| Ok(result.to_payload()))).await
    }
}

// The params are never pinned: they are only borrowed, to be encoded.
impl<P, R> Unpin for Call<'_, P, R> {}

impl<P, R> Drop for Call<'_, P, R> {
    fn drop(&mut self) {
        self.give_up();
    }
}

/// The queue does not know how long each caller was willing to wait.
pub(super) fn with_timeout(error: Error, timeout: u64) -> Error {
    match error {
        Error::NotExecuted(Reason::Timeout(0)) => {
            Error::NotExecuted(Reason::Timeout(timeout / 1000))
        }
        other => other,
    }
}

impl<P, R> fmt::Debug for Call<'_, P, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("method", &self.method)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}
