//! `Callers`: the traffic of a run, from one process with a connection that is made anew whenever
//! it is lost.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use fastrand::Rng;
use tinyrpc::{Caller, Client, connect};
use tokio::{
    sync::{Mutex, watch},
    task::JoinSet,
    time::Instant,
};

use crate::{
    book::{Book, Ending},
    seed::Chance,
};

/// What all callers share.
#[derive(Debug)]
pub(crate) struct Traffic {
    url: String,
    /// What decides everything that is left to chance, call by call.
    chance: u64,
    /// How many there are at least.
    calls: u64,
    next: AtomicU64,
    /// No more faults happen.
    calm: AtomicBool,
    /// How many calls have ended.
    ended: watch::Sender<u64>,
    /// When the latest call was answered that was made when the broker ran.
    answered: watch::Sender<Option<Instant>>,
    connection: Mutex<Option<Client>>,
    book: Arc<Book>,
}

impl Traffic {
    pub(crate) fn new(url: String, chance: u64, calls: u64, book: Arc<Book>) -> Arc<Self> {
        let (ended, answered) = (watch::Sender::new(0), watch::Sender::new(None));
        let (next, calm, connection) =
            (AtomicU64::new(0), AtomicBool::new(false), Mutex::default());
        Arc::new(Self { url, chance, calls, next, calm, ended, answered, connection, book })
    }

    /// All faults have happened: whoever has made enough calls may end.
    pub(crate) fn calm(&self) {
        self.calm.store(true, SeqCst);
    }

    /// How many calls have ended, once all have.
    pub(crate) fn is_over(&self) -> Option<u64> {
        let ended = *self.ended.borrow();
        (self.is_enough(ended) && ended >= self.next.load(SeqCst)).then_some(ended)
    }

    fn is_enough(&self, calls: u64) -> bool {
        calls >= self.calls && self.calm.load(SeqCst)
    }

    /// Waits until so many calls have ended.
    pub(crate) async fn progress(&self, calls: u64) {
        let mut ended = self.ended.subscribe();
        ended.wait_for(|ended| *ended >= calls).await.expect("there is a sender");
    }

    /// Waits for the answer to a call that was made after `moment`, and gives when it came.
    pub(crate) async fn answer_since(&self, moment: Instant) -> Instant {
        let mut answered = self.answered.subscribe();
        let made = answered.wait_for(|made| made.is_some_and(|made| made >= moment)).await;
        made.expect("there is a sender");
        Instant::now()
    }

    /// Makes all calls.
    pub(crate) async fn run(self: &Arc<Self>) {
        let mut callers = JoinSet::new();
        for _ in 0..CALLERS {
            callers.spawn(Arc::clone(self).caller());
        }
        while let Some(caller) = callers.join_next().await {
            caller.expect("a caller does not panic");
        }
    }

    async fn caller(self: Arc<Self>) {
        loop {
            let more = |number| (!self.is_enough(number)).then_some(number + 1);
            let Ok(number) = self.next.fetch_update(SeqCst, SeqCst, more) else { return };
            self.call(number).await;
            self.ended.send_modify(|ended| *ended += 1);
        }
    }

    /// Makes one call, as often as it takes and as it may be made.
    async fn call(&self, number: u64) {
        let mut rng = Rng::with_seed(self.chance ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let key = rng.bool().then(|| format!("{:016x}", rng.u64(..)));
        let milliseconds = if rng.one_in(8) { rng.u64(1..=20) } else { 0 };
        for attempt in 0_u32.. {
            let client = self.client().await;
            let made = Instant::now();
            let answer = match &key {
                Some(key) => {
                    let params = (number, attempt, milliseconds, key);
                    client.call("once", params).timeout(DEADLINE).await
                }
                None => {
                    client.call("work", (number, attempt, milliseconds)).timeout(DEADLINE).await
                }
            };
            let late = made.elapsed().saturating_sub(DEADLINE);
            let ending = Ending::of(number, &answer);
            self.book.end(number, key.as_deref(), ending, late);
            match ending {
                Ending::Answered => {
                    self.answered.send_modify(|latest| *latest = (*latest).max(Some(made)));
                    return;
                }
                // It may have been done, and without a key nobody would notice a second time.
                Ending::Unknown(_) if key.is_none() => return,
                Ending::Unknown(_) | Ending::NotExecuted(_) => {}
            }
        }
    }

    /// A connection that is there.
    async fn client(&self) -> Caller {
        let mut connection = self.connection.lock().await;
        loop {
            if let Some(client) = &*connection
                && Caller::closed(client).is_none()
            {
                return Caller::clone(client);
            }
            // The broker is away for seconds.
            match connect(&self.url).await {
                Ok(client) => *connection = Some(client),
                Err(_) => tokio::time::sleep(RETRY).await,
            }
        }
    }
}

/// How many calls are in flight.
const CALLERS: usize = 64;
/// Shorter than the broker is away: calls that wait for it end, too.
pub(crate) const DEADLINE: Duration = Duration::from_secs(5);
const RETRY: Duration = Duration::from_millis(50);
