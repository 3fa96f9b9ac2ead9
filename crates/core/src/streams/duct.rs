//! `Duct`: one end of the streams of one call.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    task::Waker,
};

use crate::{
    Allowance, Code, Credit, Id, Lane, Message, Payload, PayloadRef, RpcError, Way, calls::Calls,
    wire::Wire,
};

/// What both ends of a stream know about it, shared by the session and whoever reads or writes.
///
/// Its lock is taken behind the one of [`Calls`], never before it, and no user code runs under it.
#[derive(Debug)]
pub(crate) struct Duct {
    calls: Arc<Calls>,
    /// Of the request; set when that is made or received.
    id: OnceLock<Id<'static>>,
    /// Where what this side sends goes.
    way: Way,
    /// The exchange of the request, where it has one; set when that is made or received.
    lane: OnceLock<Lane>,
    /// Of a request that came on an exchange: how is written on it.
    wire: Option<Box<Wire>>,
    /// Messages go one way on the exchange, and nothing is granted.
    one_way: bool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// What came and was not read.
    came: VecDeque<Payload>,
    input: Input,
    reader: Option<Waker>,
    inlet_taken: bool,
    /// What was first granted, and how much of what is granted the peer has not used.
    first: Allowance,
    granted: Budget,
    /// What was read and not granted again.
    read: Budget,
    /// The newest so many are kept of a peer that sends without waiting for credit.
    newest: Option<usize>,
    missed: u64,
    output: Output,
    outlet_taken: bool,
    writer: Option<Waker>,
    /// How much may be sent.
    credit: Budget,
}

/// How much may still be sent. Bytes may be overdrawn by one value.
#[derive(Clone, Copy, Debug, Default)]
struct Budget {
    items: i64,
    bytes: i64,
}

/// How it is with what comes.
#[derive(Debug)]
enum Input {
    /// More may come.
    Open,
    /// Nothing more comes, and why.
    Ended(Option<RpcError>),
    /// Nobody reads it.
    Unread,
}

/// How it is with what goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Output {
    /// Nobody has taken it yet.
    Untaken,
    /// More may be sent.
    Open,
    /// The end was sent.
    Ended,
    /// The peer wants no more.
    Stopped,
    /// The call is over.
    Over,
}

/// What became of a value that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Took {
    /// It is kept, or nobody wants it.
    Yes,
    /// It is more than was granted.
    TooMuch,
}

/// Why nothing more can be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shut {
    /// The peer reads no more.
    Stopped,
    /// The call is over.
    Over,
}

impl Duct {
    /// The streams of a call of ours: `stream` is what its peer may send, and `credit` what we may,
    /// where we send anything.
    pub(crate) fn ours(
        calls: Arc<Calls>,
        stream: Option<Allowance>,
        credit: Option<Allowance>,
    ) -> Arc<Self> {
        Arc::new(Self::new(calls, Way::ToCallee, stream, credit))
    }

    /// The stream of a call of ours whose transport holds it up: nothing is said about it.
    pub(crate) fn ours_held_up(calls: Arc<Calls>, stream: Option<Allowance>) -> Arc<Self> {
        let mut duct = Self::new(calls, Way::ToCallee, stream, None);
        duct.one_way = true;
        Arc::new(duct)
    }

    /// The streams of a request of the peer: `stream` is what it lets us send, and `granted` what we
    /// let it send, where it sends anything.
    pub(crate) fn theirs(
        calls: Arc<Calls>,
        id: Id<'static>,
        stream: Option<Allowance>,
        granted: Option<Allowance>,
    ) -> Arc<Self> {
        let duct = Self::new(calls, Way::ToCaller, granted, stream);
        _ = duct.id.set(id);
        Arc::new(duct)
    }

    /// The streams of a request that came on an exchange which they have for themselves.
    pub(crate) fn within(
        calls: Arc<Calls>,
        id: Id<'static>,
        (lane, wire): (Lane, Wire),
        stream: Option<Allowance>,
        granted: Option<Allowance>,
    ) -> Arc<Self> {
        let mut duct = Self::new(calls, Way::ToCaller, granted, stream);
        (_, _) = (duct.id.set(id), duct.lane.set(lane));
        duct.wire = Some(Box::new(wire));
        Arc::new(duct)
    }

    /// The stream of a request that came on an exchange, whose peer can grant nothing: what it does
    /// not take stands in the queue, and keeps the stream waiting there.
    pub(crate) fn on_exchange(
        calls: Arc<Calls>,
        id: Id<'static>,
        (lane, wire): (Lane, Wire),
    ) -> Arc<Self> {
        let mut duct = Self::new(calls, Way::ToCaller, None, Some(Allowance::default()));
        (_, _) = (duct.id.set(id), duct.lane.set(lane));
        duct.wire = Some(Box::new(wire));
        duct.one_way = true;
        let state = duct.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        state.credit = Budget { items: i64::MAX, bytes: i64::MAX };
        Arc::new(duct)
    }

