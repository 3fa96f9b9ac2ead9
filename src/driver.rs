//! `Driver`: the one task of a connection, a plain future.
//!
//! It reads and writes both directions: it drains what came, answers every request that is ready
//! into one buffer, and writes once. `Server` and `Client` spawn it; a program may spawn or poll it
//! by itself.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use tinyrpc_core::{
    Connection, Incoming, Limits, Protocol, Reason, Received, RecvHalf, ReplyOrder, Role, Runtime,
    SendHalf, Session, Settings, Task, Turn, WireTrace,
};
use tinyrpc_dispatch::{BlockingPool, Engine, Scope, Service};

use crate::{
    auth::{Gate, Passed},
    control::{Control, Order},
};

/// Drives one connection until it is closed; its output is why.
#[must_use = "a connection lives only while its driver is polled"]
pub struct Driver {
    engine: Engine,
    recv: Option<Box<dyn RecvHalf>>,
    send: Box<dyn SendHalf>,
    incoming: Incoming,
    runtime: Arc<dyn Runtime>,
    control: Arc<Control>,
    /// When the session wants its next turn, and what wakes us then.
    alarm: Option<(u64, Task)>,
    /// Until when a connection that ends is kept open at most.
    until: Option<u64>,
    /// Until when the transport may take to close, once there is nothing else to do.
    parting: Option<u64>,
    /// Turns are given up for callers that may have more to send.
    gives_way: bool,
    /// A turn was given up just now.
    gave_way: bool,
    /// Keeps the peer waiting until it is known.
    gate: Option<Box<Gate>>,
    /// Why the connection ended.
    ended: Option<Reason>,
    /// Called once the connection has ended, however it did.
    on_end: Option<OnEnd>,
}

type OnEnd = Box<dyn FnOnce(&Arc<Scope>, &Reason) + Send>;

/// What a driver is made from, beside its connection.
#[derive(Clone)]
pub(crate) struct Setup {
    pub(crate) role: Role,
    pub(crate) protocols: Vec<Arc<dyn Protocol>>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) blocking_pool: Option<BlockingPool>,
    pub(crate) reply_order: ReplyOrder,
    /// Nothing is executed before [`Driver::guard`] has let the peer in.
    pub(crate) gated: bool,
    pub(crate) trace: Option<Arc<dyn WireTrace>>,
}

impl Driver {
    /// Drives a connection. `begin` is given what is known about it, and says who serves it.
    pub(crate) fn new(
        connection: Connection,
        setup: Setup,
        begin: impl FnOnce(Scope) -> (Arc<Scope>, Arc<dyn Service>),
    ) -> Self {
        let mut protocols = setup.protocols;
        if let Some(settled) = &connection.protocol
            && protocols.iter().any(|protocol| protocol.name() == &**settled)
        {
            protocols.retain(|protocol| protocol.name() == &**settled);
        }
        let mut limits = setup.limits;
        if let Some(most) = connection.max_message
            && most < limits.max_message
        {
            limits = Arc::new(Limits { max_message: most, ..Limits::clone(&limits) });
        }
        let session = Session::new(Settings {
            framing: connection.framing,
            limits,
            reply_order: setup.reply_order,
            gated: setup.gated,
            peer: connection.peer.clone(),
            trace: setup.trace,
            is_lossy: connection.is_lossy,
            calls_back: connection.calls_back,
            streams: connection.streams,
            takes_streams: connection.takes_streams,
            ..Settings::new(setup.role, connection.shape, protocols)
        });
        let caller = session.caller();
        let mut scope =
            Scope::new(connection.peer, caller.clone(), Some(Arc::clone(&setup.runtime)));
        scope.headers = connection.headers;
        scope.blocking_pool = setup.blocking_pool;
        let (scope, service) = begin(scope);
        let gives_way = !setup.runtime.runs_in_order();
        Self {
            engine: Engine::new(session, service, scope),
            recv: Some(connection.recv),
            send: connection.send,
            incoming: Incoming::new(),
            runtime: setup.runtime,
            control: Arc::new(Control::new(caller)),
            alarm: None,
            until: None,
            parting: None,
            gives_way,
            gave_way: false,
            gate: None,
            ended: None,
            on_end: None,
        }
    }

