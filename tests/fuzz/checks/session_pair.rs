//! Two sessions that call each other while the connection between them does what connections do,
//! under a clock that stands still until it is moved.

mod ledger;
mod script;
mod serving;
mod side;
#[path = "../../../crates/core/tests/support/tasks.rs"]
mod tasks;

use std::{cell::RefCell, rc::Rc, time::Duration};

use arbitrary::{Arbitrary, Unstructured};
use serde::de::IgnoredAny;
use tinyrpc_core::{Caller, Reason, Shape};

use self::{
    ledger::{Entry, Ledger},
    script::{Carrying, End, Op, Plan, Script, Setup},
    side::Side,
    tasks::{Promise, Tasks},
};

/// Plays a script that is made of the bytes.
pub(crate) fn session_pair(data: &[u8]) {
    let Ok(script) = Script::arbitrary_take_rest(Unstructured::new(data)) else { return };
    if std::env::var_os("SHOW_SCRIPT").is_some() {
        eprintln!("{script:?}");
    }
    let mut play = Play::new(script.setup);
    play.think();
    for op in script.ops.into_iter().take(MOST_OPS) {
        play.act(op);
        play.think();
        play.check();
    }
    play.finish();
}

struct Play {
    /// The client and the server.
    sides: [Side; 2],
    tasks: Rc<RefCell<Tasks>>,
    ledger: Rc<RefCell<Ledger>>,
    /// Calls of both sides that can be given up, each with its entries.
    calls: Vec<(Promise<()>, Vec<usize>)>,
    setup: Setup,
    /// Microseconds.
    now: u64,
}

impl Play {
    fn new(setup: Setup) -> Self {
        let (tasks, ledger) = (Rc::default(), Rc::default());
        let sides = End::BOTH.map(|end| Side::new(end, &setup, &tasks, &ledger));
        Self { sides, tasks, ledger, calls: Vec::new(), setup, now: 1_000_000 }
    }

    fn side(&mut self, end: End) -> &mut Side {
        &mut self.sides[end as usize]
    }

    fn act(&mut self, op: Op) {
        match op {
            Op::Call(end, plan) => self.call(end, plan),
            Op::Batch(end, plans) => self.batch(end, plans),
            Op::Notify(end, plan) => self.notify(end, plan),
            Op::Answer(end, which, size) => self.side(end).answer(which, size),
            Op::GiveUp(which) => self.give_up(which),
            Op::Take(end, count) => self.side(end).take(count.into()),
            Op::Deliver(end, count) => self.deliver(end, count.into()),
            Op::Carry(Carrying { to_server, to_client }) => {
                for (end, count) in [(End::Server, to_server), (End::Client, to_client)] {
                    self.side(end.other()).take(count.into());
                    self.deliver(end, count.into());
                }
            }
            Op::Settle => self.settle(false),
            Op::Pass(millis) => self.now += u64::from(millis) * 1000,
            Op::PassLong(seconds) => self.now += u64::from(seconds) * 1_000_000,
            Op::Drain(end) => self.side(end).session.drain(),
            Op::Close(end) => self.side(end).session.close(reason("closed by the script")),
            Op::End(end) => {
                // What was on its way to it never comes.
                self.side(end.other()).transit.clear();
                self.side(end).session.end(reason("ended by the script"));
            }
            Op::CutLane(which) => self.cut_lane(which),
            Op::Lose(end) => self.side(end).session.lose(reason("lost by the script")),
        }
    }

    fn call(&mut self, end: End, plan: Plan) {
        let caller = self.side(end).session.caller();
        let number = self.ledger.borrow_mut().open(Entry::call(end, self.deadline(plan.timeout)));
        let ledger = Rc::clone(&self.ledger);
        let task = async move {
            let result = ask(&caller, number, plan).await;
            ledger.borrow_mut().end(number, result.map(drop));
        };
        let promise = self.tasks.borrow_mut().spawn(task);
        self.calls.push((promise, vec![number]));
    }

    fn batch(&mut self, end: End, plans: Vec<Plan>) {
        let Some(timeout) = plans.first().map(|plan| plan.timeout) else { return };
        let caller = self.side(end).session.caller();
        let deadline = self.deadline(timeout);
        let numbers: Vec<_> = plans
            .iter()
            .map(|_| self.ledger.borrow_mut().open(Entry::call(end, deadline)))
            .collect();
        let (ledger, entries) = (Rc::clone(&self.ledger), numbers.clone());
        let task = async move {
            let mut batch = caller.batch().timeout(Duration::from_millis(timeout.into()));
            let mut items = Vec::new();
            for (&number, plan) in numbers.iter().zip(plans) {
                match batch.call::<IgnoredAny>(plan.method.name(), plan.params(number)) {
                    Ok(item) => items.push((number, item)),
                    Err(error) => ledger.borrow_mut().end(number, Err(error)),
                }
            }
            match batch.send().await {
                Ok(mut answers) => {
                    for (number, item) in items {
                        ledger.borrow_mut().end(number, answers.take(item).map(drop));
                    }
                }
                Err(error) => items.iter().for_each(|(number, _)| {
                    ledger.borrow_mut().end(*number, Err(error.clone()));
                }),
            }
        };
        let promise = self.tasks.borrow_mut().spawn(task);
        self.calls.push((promise, entries));
    }

    fn notify(&mut self, end: End, plan: Plan) {
        let caller = self.side(end).session.caller();
        let number = self.ledger.borrow_mut().open(Entry::notification(end));
        let ledger = Rc::clone(&self.ledger);
        let task = async move {
            let sent = caller.notify(plan.method.name(), plan.params(number)).await;
            ledger.borrow_mut().end(number, sent);
        };
        let promise = self.tasks.borrow_mut().spawn(task);
        self.calls.push((promise, vec![number]));
    }

