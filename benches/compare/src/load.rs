//! The load itself: callers that each await their own call in a loop.

use std::{
    future::Future,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Instant,
};

use anyhow::{Result, bail, ensure};
use futures_util::future::BoxFuture;
use tokio::task::JoinSet;

use crate::{
    book::Book,
    burst::{Limit, Share, Tally},
    workload::{Action, BESIDE, MOVED, VALUE, Way, Workload},
};

/// An RPC library under test.
pub(crate) trait Peer {
    /// One client connection.
    type Caller: Caller;

    /// Binds a free port of the loopback address and serves it in the background for good.
    fn serve() -> impl Future<Output = Result<SocketAddr>> + Send;

    /// Opens one connection.
    fn connect(addr: SocketAddr) -> impl Future<Output = Result<Self::Caller>> + Send;
}

/// One client connection, shared by clones.
pub(crate) trait Caller: Clone + Send + Sync + 'static {
    /// Calls `add(a, b)`, which answers the sum.
    fn add(&self, a: i64, b: i64) -> impl Future<Output = Result<i64>> + Send {
        async move { bail!("this peer does not add {a} and {b}") }
    }

    /// Calls `book(book)`, which answers the book.
    fn book(&self, book: &Book) -> impl Future<Output = Result<Book>> + Send {
        let _ = book;
        async { bail!("this peer takes no books") }
    }

    /// Calls `add(2, 3)` so many times in one batch; gives how many were answered rightly.
    fn adds(&self, count: usize) -> impl Future<Output = Result<usize>> + Send {
        async move { bail!("this peer has no batches of {count}") }
    }

    /// Moves so many bytes, and adds to `moved` what has come.
    fn transfer(
        &self,
        way: Way,
        bytes: usize,
        moved: &AtomicU64,
    ) -> impl Future<Output = Result<()>> + Send {
        let _ = moved;
        async move { bail!("this peer does not move {bytes} bytes by {way:?}") }
    }

    /// Sends the notification `tick(2, 3)`, and waits while the connection can take no more.
    fn tick(&self) -> impl Future<Output = Result<()>> + Send {
        async { bail!("this peer handles no notifications") }
    }

    /// Calls `ticks()`, which answers how many `tick` the server has handled.
    fn ticks(&self) -> impl Future<Output = Result<u64>> + Send {
        async { bail!("this peer handles no notifications") }
    }
}

/// Calls in one batch.
const BATCH: u64 = 64;

/// A client with its connections open.
pub(crate) trait Load: Send {
    /// Runs the workload up to `limit` and waits for every answer.
    fn burst<'a>(&'a mut self, limit: &'a Limit) -> BoxFuture<'a, Result<Tally>>;
}

/// Connections loaded by one task per caller.
pub(crate) struct Callers<C> {
    connections: Vec<C>,
    workload: Workload,
}

impl<C: Caller> Callers<C> {
    /// Opens the connections of `workload`, and checks one whole answer where it has small calls.
    pub(crate) async fn open<P: Peer<Caller = C>>(
        addr: SocketAddr,
        workload: Workload,
    ) -> Result<Self> {
        let mut connections = Vec::new();
        for _ in 0..workload.connections() {
            let caller = P::connect(addr).await?;
            if !matches!(workload.action(), Action::Move(_)) {
                let book = Book::sample();
                ensure!(caller.book(&book).await? == book, "book came back changed");
            }
            connections.push(caller);
        }
        Ok(Self {
            connections,
            workload,
        })
    }
}

impl<C: Caller> Load for Callers<C> {
    fn burst<'a>(&'a mut self, limit: &'a Limit) -> BoxFuture<'a, Result<Tally>> {
        Box::pin(async move {
            let callers = self.connections.len() * self.workload.callers_per_connection();
            let mut tasks = JoinSet::new();
            for (index, caller) in self.connections.iter().cycle().take(callers).enumerate() {
                let share = limit.share(index, callers);
                tasks.spawn(call_in_loop(caller.clone(), self.workload, share));
            }
            let mut tally = Tally::default();
            while let Some(done) = tasks.join_next().await {
                tally.merge(done??);
            }
            Ok(tally)
        })
    }
}

async fn call_in_loop<C: Caller>(caller: C, workload: Workload, share: Share) -> Result<Tally> {
    let mut tally = Tally::default();
    if workload.action() == Action::Notify {
        let before = caller.ticks().await?;
        while share.left(tally.calls) > 0 {
            caller.tick().await?;
            tally.count(None);
        }
        let handled = caller.ticks().await? - before;
        ensure!(
            handled == tally.calls,
            "{handled} of {} notifications handled",
            tally.calls
        );
        return Ok(tally);
    }
    match workload.action() {
        Action::Move(way) => {
            let moved = AtomicU64::new(0);
            while share.left(tally.calls) > 0 {
                caller.transfer(way, MOVED, &moved).await?;
                tally.calls += (MOVED / VALUE) as u64;
            }
            tally.moved = moved.into_inner();
            let expected = tally.calls * VALUE as u64;
            ensure!(
                tally.moved == expected,
                "{} of {expected} bytes came",
                tally.moved
            );
            return Ok(tally);
        }
        Action::Beside(way) => return beside(caller, way, share).await,
        _ => {}
    }
    let book = Book::sample();
    while share.left(tally.calls) > 0 {
        let started = workload.is_sequential().then(Instant::now);
        if workload.action() == Action::Batch {
            let count = share.left(tally.calls).min(BATCH);
            let answered = caller.adds(count as usize).await?;
            ensure!(
                answered as u64 == count,
                "{answered} of {count} calls answered"
            );
            tally.calls += count;
            continue;
        }
        if workload.action() == Action::Book {
            let answer = caller.book(&book).await?;
            ensure!(book.resembles(&answer), "wrong book: {answer:?}");
        } else {
            let sum = caller.add(2, 3).await?;
            ensure!(sum == 5, "2 + 3 is not {sum}");
        }
        tally.count(started);
    }
    Ok(tally)
}

/// Small calls while much moves on their connection.
async fn beside<C: Caller>(caller: C, way: Way, share: Share) -> Result<Tally> {
    let moved = Arc::new(AtomicU64::new(0));
    let (mover, sum) = (caller.clone(), Arc::clone(&moved));
    let moving = tokio::spawn(async move {
        loop {
            if let Err(error) = mover.transfer(way, BESIDE, &sum).await {
                return error;
            }
        }
    });
    let mut tally = Tally::default();
    while share.left(tally.calls) > 0 && !moving.is_finished() {
        let started = Some(Instant::now());
        let sum = caller.add(2, 3).await?;
        ensure!(sum == 5, "2 + 3 is not {sum}");
        tally.count(started);
    }
    moving.abort();
    if let Ok(error) = moving.await {
        return Err(error.context("moving beside the calls"));
    }
    tally.moved = moved.load(Relaxed);
    Ok(tally)
}