    fn new(
        calls: Arc<Calls>,
        way: Way,
        granted: Option<Allowance>,
        credit: Option<Allowance>,
    ) -> Self {
        let state = State {
            came: VecDeque::new(),
            input: if granted.is_some() { Input::Open } else { Input::Unread },
            reader: None,
            inlet_taken: false,
            first: granted.unwrap_or_default(),
            granted: granted.unwrap_or_default().into(),
            read: Budget::default(),
            newest: None,
            missed: 0,
            output: if credit.is_some() { Output::Untaken } else { Output::Ended },
            outlet_taken: false,
            writer: None,
            credit: credit.unwrap_or_default().into(),
        };
        Self {
            calls,
            id: OnceLock::new(),
            way,
            lane: OnceLock::new(),
            wire: None,
            one_way: false,
            state: Mutex::new(state),
        }
    }

    /// Keeps the newest values and forgets older ones, where the reader is too slow; the peer is
    /// granted as much as can be said.
    pub(crate) fn keep_newest(&self, count: usize) {
        self.lock().newest = Some(count.max(1));
    }

    /// The request is made under this id, on this lane.
    pub(crate) fn begin(&self, id: u64, lane: Lane) {
        _ = self.id.set(Id::Number(id));
        _ = self.lane.set(lane);
    }

    pub(crate) fn id(&self) -> &Id<'static> {
        self.id.get().unwrap_or(&Id::Null)
    }

    /// The way of what this side sends.
    pub(crate) fn way(&self) -> Way {
        self.way
    }

    pub(crate) fn calls(&self) -> &Arc<Calls> {
        &self.calls
    }

    /// Where this side writes.
    pub(crate) fn lane(&self) -> Lane {
        self.lane.get().copied().unwrap_or(Lane::DUPLEX)
    }

    /// How this side writes, once that is known.
    pub(crate) fn wire(&self) -> Option<&Wire> {
        self.wire.as_deref().or_else(|| self.calls.wire())
    }

    /// Says something short about the call.
    pub(crate) fn say(&self, message: &Message<'_>) {
        if let Some(wire) = self.wire() {
            self.calls.say(wire, self.lane(), message);
        }
    }

    /// What this side first says on an exchange, where more can come on it: how much it takes of what
    /// is sent into the call.
    pub(crate) fn introduction(&self) -> Option<Message<'static>> {
        if self.one_way || self.lane().is_duplex() {
            return None;
        }
        Some(self.credit_for(self.lock().first))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True for the first one who wants to send.
    pub(crate) fn take_outlet(&self) -> bool {
        let mut state = self.lock();
        let fresh = state.output == Output::Untaken;
        if fresh {
            state.output = Output::Open;
            state.outlet_taken = true;
        }
        fresh
    }

    /// True where somebody has begun to send.
    pub(crate) fn is_streaming(&self) -> bool {
        self.lock().outlet_taken
    }

    /// True for the first one who wants to read, where anything can come.
    pub(crate) fn take_inlet(&self) -> bool {
        let mut state = self.lock();
        state.first != Allowance::default() && !std::mem::replace(&mut state.inlet_taken, true)
    }

    // ---- what comes -------------------------------------------------------------------------

    /// A value came.
    pub(crate) fn take_in(&self, value: PayloadRef<'_>, wakes: &mut Vec<Waker>) -> Took {
        let mut state = self.lock();
        if !matches!(state.input, Input::Open) {
            return Took::Yes;
        }
        if state.granted.is_used_up() {
            return Took::TooMuch;
        }
        state.granted.spend(value.bytes.len());
        let is_full = state.newest.is_some_and(|most| state.came.len() >= most);
        let oldest = if is_full { state.came.pop_front() } else { None };
        state.missed += u64::from(oldest.is_some());
        let more = oldest.as_ref().and_then(|oldest| state.read_one(oldest.bytes.len()));
        state.came.push_back(value.to_payload());
        wakes.extend(state.reader.take());
        drop(state);
        drop(oldest);
        if let Some(more) = more {
            self.grant(more);
        }
        Took::Yes
    }

    /// No further value comes.
    pub(crate) fn end_input(&self, error: Option<RpcError>, wakes: &mut Vec<Waker>) {
        let mut state = self.lock();
        if matches!(state.input, Input::Open) {
            state.input = Input::Ended(error);
            wakes.extend(state.reader.take());
        }
    }

    /// The oldest value that came; `Err` where the peer ended by one, `Ok(None)` at the end. Where
    /// there is nothing yet, `waker` is woken by the next.
    pub(crate) fn read(&self, waker: &Waker) -> Option<Result<Option<Payload>, RpcError>> {
        let mut state = self.lock();
        if let Some(value) = state.came.pop_front() {
            let more = state.read_one(value.bytes.len());
            drop(state);
            if let Some(more) = more {
                self.grant(more);
            }
            return Some(Ok(Some(value)));
        }
        match &mut state.input {
            Input::Open => {
                let old = match &state.reader {
                    Some(old) if old.will_wake(waker) => None,
                    _ => state.reader.replace(waker.clone()),
                };
                drop(state);
                drop(old);
                None
            }
            Input::Ended(error) => Some(error.take().map_or(Ok(None), Err)),
            Input::Unread => Some(Ok(None)),
        }
    }

    /// The oldest value that came for the caller of the call, whose answer says how its stream ended.
    pub(crate) fn next(&self, waker: &Waker) -> Option<Payload> {
        self.read(waker)?.unwrap_or_default()
    }

    /// How many values were forgotten because the reader was too slow.
    pub(crate) fn missed(&self) -> u64 {
        self.lock().missed
    }

    /// Nobody reads any more; true where the peer may still send.
    pub(crate) fn leave_unread(&self) -> bool {
        let mut state = self.lock();
        let was_open = matches!(state.input, Input::Open) && state.output != Output::Over;
        state.input = Input::Unread;
        let (came, reader) = (std::mem::take(&mut state.came), state.reader.take());
        drop(state);
        drop((came, reader));
        was_open
    }

    fn grant(&self, more: Allowance) {
        if !self.one_way {
            self.say(&self.credit_for(more));
        }
    }

    /// Leave for the peer to send more.
    fn credit_for(&self, more: Allowance) -> Message<'static> {
        let way = match self.way {
            Way::ToCallee => Way::ToCaller,
            Way::ToCaller => Way::ToCallee,
        };
        let id = self.id().clone();
        Message::Credit(Credit { id, way, more, meta: None })
    }

    // ---- what goes --------------------------------------------------------------------------

    /// Whether a value may be sent now; where not, `waker` is woken when that changes.
    pub(crate) fn may_send(&self, waker: &Waker) -> Option<Result<(), Shut>> {
        let mut state = self.lock();
        match state.output {
            Output::Untaken | Output::Open if !state.credit.is_used_up() => Some(Ok(())),
            Output::Untaken | Output::Open => {
                let old = match &state.writer {
                    Some(old) if old.will_wake(waker) => None,
                    _ => state.writer.replace(waker.clone()),
                };
                drop(state);
                drop(old);
                None
            }
            Output::Stopped => Some(Err(Shut::Stopped)),
            Output::Ended | Output::Over => Some(Err(Shut::Over)),
        }
    }

    /// A value of `size` bytes is sent.
    pub(crate) fn spend(&self, size: usize) {
        self.lock().credit.spend(size);
    }

    /// The end is sent; false where there is nothing to end.
    pub(crate) fn end_output(&self) -> bool {
        let mut state = self.lock();
        let is_open = matches!(state.output, Output::Untaken | Output::Open);
        if is_open {
            state.output = Output::Ended;
        }
        is_open
    }

    /// The peer lets more be sent.
    pub(crate) fn credit(&self, more: Allowance, wakes: &mut Vec<Waker>) {
        let mut state = self.lock();
        state.credit.add(more);
        if !state.credit.is_used_up() {
            wakes.extend(state.writer.take());
        }
    }

    /// The peer wants no more.
    pub(crate) fn stop(&self, wakes: &mut Vec<Waker>) {
        let mut state = self.lock();
        if matches!(state.output, Output::Untaken | Output::Open) {
            state.output = Output::Stopped;
            wakes.extend(state.writer.take());
        }
    }

    /// The call is over: what came can still be read, and nothing more is sent.
    pub(crate) fn call_ended(&self, wakes: &mut Vec<Waker>) {
        let mut state = self.lock();
        state.output = Output::Over;
        wakes.extend(state.writer.take());
        if matches!(state.input, Input::Open) {
            // Nobody takes a part for the whole.
            let why = "the call ended before the values that were sent into it";
            state.input = Input::Ended(Some(RpcError::new(Code::CANCELLED, why)));
        }
        wakes.extend(state.reader.take());
    }
}

