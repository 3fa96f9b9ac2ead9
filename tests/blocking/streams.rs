//! Calls that stream, on threads: down, up, both ways, and what ends them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
        mpsc,
    },
    thread,
};

use tinyrpc::{
    Code, Context, Dispatcher, Error, Reason, RpcError, Unsent,
    blocking::{input, peer, values},
};

use crate::{
    PATIENCE,
    world::{Connected, World},
};

fn failed(error: Error) -> RpcError {
    RpcError::server(error.to_string())
}

fn streaming() -> Dispatcher {
    Dispatcher::new()
        .stream("count", |context: Context, to: u64| values(&context, 1..=to))
        .stream("fails", |context: Context, at: u64| {
            let error = RpcError::new(Code(18), "that was all");
            values(&context, (1..=at).map(Ok).chain([Err(error)]))
        })
        .stream("panics", |context: Context, at: u64| {
            values(&context, (1..).inspect(move |number| assert!(*number <= at, "as asked")))
        })
        // It waits for others, on a thread where that harms nobody.
        .stream("doubles", |context: Context| {
            let numbers = input::<u64>(&context);
            values(&context, numbers.map(|number| number.map(|number| 2 * number)))
        })
        .stream("relay", |context: Context, to: u64| {
            let numbers = peer(&context);
            let asked = (1..=to)
                .map(move |number| numbers.call::<_, u64>("name", (number,)).map_err(failed));
            values(&context, asked)
        })
        .method("sum", |context: Context| input::<u64>(&context).sum::<Result<u64, RpcError>>())
        .method("first", |context: Context| {
            input::<u64>(&context).next().unwrap_or_else(|| Err(RpcError::server("there is none")))
        })
        .method("add", |a: u64, b: u64| a + b)
}

/// A server and a client, where streams can be; otherwise it says in words that they cannot.
fn open(world: World) -> Option<Connected> {
    let own = Dispatcher::new().method("name", |number: u64| 10 * number);
    let server = tinyrpc::Server::new(streaming());
    let at = world.serve_with(server, |builder| builder.serve(own));
    if world.streams() {
        return Some(at);
    }
    let refused = match world.streams_down() {
        true => {
            let numbers = at.client.stream::<u64>("count", (3,)).unwrap();
            assert!(numbers.map(Result::unwrap).eq([1, 2, 3]));
            at.client.upload::<u64, u64>("sum", ()).err().unwrap()
        }
        false => at.client.stream::<u64>("count", (3,)).unwrap_err(),
    };
    assert!(matches!(refused, Error::NotExecuted(Reason::Unsupported(_))), "{refused}");
    let numbers: Vec<u64> = at.client.call("count", (3,)).unwrap();
    assert_eq!(numbers, [1, 2, 3]);
    None
}

pub(crate) fn down(world: World) {
    let Some(at) = open(world) else { return };
    for to in [0, 3, 32, 1_000] {
        let numbers = at.client.stream::<u64>("count", (to,)).unwrap();
        let numbers: Vec<_> = numbers.map(Result::unwrap).collect();
        assert_eq!(numbers, (1..=to).collect::<Vec<_>>());
    }
    let sum: Vec<_> = at.client.stream::<u64>("add", (2, 3)).unwrap().collect();
    assert!(matches!(sum[..], [Ok(5)]), "{sum:?}");
    let mut numbers = at.client.stream::<u64>("fails", (2,)).unwrap();
    assert_eq!(numbers.by_ref().take(2).map(Result::unwrap).collect::<Vec<_>>(), [1, 2]);
    let error = numbers.next().unwrap().unwrap_err();
    assert_eq!(error.as_rpc().unwrap().code, Code(18));
    assert!(numbers.next().is_none());
    // A part is never taken for the whole.
    let mut numbers: Vec<_> = at.client.stream::<u64>("panics", (40,)).unwrap().collect();
    let error = numbers.pop().unwrap().unwrap_err();
    assert_eq!(error.as_rpc().unwrap().code, Code::INTERNAL_ERROR);
    assert!(numbers.len() <= 40 && numbers.iter().all(Result::is_ok), "{numbers:?}");
}

pub(crate) fn up(world: World) {
    let Some(at) = open(world) else { return };
    let (numbers, sum) = at.client.upload::<u64, u64>("sum", ()).unwrap();
    for number in 1..=1_000 {
        numbers.send(number).unwrap();
    }
    numbers.close();
    assert_eq!(sum.wait().unwrap(), 500_500);

    let (numbers, sum) = at.client.upload::<u64, u64>("sum", ()).unwrap();
    numbers.send(1).unwrap();
    numbers.fail(RpcError::new(Code(19), "the disk is full"));
    assert_eq!(sum.wait().unwrap_err().as_rpc().unwrap().code, Code(19));

    // A handler that has heard enough.
    let (numbers, first) = at.client.upload::<u64, u64>("first", ()).unwrap();
    let unsent = loop {
        if let Err(unsent) = numbers.send(7) {
            break unsent;
        }
    };
    assert!(matches!(unsent, Unsent::Stopped | Unsent::Over), "{unsent}");
    assert_eq!(first.wait().unwrap(), 7);
}

pub(crate) fn both(world: World) {
    let Some(at) = open(world) else { return };
    let (numbers, mut doubles) = at.client.duplex::<u64, u64>("doubles", ()).unwrap();
    numbers.send(1).unwrap();
    assert_eq!(doubles.next().unwrap().unwrap(), 2);
    // Each end on a thread of its own.
    let sending = thread::spawn(move || {
        for number in 2..=500 {
            numbers.send(number).unwrap();
        }
        numbers.close();
    });
    let doubles: Vec<_> = doubles.map(Result::unwrap).collect();
    assert_eq!(doubles, (2..=500).map(|number| 2 * number).collect::<Vec<_>>());
    sending.join().unwrap();
    let relayed = at.client.stream::<u64>("relay", (50,)).unwrap();
    let relayed: Vec<_> = relayed.map(Result::unwrap).collect();
    assert_eq!(relayed, (1..=50).map(|number| 10 * number).collect::<Vec<_>>());
}

/// Sends a word when it is dropped.
struct Guard(mpsc::Sender<()>);

impl Drop for Guard {
    fn drop(&mut self) {
        _ = self.0.send(());
    }
}

/// A reader that stops stops the iterator, and whoever gives up ends it.
pub(crate) fn given_up_streams(world: World) {
    if !world.streams() {
        return;
    }
    let (sender, dropped) = mpsc::channel();
    let asked = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&asked);
    let service = streaming().stream("endless", move |context: Context| {
        let (guard, counted) = (Guard(sender.clone()), Arc::clone(&counted));
        values(
            &context,
            (1_u64..).inspect(move |_| {
                let _guard = &guard;
                counted.fetch_add(1, SeqCst);
            }),
        )
    });
    let at = world.serve(service);
    for _ in 0..10 {
        asked.store(0, SeqCst);
        let mut numbers = at.client.stream::<u64>("endless", ()).unwrap();
        assert_eq!(numbers.next().unwrap().unwrap(), 1);
        for _ in 0..20 {
            assert_eq!(at.client.call::<_, u64>("add", (2, 3)).unwrap(), 5);
        }
        let most = u64::from(at.client.limits().stream_items) + 2 * 32;
        assert!(asked.load(SeqCst) <= most, "{} of {most}", asked.load(SeqCst));
        drop(numbers);
        dropped.recv_timeout(PATIENCE).expect("the iterator is dropped");
    }
}
