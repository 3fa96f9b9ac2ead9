//! `Pair`: two sessions joined in memory, with a clock that stands still until it is moved.

use std::{sync::Arc, task::Waker, time::Duration};

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};
use tinyrpc_core::{
    Caller, Ended, Error, Frame, Framing, Hint, Incoming, Lane, Length, Limits, Protocol, Reason,
    Role, Session, Settings, Shape, Taken, Turn,
};

use super::{Identity, Promise, Script, Tasks};

/// What a pair is made from.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) shape: Shape,
    pub(crate) protocol: Identity,
    /// Protocols among which the server chooses by the first byte; empty for `protocol` alone.
    pub(crate) served: Vec<Identity>,
    pub(crate) client: Limits,
    pub(crate) server: Limits,
    /// Over exchanges: calls can stream, and the server can call.
    pub(crate) streams: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            shape: Shape::Messages,
            protocol: Identity::default(),
            served: Vec::new(),
            client: Limits::default(),
            server: Limits::default(),
            streams: false,
        }
    }
}

impl Setup {
    pub(crate) fn shape(shape: Shape) -> Self {
        Self { shape, ..Self::default() }
    }

    /// The same limits on both sides.
    pub(crate) fn limits(mut self, change: impl Fn(&mut Limits)) -> Self {
        change(&mut self.client);
        change(&mut self.server);
        self
    }

    pub(crate) fn protocol(mut self, protocol: Identity) -> Self {
        self.protocol = protocol;
        self
    }

    pub(crate) fn pair(self) -> Pair {
        let served = if self.served.is_empty() { vec![self.protocol] } else { self.served.clone() };
        let (shape, streams) = (self.shape, self.streams);
        Pair {
            client: Side::new(Role::Client, (shape, streams), &[self.protocol], &self.client),
            server: Side::new(Role::Server, (shape, streams), &served, &self.server),
            tasks: Tasks::default(),
            now: 1_000_000,
            frames: usize::MAX,
            bytes: usize::MAX,
        }
    }
}

/// One side: a session, what it received, and who serves it.
pub(crate) struct Side {
    pub(crate) role: Role,
    pub(crate) session: Session,
    pub(crate) incoming: Incoming,
    pub(crate) script: Script,
    pub(crate) shape: Shape,
    streams: bool,
    /// How lanes ended, in order.
    pub(crate) ended: Vec<(Lane, Ended)>,
    /// How many bytes its transport took.
    pub(crate) sent: usize,
    /// When the session wants its next turn.
    pub(crate) next: Option<u64>,
}

impl Side {
    fn new(
        role: Role,
        (shape, streams): (Shape, bool),
        protocols: &[Identity],
        limits: &Limits,
    ) -> Self {
        let protocols = protocols.iter().map(|&one| Arc::new(one) as Arc<dyn Protocol>);
        Self::of(Settings {
            framing: (shape == Shape::Stream).then(|| Arc::new(Length) as Arc<dyn Framing>),
            limits: Arc::new(limits.clone()),
            calls_back: streams,
            streams,
            ..Settings::new(role, shape, protocols.collect())
        })
    }

    pub(crate) fn of(settings: Settings) -> Self {
        let Settings { role, shape, streams, .. } = settings;
        Self {
            role,
            session: Session::new(settings),
            incoming: Incoming::new(),
            script: Script::default(),
            shape,
            streams,
            ended: Vec::new(),
            sent: 0,
            next: None,
        }
    }

    pub(crate) fn caller(&self) -> Caller {
        self.session.caller()
    }

    /// One turn of a driver, without sending; and another one where the session wants it at once.
    pub(crate) fn turn(&mut self, now: u64) {
        self.turn_once(now);
        if self.next.is_some_and(|next| next <= now) {
            self.turn_once(now);
        }
    }

    /// One turn of a driver, without sending.
    pub(crate) fn turn_once(&mut self, now: u64) {
        while self.session.handle(&mut self.incoming, &mut self.script) == Turn::More {}
        self.next = self.session.turn(now, Waker::noop());
    }

    /// Hands a frame of the peer to the session.
    pub(crate) fn receive(&mut self, frame: Bytes) {
        self.receive_on(Lane::DUPLEX, frame);
    }

    pub(crate) fn receive_on(&mut self, lane: Lane, bytes: Bytes) {
        match self.shape {
            Shape::Stream => {
                let mut framed = Vec::new();
                let start = Length.open(&mut framed);
                framed.extend_from_slice(&bytes);
                Length.close(start, &mut framed);
                self.incoming.buffer().extend_from_slice(&framed);
            }
            _ => self.incoming.push(Frame { lane, bytes, hint: Hint::None }),
        }
    }

    /// Takes one frame, as a transport of messages does; lanes that ended before it are noted.
    pub(crate) fn pop(&mut self) -> Option<Frame> {
        loop {
            match self.session.outgoing().pop()? {
                Taken::Frame(frame) => {
                    self.sent += frame.bytes.len();
                    return Some(frame);
                }
                Taken::Ended(lane, how) => self.ended.push((lane, how)),
            }
        }
    }

    /// Takes every frame, and shows the separators of the fields as blanks.
    pub(crate) fn pop_all(&mut self) -> Vec<String> {
        let mut all = Vec::new();
        while let Some(frame) = self.pop() {
            all.push(show(&frame.bytes));
        }
        all
    }

