//! This project without async: threads that share one connection. The server is the same as ever.

use std::{net::SocketAddr, thread};

use anyhow::{Context as _, Result, ensure};
use futures_util::future::BoxFuture;
use tinyrpc::blocking::{self, Client};

use crate::{
    book::Book,
    burst::{Limit, Share, Tally},
    load::Load,
    workload::{Action, Workload},
};

/// One connection, and a thread for each caller.
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
        let mut tally = Tally::default();
        thread::scope(|scope| {
            let threads: Vec<_> = (0..callers)
                .map(|index| {
                    let share = limit.share(index, callers);
                    scope.spawn(move || call_in_loop(&self.client, self.workload, &share))
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