    pub(crate) fn control(&self) -> Arc<Control> {
        Arc::clone(&self.control)
    }

    /// Has the connection closed before anything is served on it.
    pub(crate) fn refuse(&mut self, reason: Reason) {
        self.engine.session().close(reason);
    }

    /// Has the peer decided about before anything of it is executed.
    pub(crate) fn guard(&mut self, gate: Gate) {
        self.gate = Some(Box::new(gate));
    }

    /// Calls back once the connection has ended, however it did. It must not panic.
    pub(crate) fn on_end(&mut self, on_end: impl FnOnce(&Arc<Scope>, &Reason) + Send + 'static) {
        self.on_end = Some(Box::new(on_end));
    }

    /// The connection as its handlers see it.
    pub fn scope(&self) -> &Arc<Scope> {
        self.engine.scope()
    }

    /// Receives and handles until nothing more is there; true when others should have a turn.
    fn receive(&mut self, cx: &mut Context<'_>) -> Turn {
        let mut came = 0;
        for _ in 0..READS_PER_TURN {
            let waiting = !self.incoming.is_empty() || self.engine.session().can_start();
            if waiting && self.engine.handle(&mut self.incoming, cx) == Turn::More {
                return Turn::More;
            }
            if self.engine.session().is_paused() {
                return Turn::Drained;
            }
            if came >= BYTES_PER_TURN {
                return Turn::More;
            }
            let Some(recv) = &mut self.recv else { return Turn::Drained };
            match recv.poll_recv(cx, &mut self.incoming) {
                Poll::Pending => return Turn::Drained,
                Poll::Ready(Ok(Received::Some)) => {
                    came += self.incoming.buffered();
                    self.control.hear();
                }
                Poll::Ready(Ok(Received::End)) => {
                    // Requests that came before the end are still answered.
                    self.recv = None;
                    let reason = Reason::Closed("the peer closed the connection".into());
                    let session = self.engine.session();
                    session.end(reason);
                    let patience = micros(session.limits().half_close);
                    self.until = Some(self.runtime.now().saturating_add(patience));
                }
                Poll::Ready(Err(error)) => {
                    self.recv = None;
                    // Whoever refuses a connection behind its handshake has read nothing.
                    let refused = error.kind() == std::io::ErrorKind::ConnectionRefused;
                    let error = Arc::new(error);
                    self.lost(if refused { Reason::Connect(error) } else { Reason::Io(error) });
                }
            }
        }
        Turn::More
    }

    /// The transport failed: nothing can be sent any more.
    fn lost(&mut self, reason: Reason) {
        self.engine.session().lose(reason);
        self.engine.abort_all();
    }

    fn obey(&mut self) {
        let session = self.engine.session();
        match self.control.order() {
            Order::Run => {}
            Order::Drain => session.drain(),
            Order::Close => session.close(Reason::Closed(self.control.why().into())),
        }
    }

    /// Sees whether all is said and answered that was to be. Must be asked behind a turn of the
    /// session: until then it does not have what its callers have said.
    fn see_whether_drained(&mut self, now: u64) {
        let session = self.engine.session();
        if !session.is_draining() || !session.is_drained() {
            return;
        }
        if session.outgoing().is_empty() {
            self.control.deliver();
        }
        // Requests on their way to us are refused for a moment: an answer is better than an end
        // that leaves their callers in doubt.
        self.until.get_or_insert(now + LINGER);
    }

    /// Ends what was kept open for a while. What came until now has been handled.
    fn part(&mut self, now: u64) {
        let session = self.engine.session();
        if self.until.is_some_and(|until| now >= until) {
            self.until = None;
            session.close(session.reason());
            self.engine.abort_all();
        }
    }