impl State {
    /// A value was read: how much is granted now, where that is worth a message.
    fn read_one(&mut self, size: usize) -> Option<Allowance> {
        self.read.items += 1;
        self.read.bytes += size as i64;
        let half = |first: u32| i64::from(first / 2).max(1);
        let worth =
            self.read.items >= half(self.first.items) || self.read.bytes >= half(self.first.bytes);
        if !worth || !matches!(self.input, Input::Open) || self.output == Output::Over {
            return None;
        }
        let amount = |read: i64| u32::try_from(read).unwrap_or(u32::MAX).min(MOST);
        let more = Allowance { items: amount(self.read.items), bytes: amount(self.read.bytes) };
        self.read = Budget::default();
        self.granted.add(more);
        Some(more)
    }
}

impl Budget {
    fn is_used_up(self) -> bool {
        self.items <= 0 || self.bytes <= 0
    }

    fn spend(&mut self, size: usize) {
        self.items -= 1;
        self.bytes -= size as i64;
    }

    fn add(&mut self, more: Allowance) {
        self.items = (self.items + i64::from(more.items)).min(i64::from(u32::MAX));
        self.bytes = (self.bytes + i64::from(more.bytes)).min(i64::from(u32::MAX));
    }
}

impl From<Allowance> for Budget {
    fn from(allowance: Allowance) -> Self {
        Self { items: allowance.items.into(), bytes: allowance.bytes.into() }
    }
}

/// The largest number of the specification.
const MOST: u32 = i32::MAX as u32;