    fn give_up(&mut self, which: u8) {
        if self.calls.is_empty() {
            return;
        }
        let (promise, numbers) = self.calls.swap_remove(usize::from(which) % self.calls.len());
        self.tasks.borrow_mut().cancel(&promise);
        numbers.into_iter().for_each(|number| self.ledger.borrow_mut().give_up(number));
    }

    /// The transport of exchanges gives one of them up.
    fn cut_lane(&mut self, which: u8) {
        let [client, server] = &mut self.sides;
        let open = client.lanes.len().max(1);
        let Some(&lane) = client.lanes.iter().nth(usize::from(which) % open) else { return };
        client.lanes.remove(&lane);
        client.incoming.close_lane(lane);
        // What had not arrived never does, and then there is no such lane over there.
        if !client.transit.forget(lane) {
            server.incoming.close_lane(lane);
        }
        server.transit.forget(lane);
    }

    fn deadline(&self, timeout: u16) -> Option<u64> {
        (timeout > 0).then(|| self.now + u64::from(timeout) * 1000)
    }

    /// Hands over what was on its way to one end.
    fn deliver(&mut self, to: End, count: usize) {
        let [client, server] = &mut self.sides;
        match to {
            End::Server => server.receive(&mut client.transit, count),
            End::Client => client.receive(&mut server.transit, count),
        }
    }

    /// Everybody does what can be done without the transport.
    fn think(&mut self) {
        for _ in 0..MOST_ROUNDS {
            let mut busy = false;
            for side in &mut self.sides {
                busy |= side.turn(self.now);
            }
            busy |= self.tasks.borrow_mut().run();
            if !busy {
                return;
            }
        }
        panic!("they are never done with thinking");
    }

    /// Everything travels until nothing happens any more; with `answers` handlers finish, too.
    fn settle(&mut self, answers: bool) {
        for _ in 0..MOST_ROUNDS {
            self.think();
            let mut busy = false;
            for end in End::BOTH {
                if answers {
                    busy |= self.side(end).answer_all();
                }
                let left = self.side(end).session.outgoing().len();
                self.side(end).take(usize::MAX);
                busy |= left > 0 || !self.side(end).transit.is_empty();
                self.deliver(end.other(), usize::MAX);
                let closes = self.side(end).session.wants_close();
                let other = self.side(end.other());
                if closes && !other.ended {
                    // Whoever has nothing more to say closes the connection.
                    other.ended = true;
                    other.session.end(reason("the peer closed the connection"));
                    busy = true;
                }
            }
            if !busy {
                return;
            }
        }
        panic!("they do not come to rest: {:?}", self.sides.each_ref().map(|side| &side.session));
    }

    /// What holds at all times.
    fn check(&mut self) {
        let now = self.now;
        for side in &mut self.sides {
            side.check(now, &self.ledger.borrow());
        }
        let ledger = self.ledger.borrow();
        if let Some(number) = ledger.overdue(now) {
            panic!("call {number} is pending past its deadline: {:?}", ledger.entry(number));
        }
    }

    /// The faults stop, and everything must come to an end: at once, and then without the connection.
    fn finish(mut self) {
        self.settle(true);
        // Between two answers that leave last in, first out there may be a rest.
        for _ in 0..MOST_RESTS {
            if !self.setup.rests() || self.ledger.borrow().waiting().is_none() {
                break;
            }
            self.now += REST;
            self.settle(true);
        }
        self.check();
        if let Some(number) = self.ledger.borrow().waiting() {
            let sessions = self.sides.each_ref().map(|side| &side.session);
            panic!(
                "call {number} waits for ever: {:?}, {sessions:?}",
                self.ledger.borrow().entry(number)
            );
        }
        for side in &mut self.sides {
            side.session.lose(reason("it is over"));
        }
        self.settle(true);
        for side in &mut self.sides {
            assert_eq!(side.session.caller().in_flight(), 0, "calls are left: {:?}", side.session);
            assert_eq!(side.session.running(), 0, "requests are left: {:?}", side.session);
            assert!(side.session.outgoing().is_empty());
        }
        self.ledger.borrow().check();
    }
}

/// One call to its end.
async fn ask(
    caller: &Caller,
    number: usize,
    plan: Plan,
) -> Result<IgnoredAny, tinyrpc_core::Error> {
    let (name, params) = (plan.method.name(), plan.params(number));
    let timeout = Duration::from_millis(plan.timeout.into());
    let call = match plan.patient {
        true => caller.call(name, params),
        false => caller.try_call(name, params),
    };
    match plan.sends_first {
        true => call.timeout(timeout).send().await?.await,
        false => call.timeout(timeout).await,
    }
}

fn reason(why: &str) -> Reason {
    Reason::Closed(why.into())
}

impl From<script::Carries> for Shape {
    fn from(carries: script::Carries) -> Self {
        match carries {
            script::Carries::Bytes => Self::Stream,
            script::Carries::Messages => Self::Messages,
            script::Carries::Exchanges => Self::Exchange,
        }
    }
}

/// More of them show nothing that fewer do not.
const MOST_OPS: usize = 100;
/// Microseconds; see `ReplyOrder::Nested`.
const REST: u64 = 20_000;
const MOST_RESTS: usize = 200;
/// Within so many rounds everything that these scripts begin has ended.
const MOST_ROUNDS: usize = 20_000;
