//! Streams by chance: whatever is produced, read, dropped and cut in whatever order, credit is kept
//! to, every call ends once, and nothing is left behind.

use std::task::{Context, Poll, Waker};

use tinyrpc_core::{Inlet, Items, Outlet, RpcError, Sender, Shape, Ticket};

use crate::support::{Chance, Identity, Pair, Promise, Setup};

const CODEC: Identity = Identity { mark: b'=', batches: true, cancels: true, chunk: None };

/// One call that streams both ways, as both of its ends hold it.
struct Open {
    caller: Option<(Sender<u32>, Items<u32>)>,
    callee: Option<(Outlet, Option<Inlet>, Ticket)>,
    down: Flow,
    up: Flow,
    /// What its caller saw at the end.
    ends: u32,
}

/// Values one way: each is the number of those before it.
#[derive(Default)]
struct Flow {
    sent: u32,
    read: u32,
}

fn nobody() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

impl Flow {
    fn send(&mut self, ready: bool, send: impl FnOnce(u32)) {
        if ready {
            send(self.sent);
            self.sent += 1;
            let ahead = self.sent - self.read;
            assert!(ahead <= Identity::CREDIT, "{ahead} were sent and not read");
        }
    }

    fn came(&mut self, value: &[u8]) {
        assert_eq!(value, self.read.to_string().as_bytes(), "another value was next");
        self.read += 1;
    }
}

type Opening = Promise<Result<(Sender<u32>, Items<u32>), tinyrpc_core::Error>>;

fn begin(pair: &mut Pair) -> Opening {
    let caller = pair.client.caller();
    pair.tasks.spawn(async move { caller.duplex::<_, u32, u32>("both", ()).await })
}

/// Does something to a call; true where it is over for both.
fn act(open: &mut Open, pair: &mut Pair, chance: &mut Chance) -> bool {
    let what = chance.below(100);
    match (&mut open.caller, &mut open.callee) {
        (_, Some((outlet, ..))) if what < 30 => {
            let ready = matches!(outlet.poll_ready(&mut nobody()), Poll::Ready(Ok(())));
            open.down.send(ready, |value| outlet.send_now(&value).expect("a number"));
        }
        (Some((sender, _)), _) if what < 60 => {
            let ready = matches!(sender.poll_ready(&mut nobody()), Poll::Ready(Ok(())));
            open.up.send(ready, |value| sender.send_now(&value).expect("a number"));
        }
        (Some((_, items)), _) if what < 75 => match items.poll_payload(&mut nobody()) {
            Poll::Pending => {}
            Poll::Ready(Some(Ok(value))) => open.down.came(&value.bytes),
            Poll::Ready(Some(Err(_)) | None) => {
                open.ends += 1;
                open.caller = None;
            }
        },
        (_, Some((_, Some(inlet), _))) if what < 90 => match inlet.poll_next(&mut nobody()) {
            Poll::Ready(Some(Ok(value))) => open.up.came(&value.bytes),
            Poll::Ready(Some(Err(_)) | None) | Poll::Pending => {}
        },
        (_, Some((_, inlet, _))) if what < 92 => *inlet = None,
        (Some(_), _) if what < 94 => {
            open.ends += 1;
            open.caller = None;
        }
        (_, Some((.., ticket))) if what < 98 => {
            let ticket = *ticket;
            pair.server.session.finish(ticket, |reply| match chance.below(2) {
                0 => reply.result(&()),
                _ => reply.error(&RpcError::server("by chance")),
            });
            open.callee = None;
        }
        _ => {}
    }
    if let Some((.., ticket)) = &open.callee
        && pair.server.script.cancelled.contains(ticket)
    {
        open.callee = None;
    }
    open.caller.is_none() && open.callee.is_none()
}

fn run(seed: u64, shape: Shape) {
    let chance = &mut Chance::new(seed);
    let mut pair = Setup::shape(shape).protocol(CODEC).pair();
    let (mut calls, mut openings): (Vec<Open>, Vec<Opening>) = (Vec::new(), Vec::new());
    let (mut made, mut over) = (0, 0);
    let lost_at = if chance.below(2) == 0 { chance.below(600) } else { usize::MAX };
    for step in 0..600 {
        if calls.len() + openings.len() < 5 && chance.below(8) == 0 {
            openings.push(begin(&mut pair));
        }
        (pair.bytes, pair.frames) = (chance.below(40), chance.below(4));
        pair.step();
        // Requests come in the order in which they were made.
        if !openings.is_empty()
            && !openings[0].is_pending()
            && !pair.server.script.channels.is_empty()
        {
            made += 1;
            let channels = pair.server.script.channels.remove(0);
            let ticket = pair.server.script.pending
                [pair.server.script.pending.len() - pair.server.script.channels.len() - 1];
            calls.push(Open {
                caller: Some(openings.remove(0).ok()),
                callee: Some((channels.outlet().unwrap(), channels.inlet(), ticket)),
                down: Flow::default(),
                up: Flow::default(),
                ends: 0,
            });
        }
        calls.retain_mut(|call| {
            let ended = act(call, &mut pair, chance);
            if ended {
                assert_eq!(call.ends, 1, "seed {seed}: it ends once");
                over += 1;
            }
            !ended
        });
        if step == lost_at {
            pair.lose();
            break;
        }
    }
    if lost_at > 600 {
        // Everybody reads to the end.
        for call in &mut calls {
            if let Some((.., ticket)) = call.callee.take() {
                pair.server.session.finish(ticket, |reply| reply.result(&()));
            }
        }
        (pair.bytes, pair.frames) = (usize::MAX, usize::MAX);
        pair.settle();
    }
    for call in &mut calls {
        let Some((_, items)) = &mut call.caller else { continue };
        loop {
            match items.poll_payload(&mut nobody()) {
                Poll::Ready(Some(Ok(value))) => call.down.came(&value.bytes),
                // The connection is lost, or its handler failed.
                Poll::Ready(Some(Err(_))) => {}
                Poll::Ready(None) => break,
                Poll::Pending => panic!("seed {seed}: a call does not end"),
            }
        }
        over += 1;
    }
    assert!(over <= made && over + calls.len() >= made, "seed {seed}");
    drop((calls, openings));
    pair.settle();
    assert_eq!(pair.client.caller().in_flight(), 0, "seed {seed}");
    if lost_at > 600 {
        assert_eq!(pair.server.session.running(), 0, "seed {seed}");
    }
}

#[test]
fn in_any_order_of_messages() {
    (0..300).for_each(|seed| run(seed, Shape::Messages));
}

#[test]
fn in_any_order_of_bytes() {
    (300..600).for_each(|seed| run(seed, Shape::Stream));
}
