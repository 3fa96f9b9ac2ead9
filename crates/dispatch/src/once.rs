//! [`Once`]: work that is done once for each idempotency key, however often it is asked for.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    future::{Future, poll_fn},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
    time::{Duration, Instant},
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use tinyrpc_core::{Code, RpcError};

use crate::panicked::guarded;

/// Does work once for each key and gives its outcome to whoever asks with the same key. Cheap to
/// clone; the clones are one.
///
/// A caller that does not know whether its call was executed calls again with the same key: a text
/// of its own choice, as a param or as a header (`Idempotency-Key` over HTTP, the message id over
/// AMQP). A queue delivers a request again whose worker was lost; that is the same case.
///
/// Outcomes are kept in memory, so this holds for one process. Where several workers share a queue,
/// or where a worker may be killed, the key belongs into the transaction by which the effect is
/// made: whoever finds it there has nothing left to do.
///
/// ```
/// use std::time::Duration;
///
/// use tinyrpc_dispatch::{Dispatcher, Once};
/// # async fn charge(account: u64, cents: u64) -> u64 { account + cents }
///
/// let payments = Once::new(10_000, Duration::from_secs(600));
/// let bank = Dispatcher::new().method("pay", move |key: String, account: u64, cents: u64| {
///     let payments = payments.clone();
///     async move { payments.run(key, async move || Ok(charge(account, cents).await)).await }
/// });
/// # drop(bank);
/// ```
pub struct Once<T> {
    state: Arc<State<T>>,
}

struct State<T> {
    most: usize,
    age: Duration,
    table: Mutex<Table<T>>,
}

/// INVARIANT: `order` has the key of every entry that is done, in the order in which that came
/// about.
struct Table<T> {
    entries: HashMap<Arc<str>, Entry<T>>,
    order: VecDeque<(Instant, Arc<str>)>,
    last: u64,
}

enum Entry<T> {
    Running { number: u64, work: Shared<Work<T>>, waiting: usize },
    Done(Outcome<T>),
}

/// Shared, as nothing of the program's is cloned under the lock.
type Outcome<T> = Arc<Result<T, RpcError>>;
type Work<T> = BoxFuture<'static, Outcome<T>>;

/// What somebody who asks has to do.
enum Step<T> {
    Wait(u64, Shared<Work<T>>),
    Take(Outcome<T>),
    Refuse,
}

impl<T: Clone + Send + Sync + 'static> Once<T> {
    /// Keeps the outcomes of at most `most` keys, each for `age` after its work is done. A key
    /// beyond them is refused: that a key was forgotten could not be told from that it is new.
    pub fn new(most: usize, age: Duration) -> Self {
        let table = Table { entries: HashMap::new(), order: VecDeque::new(), last: 0 };
        Self { state: Arc::new(State { most, age, table: Mutex::new(table) }) }
    }

    /// Does the work unless work with this key is done or being done, and gives its outcome.
    ///
    /// An error is an outcome like any other, and so is a panic, as an internal error; but one with
    /// [`Code::REFUSED`] says that the work was not begun, and it is when it is asked for again.
    ///
    /// Cancel-safe in that whoever else waits with the same key goes on with the work. Where nobody
    /// does it is dropped where it stands, and begun anew by who asks next; make the effect in its
    /// last step, or hand it to a task.
    ///
    /// # Errors
    ///
    /// Those of the work; [`Code::REFUSED`], with the mark of what is certainly not executed, where
    /// there are too many keys; [`Code::INVALID_PARAMS`] for a key of more than 256 bytes.
    pub async fn run<F>(
        &self,
        key: impl AsRef<str>,
        work: impl FnOnce() -> F + Send + 'static,
    ) -> Result<T, RpcError>
    where
        F: Future<Output = Result<T, RpcError>> + Send + 'static,
    {
        let key = key.as_ref();
        if key.len() > LONGEST_KEY {
            let words = format!("an idempotency key has at most {LONGEST_KEY} bytes");
            return Err(RpcError::invalid_params(words));
        }
        let key = Arc::<str>::from(key);
        // Begun by the first poll.
        let (state, own) = (Arc::clone(&self.state), Arc::clone(&key));
        let work = async move {
            let mut work = Box::pin(async move { work().await });
            let polling = poll_fn(|cx| match guarded(|| work.as_mut().poll(cx)) {
                Ok(polled) => polled,
                Err(panicked) => Poll::Ready(Err(panicked)),
            });
            let outcome = Arc::new(polling.await);
            state.finish(&own, &outcome, Instant::now());
            outcome
        };
        match self.state.enter(&key, work.boxed().shared(), Instant::now()) {
            Step::Wait(number, work) => {
                let _place = Place { state: &self.state, key: &key, number };
                Result::clone(&*work.await)
            }
            Step::Take(outcome) => Result::clone(&*outcome),
            Step::Refuse => Err(RpcError::refused("too many idempotency keys are in use")),
        }
    }
}