    /// Goes on deciding about the peer; true where something came of it.
    fn pass_gate(&mut self, now: u64, cx: &mut Context<'_>) -> bool {
        let Some(gate) = &mut self.gate else { return false };
        let passed = gate.poll(&mut self.engine, now, cx);
        if passed == Passed::All {
            self.gate = None;
        }
        passed != Passed::Nobody
    }

    fn set_alarm(&mut self, next: Option<u64>, cx: &mut Context<'_>) {
        let gate = self.gate.as_ref().and_then(|gate| gate.deadline());
        let ends = self.until.into_iter().chain(self.parting);
        let next = next.into_iter().chain(ends).chain(gate).min();
        let Some(time) = next else { return };
        // An alarm that rings too early costs a turn, so it is left as it is.
        if self.alarm.as_ref().is_none_or(|(set, _)| *set > time) {
            self.alarm = Some((time, self.runtime.sleep_until(time)));
        }
        while let Some((_, alarm)) = &mut self.alarm
            && alarm.as_mut().poll(cx).is_ready()
        {
            self.alarm = None;
            cx.waker().wake_by_ref();
        }
    }
}

impl Future for Driver {
    type Output = Reason;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Reason> {
        let this = self.get_mut();
        let now = this.runtime.now();
        this.obey();
        let mut turn = this.receive(cx);
        this.part(now);
        if this.pass_gate(now, cx) {
            turn = Turn::More;
        }
        if this.engine.poll_running(cx) {
            // Places became free: what waited for one must not wait for the next message.
            turn = Turn::More;
        }
        let session = this.engine.session();
        // Where tasks do not run in the order of their wake-ups, the first of many callers has this
        // task run at once: it lets the others write first, so that one write serves them all.
        if this.gives_way && !std::mem::take(&mut this.gave_way) && session.expects_more() {
            this.gave_way = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let next = session.turn(now, cx.waker());
        let sent = this.send.poll_send(cx, session.outgoing());
        session.sent();
        this.see_whether_drained(now);
        let session = this.engine.session();
        if session.can_start() || session.has_more() {
            turn = Turn::More;
        }
        match sent {
            Poll::Ready(Err(error)) => this.lost(Reason::Io(Arc::new(error))),
            sent if session.wants_close() => {
                let reason = session.reason();
                let patience = micros(session.limits().write_stall);
                let parting = *this.parting.get_or_insert_with(|| now.saturating_add(patience));
                this.engine.abort_all();
                // The peer is told; whether it hears it makes no difference to us, and a transport
                // that does not come to an end is left.
                let closed = sent.is_ready() && this.send.poll_close(cx).is_ready();
                if closed || now >= parting {
                    this.ended = Some(reason.clone());
                    return Poll::Ready(reason);
                }
            }
            _ => {}
        }
        let session = this.engine.session();
        if session.is_lost() {
            let reason = session.reason();
            this.ended = Some(reason.clone());
            return Poll::Ready(reason);
        }
        this.set_alarm(next, cx);
        if turn == Turn::More {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // However the task ends, no caller is left waiting.
        let ended = || Reason::Closed("the driver of the connection has ended".into());
        let reason = self.ended.take().unwrap_or_else(ended);
        self.engine.session().lose(reason.clone());
        self.engine.abort_all();
        if let Some(on_end) = self.on_end.take() {
            on_end(self.engine.scope(), &reason);
        }
        self.control.finish();
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").field("engine", &self.engine).finish_non_exhaustive()
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// How often a transport is read before others have their turn.
const READS_PER_TURN: usize = 16;
/// How many bytes of a stream are read before what came of them is sent, and callers that were
/// answered go on: many small messages, or a part of a large one.
const BYTES_PER_TURN: usize = 16 << 10;
/// How long requests are refused after a shutdown before the connection is closed; microseconds.
const LINGER: u64 = 50_000;
