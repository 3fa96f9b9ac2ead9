//! This project without async: threads that share one connection. The server is the same as ever.

use std::{collections::VecDeque, net::SocketAddr, thread};

use anyhow::{Context as _, Result, ensure};
use futures_util::future::BoxFuture;
use serde::de::DeserializeOwned;
use tinyrpc::{
    Error,
    blocking::{self, Client, Sent},
};

use crate::{
    book::Book,
    burst::{Limit, Share, Tally},
    load::Load,
    workload::{Action, Workload},
};

/// The most threads that share the connection. Where there are more callers, each thread keeps its
/// share of their calls in flight.
const MOST_THREADS: usize = 16;

/// One connection, and threads that call over it.
pub(super) struct Threads {
    client: Client,
    workload: Workload,
}

impl Threads {
    /// Connects, and checks one whole answer.
    pub(super) fn open(scheme: &str, addr: SocketAddr, workload: Workload) -> Result<Self> {
        let client = blocking::connect(format!("{scheme}://{addr}"))?;
        let book = Book::sample();
        let answer: Book = client.call("book", (&book,))?;
        ensure!(answer == book, "book came back changed");
        Ok(Self { client, workload })
    }

    fn run(&self, limit: &Limit) -> Result<Tally> {
        let callers = self.workload.callers_per_connection();
        let threads = callers.min(MOST_THREADS);
        let mut tally = Tally::default();
        thread::scope(|scope| {
            let threads: Vec<_> = (0..threads)
                .map(|index| {
                    let share = limit.share(index, threads);
                    scope.spawn(move || match callers / threads {
                        1 => call_in_loop(&self.client, self.workload, &share),
                        window => keep_in_flight(&self.client, self.workload, window, &share),
                    })
                })
                .collect();
            for thread in threads {
                let part = thread.join().ok().context("a caller panicked")?;
                tally.merge(part?);
            }
            Ok(tally)
        })
    }
}

impl Load for Threads {
    fn burst<'a>(&'a mut self, limit: &'a Limit) -> BoxFuture<'a, Result<Tally>> {
        // The runtime of this process has nothing else to do: the client brings its own thread.
        Box::pin(async move { self.run(limit) })
    }
}

fn call_in_loop(client: &Client, workload: Workload, share: &Share) -> Result<Tally> {
    let book = Book::sample();
    let mut tally = Tally::default();
    while share.left(tally.calls) > 0 {
        let started = workload.is_sequential().then(std::time::Instant::now);
        if workload.action() == Action::Book {
            let answer: Book = client.call("book", (&book,))?;
            ensure!(book.resembles(&answer), "wrong book: {answer:?}");
        } else {
            let sum: i64 = client.call("add", (2, 3))?;
            ensure!(sum == 5, "2 + 3 is not {sum}");
        }
        tally.count(started);
    }
    Ok(tally)
}

/// Makes a call whenever fewer than `window` are in flight.
fn keep_in_flight(
    client: &Client,
    workload: Workload,
    window: usize,
    share: &Share,
) -> Result<Tally> {
    match workload.action() {
        Action::Book => {
            let book = Book::sample();
            let call = || client.send::<_, Book>("book", (&book,));
            slide(window, share, call, |answer| book.resembles(answer))
        }
        _ => slide(
            window,
            share,
            || client.send::<_, i64>("add", (2, 3)),
            |sum| *sum == 5,
        ),
    }
}

fn slide<R: DeserializeOwned>(
    window: usize,
    share: &Share,
    call: impl Fn() -> Result<Sent<R>, Error>,
    is_right: impl Fn(&R) -> bool,
) -> Result<Tally> {
    let mut tally = Tally::default();
    let mut flying = VecDeque::new();
    loop {
        while flying.len() < window && share.left(tally.calls + flying.len() as u64) > 0 {
            flying.push_back(call()?);
        }
        let Some(oldest) = flying.pop_front() else {
            return Ok(tally);
        };
        ensure!(is_right(&oldest.wait()?), "a wrong answer");
        tally.count(None);
    }
}