    /// Answers the request that has gone on for the longest time.
    #[track_caller]
    pub(crate) fn finish(&mut self, value: impl Serialize) {
        let ticket = self.script.pending.remove(0);
        self.session.finish(ticket, |reply| reply.result(&value));
    }
}

/// A frame as text: blanks for unit separators, bars for record separators.
pub(crate) fn show(frame: &[u8]) -> String {
    String::from_utf8_lossy(frame).replace('\x1f', " ").replace('\x1e', "|")
}

/// Two sides and what is between them.
pub(crate) struct Pair {
    pub(crate) client: Side,
    pub(crate) server: Side,
    pub(crate) tasks: Tasks,
    /// Microseconds.
    pub(crate) now: u64,
    /// How many messages travel in one step, each way.
    pub(crate) frames: usize,
    /// How many bytes of a stream travel in one step, each way.
    pub(crate) bytes: usize,
}

impl Pair {
    pub(crate) fn new(shape: Shape) -> Self {
        Setup::shape(shape).pair()
    }

    /// A call of the client, as a task.
    pub(crate) fn call<R: DeserializeOwned + 'static>(
        &mut self,
        method: &'static str,
        params: impl Serialize + 'static,
    ) -> Promise<Result<R, Error>> {
        let caller = self.client.caller();
        self.call_by(caller, method, params)
    }

    /// A call of the server, as a task.
    pub(crate) fn call_back<R: DeserializeOwned + 'static>(
        &mut self,
        method: &'static str,
        params: impl Serialize + 'static,
    ) -> Promise<Result<R, Error>> {
        let caller = self.server.caller();
        self.call_by(caller, method, params)
    }

    pub(crate) fn call_by<R: DeserializeOwned + 'static>(
        &mut self,
        caller: Caller,
        method: &'static str,
        params: impl Serialize + 'static,
    ) -> Promise<Result<R, Error>> {
        let promise = self.tasks.spawn(async move { caller.call(method, params).await });
        self.tasks.run();
        promise
    }

    pub(crate) fn try_call(&mut self, method: &'static str) -> Promise<Result<(), Error>> {
        let caller = self.client.caller();
        let promise = self.tasks.spawn(async move { caller.try_call(method, ()).await });
        self.tasks.run();
        promise
    }

    /// A notification of the client, as a task.
    pub(crate) fn notify(
        &mut self,
        method: &'static str,
        params: impl Serialize + 'static,
    ) -> Promise<Result<(), Error>> {
        let caller = self.client.caller();
        let promise = self.tasks.spawn(async move { caller.notify(method, params).await });
        self.tasks.run();
        promise
    }

    /// Lets the tasks and both sessions do what they can, without any transport.
    pub(crate) fn turn(&mut self) {
        self.tasks.run();
        self.client.turn(self.now);
        self.server.turn(self.now);
        self.tasks.run();
    }

    /// One turn of everybody, and one step of the transport each way; true if anything happened.
    pub(crate) fn step(&mut self) -> bool {
        let mut busy = self.tasks.run();
        self.client.turn(self.now);
        busy |= carry(&mut self.client, &mut self.server, self.frames, self.bytes);
        self.server.turn(self.now);
        busy |= carry(&mut self.server, &mut self.client, self.frames, self.bytes);
        busy
    }

    /// Steps until nothing happens any more.
    #[track_caller]
    pub(crate) fn settle(&mut self) {
        for _ in 0..1_000_000 {
            if !self.step() && !self.step() {
                return;
            }
        }
        panic!("the pair does not come to rest");
    }

    /// Moves the clock and gives everybody a turn.
    pub(crate) fn pass(&mut self, time: Duration) {
        self.now += time.as_micros() as u64;
        self.turn();
    }

    /// Both sides lose the connection.
    pub(crate) fn lose(&mut self) {
        let reason = || Reason::Closed("lost".into());
        self.client.session.lose(reason());
        self.server.session.lose(reason());
        self.tasks.run();
    }
}

/// Moves what one side sends to the other, unless that does not read; true if anything moved.
pub(crate) fn carry(from: &mut Side, to: &mut Side, mut frames: usize, bytes: usize) -> bool {
    if to.session.is_paused() || from.session.outgoing().is_empty() {
        return false;
    }
    if from.shape == Shape::Stream {
        let mut left = bytes;
        while left > 0 && !from.session.outgoing().is_empty() {
            let waiting = from.session.outgoing().bytes();
            let count = waiting.len().min(left);
            to.incoming.buffer().extend_from_slice(&waiting[..count]);
            from.session.outgoing().advance(count);
            from.sent += count;
            left -= count;
        }
        from.session.sent();
        return true;
    }
    while frames > 0 {
        match from.session.outgoing().pop() {
            None => break,
            Some(Taken::Frame(frame)) => {
                from.sent += frame.bytes.len();
                to.incoming.push(frame);
                frames -= 1;
            }
            Some(Taken::Ended(lane, how)) => {
                from.ended.push((lane, how));
                // Nothing more comes on a lane whose serving end is done with it.
                let serves = (from.role == Role::Server) != lane.is_back();
                if serves || from.streams && how == Ended::Abandoned {
                    to.incoming.close_lane(lane);
                }
            }
        }
    }
    from.session.sent();
    true
}
