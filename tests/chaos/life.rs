//! The life of one connection, from its first call to what is left of it.

use std::sync::{Arc, atomic::AtomicUsize};

use fastrand::Rng;
use futures_util::future::join_all;
use tinyrpc::{Caller, Client};
use tokio::time::{sleep, timeout};

use crate::{
    era::{Era, limits, reply_order},
    ledger::Maker,
    link::Dialled,
    plan::Plan,
    seed::Chance,
    service::service,
    traffic::Traffic,
};

/// How a connection ends that does not come to an end by itself.
#[derive(Clone, Copy, Debug)]
enum Farewell {
    /// The client is dropped, whatever is in flight.
    Drop,
    /// The client waits for what is in flight.
    Close,
    /// The connection is torn while both ends hold it.
    Tear,
}

impl Era<'_> {
    pub(crate) async fn life(&self, number: usize, rng: &mut Rng) {
        let pace = self.scenario.pace();
        let plan = Plan::draw(rng, self.scenario.link.unit(), pace);
        let slow = plan.is_slow();
        let farewell = rng.pick(&[Farewell::Drop, Farewell::Close, Farewell::Tear]);
        let limits = if rng.one_in(4) { limits(rng, pace) } else { self.limits.clone() };
        let order = reply_order(rng);
        let story = format!("connection {number} ({plan}; {farewell:?})");
        self.ledger.tell(number, format!("{story}, {order:?}, {limits:?}"));
        let Dialled { builder, tear } = self.dial.dial(self.scenario.wire, plan).await;
        let builder = builder.serve(service(&self.ledger)).limits(limits).reply_order(order);
        let client = match self.hurry(builder.connect(), &format!("{story}: not made")).await {
            Ok(client) => client,
            // A socket may be reset before anybody knows that it is connected.
            Err(_) if self.is_down() || pace.real => return,
            Err(error) => self.fail(&format!("{story}: {error}")),
        };
        let budget = if slow { 60 } else { rng.pick(&[30, 300, 3000, 3000]) };
        let budget = Arc::new(AtomicUsize::new(rng.usize(1..=budget)));
        let text = if slow { 64 } else { rng.pick(&[64, 1024, 16 << 10, 256 << 10]) };
        let callers = rng.pick(&[1, 2, 8, 32]);
        let callers = (0..callers).map(|_| {
            let traffic = Traffic {
                caller: Caller::clone(&client),
                ledger: Arc::clone(&self.ledger),
                maker: Maker::Client(number),
                pace,
                budget: Arc::clone(&budget),
                text,
                rng: rng.fork(),
            };
            tokio::spawn(traffic.run())
        });
        let mut callers = join_all(callers.collect::<Vec<_>>());
        let done = timeout(pace.life(rng), &mut callers).await;
        let caller = Caller::clone(&client);
        self.part(client, farewell, rng, &story).await;
        tear();
        let done = match done {
            Ok(done) => done,
            Err(_) => self.hurry(callers, &format!("{story}: calls outlive it")).await,
        };
        done.into_iter().for_each(|one| one.expect("a caller does not panic"));
        self.check_caller(&caller, &story).await;
    }

    async fn part(&self, client: Client, farewell: Farewell, rng: &mut Rng, story: &str) {
        match farewell {
            Farewell::Drop => {
                drop(client);
                sleep(self.scenario.pace().stall(rng)).await;
            }
            Farewell::Close => {
                self.hurry(client.close(), &format!("{story}: it does not close")).await;
            }
            Farewell::Tear => {}
        }
    }
}