impl<T> State<T> {
    fn lock(&self) -> MutexGuard<'_, Table<T>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> State<T> {
    fn enter(&self, key: &Arc<str>, work: Shared<Work<T>>, now: Instant) -> Step<T>
    where
        T: Clone + Send + Sync + 'static,
    {
        let mut table = self.lock();
        let old = table.expire(now, self.age);
        let full = table.entries.len() >= self.most;
        // What is not needed is the program's, so it is dropped where no lock is held.
        let (step, unused) = match table.entries.get_mut(key) {
            Some(Entry::Done(outcome)) => (Step::Take(Arc::clone(outcome)), Some(work)),
            Some(Entry::Running { number, work: running, waiting }) => {
                *waiting += 1;
                (Step::Wait(*number, running.clone()), Some(work))
            }
            None if full => (Step::Refuse, Some(work)),
            None => {
                table.last += 1;
                let number = table.last;
                let running = Entry::Running { number, work: work.clone(), waiting: 1 };
                table.entries.insert(Arc::clone(key), running);
                (Step::Wait(number, work), None)
            }
        };
        drop(table);
        drop((old, unused));
        step
    }

    fn finish(&self, key: &Arc<str>, outcome: &Outcome<T>, now: Instant) {
        let refused = matches!(&**outcome, Err(error) if error.code == Code::REFUSED);
        let mut table = self.lock();
        let old = match refused {
            true => table.entries.remove(key),
            false => {
                table.order.push_back((now, Arc::clone(key)));
                table.entries.insert(Arc::clone(key), Entry::Done(Arc::clone(outcome)))
            }
        };
        drop(table);
        drop(old);
    }
}

impl<T> Table<T> {
    /// Takes out what is too old, for the caller to drop.
    fn expire(&mut self, now: Instant, age: Duration) -> Vec<Entry<T>> {
        let mut old = Vec::new();
        while let Some((since, _)) = self.order.front()
            && now.saturating_duration_since(*since) > age
        {
            let Some((_, key)) = self.order.pop_front() else { break };
            old.extend(self.entries.remove(&key));
        }
        old
    }
}

/// Somebody who waits. The last one to leave work that is not done takes it along.
struct Place<'a, T> {
    state: &'a State<T>,
    key: &'a Arc<str>,
    number: u64,
}

impl<T> Drop for Place<'_, T> {
    fn drop(&mut self) {
        let mut table = self.state.lock();
        let left = match table.entries.get_mut(self.key) {
            Some(Entry::Running { number, waiting, .. }) if *number == self.number => {
                *waiting -= 1;
                *waiting == 0
            }
            _ => false,
        };
        let old = if left { table.entries.remove(self.key) } else { None };
        drop(table);
        drop(old);
    }
}

impl<T> Clone for Once<T> {
    fn clone(&self) -> Self {
        Self { state: Arc::clone(&self.state) }
    }
}

impl<T> fmt::Debug for Once<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.state.lock().entries.len();
        f.debug_struct("Once").field("keys", &keys).finish_non_exhaustive()
    }
}

/// Longer than any text that somebody makes up to be unique.
const LONGEST_KEY: usize = 256;

#[cfg(test)]
mod tests;
