//! `Era`: the time of one server, with connections that live side by side.

use std::{
    future::Future,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use fastrand::Rng;
use futures_util::future::{join, join_all};
use tinyrpc::{
    Attempt, Authenticate, Caller, Decision, Identity, Limits, ReplyOrder, Scope, Server,
    ServerHandle, protocols::JsonRpc1,
};
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

use crate::{
    check::{self, Tally},
    control::Control,
    ledger::{Ledger, Maker},
    link::{Dial, Wire},
    pace::Pace,
    scenario::Scenario,
    seed::Chance,
    service::service,
    traffic::Traffic,
};

/// One server and everything that is known about it.
pub(crate) struct Era<'a> {
    pub(crate) scenario: &'a Scenario,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) dial: Box<dyn Dial>,
    pub(crate) limits: Limits,
    order: ReplyOrder,
    number: usize,
    server: ServerHandle,
    accepted: Arc<Accepted>,
    /// The server was told to end.
    down: AtomicBool,
    control: Control,
}

/// The connections of a server, as it sees them.
#[derive(Default)]
struct Accepted {
    callers: Mutex<Vec<Caller>>,
    /// Calls that the server makes.
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl<'a> Era<'a> {
    pub(crate) async fn open(scenario: &'a Scenario, number: usize, rng: &mut Rng) -> Self {
        let ledger = Ledger::new();
        let limits = limits(rng, scenario.pace());
        let accepted = Arc::<Accepted>::default();
        let welcome = {
            let (ledger, accepted) = (Arc::clone(&ledger), Arc::clone(&accepted));
            let (pace, chance) = (scenario.pace(), Mutex::new(rng.fork()));
            move |scope: &mut Scope| {
                accepted.welcome(&scope.caller, &ledger, pace, lock(&chance).fork());
            }
        };
        let order = reply_order(rng);
        let server = Server::new(service(&ledger))
            .limits(limits.clone())
            .reply_order(order)
            .on_connect(welcome);
        let server = match scenario.wire {
            // A server must be told: the first bytes do not tell it from 2.0.
            Wire::Json1 => server.protocol(JsonRpc1),
            _ => server,
        };
        let server = match rng.one_in(4) {
            true => server.authenticate(doorkeeper(scenario.pace(), rng.fork())),
            false => server,
        };
        let (server, dial) = scenario.link.serve(server).await;
        let control = match scenario.pace().real {
            true => Control::watch(ledger.start()),
            false => Control::none(),
        };
        let down = AtomicBool::new(false);
        Self { scenario, ledger, dial, limits, order, number, server, accepted, down, control }
    }

    /// Makes about `want` calls, ends the server, and checks the book.
    pub(crate) async fn live(self, want: usize, rng: &mut Rng) -> Tally {
        let next = AtomicUsize::new(1);
        let lanes = (0..self.scenario.pace().beside).map(|_| {
            let (era, next, mut rng) = (&self, &next, rng.fork());
            async move {
                while era.ledger.len() < want && !era.is_down() {
                    era.life(next.fetch_add(1, SeqCst), &mut rng).await;
                }
            }
        });
        let lanes = join_all(lanes);
        if rng.one_in(3) {
            // This server ends while its clients are busy.
            let stop = async {
                sleep(self.scenario.pace().life(rng)).await;
                self.stop(rng).await;
            };
            join(lanes, stop).await;
        } else {
            lanes.await;
            self.until(|| self.server.peers().is_empty(), "a torn connection is kept").await;
            self.stop(rng).await;
        }
        self.check_tables().await;
        match check::check(&self.ledger, self.scenario.pace().slack, &self.control) {
            Ok(tally) => tally,
            Err(report) => self.fail(&report),
        }
    }

    /// True when the server was told to end.
    pub(crate) fn is_down(&self) -> bool {
        self.down.load(SeqCst)
    }

    async fn stop(&self, rng: &mut Rng) {
        self.down.store(true, SeqCst);
        if rng.bool() {
            self.hurry(self.server.shutdown(), "the server does not shut down").await;
        } else {
            self.server.close();
        }
        self.hurry(self.server.stopped(), "the server has not stopped").await;
    }

    /// Nothing is left in any table.
    async fn check_tables(&self) {
        self.until(|| self.server.peers().is_empty(), "the server keeps a peer").await;
        let tasks = std::mem::take(&mut *lock(&self.accepted.tasks));
        for task in tasks {
            let done = self.hurry(task, "a call of the server does not end").await;
            done.expect("a caller does not panic");
        }
        self.until(|| self.ledger.alive() == 0, "a handler outlives its connection").await;
        let callers = std::mem::take(&mut *lock(&self.accepted.callers));
        for caller in callers {
            self.check_caller(&caller, "a connection of the server").await;
        }
    }

    /// Nothing is left of a connection. Its handlers, and the calls that they wait for, are dropped
    /// by its driver, which may be at work in another thread.
    pub(crate) async fn check_caller(&self, caller: &Caller, whose: &str) {
        self.until(|| caller.closed().is_some(), &format!("{whose}: it stays open")).await;
        let empty = || caller.in_flight() == 0;
        self.until(empty, &format!("{whose}: calls are left in the table")).await;
    }

    /// Waits for what must not take for ever.
    pub(crate) async fn hurry<F: Future>(&self, what: F, why: &str) -> F::Output {
        match timeout(self.scenario.pace().hang, what).await {
            Ok(done) => done,
            Err(_) => self.fail(&format!("{why}\n{}", check::pending(&self.ledger))),
        }
    }

    pub(crate) async fn until(&self, done: impl Fn() -> bool, why: &str) {
        let start = Instant::now();
        while !done() {
            if start.elapsed() > self.scenario.pace().hang {
                self.fail(&format!("{why}\n{}", check::pending(&self.ledger)));
            }
            sleep(Duration::from_millis(1)).await;
        }
    }

    pub(crate) fn fail(&self, report: &str) -> ! {
        let Scenario { name, seed, .. } = self.scenario;
        let Self { number, order, limits, .. } = self;
        panic!("{name}, {seed}, server {number}: {report}\nthe server: {order:?}, {limits:?}")
    }
}

impl Accepted {
    /// Notes a connection, and has the server call its client over some of them.
    fn welcome(&self, caller: &Caller, ledger: &Arc<Ledger>, pace: &'static Pace, mut rng: Rng) {
        let mut callers = lock(&self.callers);
        callers.push(caller.clone());
        let number = callers.len();
        drop(callers);
        if rng.bool() {
            return;
        }
        let traffic = Traffic {
            caller: caller.clone(),
            ledger: Arc::clone(ledger),
            maker: Maker::Server(number),
            pace,
            budget: Arc::new(AtomicUsize::new(rng.spread(300) as usize)),
            text: 64,
            rng,
        };
        lock(&self.tasks).push(tokio::spawn(traffic.run()));
    }
}

/// Bounds as they are, as small as they can be, or anything between.
pub(crate) fn limits(rng: &mut Rng, pace: &Pace) -> Limits {
    let usual = Limits::default();
    let limits = match rng.u32(0..6) {
        0 => Limits { max_connections: usual.max_connections, ..Limits::smallest() },
        1 => Limits {
            max_message: rng.pick(&[512, 4 << 10, 100 << 10]),
            max_batch: rng.pick(&[1, 5]),
            max_batch_answers: rng.pick(&[512, 4 << 10]),
            max_calls: rng.pick(&[1, 2, 16]),
            max_requests: rng.pick(&[1, 2, 16]),
            max_backlog: rng.pick(&[4 << 10, 64 << 10]),
            max_outgoing: rng.pick(&[512, 16 << 10]),
            max_nesting: rng.pick(&[1, 2, 32]),
            max_connections: rng.pick(&[3, 1024, 1024]),
            ..usual
        },
        _ => usual,
    };
    Limits {
        auth: pace.patience(rng),
        write_stall: pace.patience(rng),
        read_stall: pace.patience(rng),
        half_close: pace.patience(rng),
        shutdown: pace.patience(rng),
        call_timeout: pace.patience(rng),
        ..limits
    }
}

/// Lets most peers in, after a while; some wait in vain, and some are refused. How long a refusal
/// takes is left to chance by the library, so that is for runs that cannot be repeated anyway.
fn doorkeeper(pace: &'static Pace, rng: Rng) -> impl Authenticate {
    let chance = Mutex::new(rng);
    move |_: Attempt| {
        let mut rng = lock(&chance).fork();
        async move {
            sleep(pace.work(&mut rng)).await;
            match rng.u32(0..20) {
                0 => std::future::pending().await,
                1 if pace.real => std::panic::resume_unwind(Box::new("asked to")),
                2..5 if pace.real => Decision::Refuse("not today".into()),
                _ => Decision::Accept(Identity::new("somebody")),
            }
        }
    }
}

/// In which order a side answers.
pub(crate) fn reply_order(rng: &mut Rng) -> ReplyOrder {
    match rng.u32(0..8) {
        0 => ReplyOrder::InOrder,
        1 => ReplyOrder::Nested,
        _ => ReplyOrder::AsReady,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
