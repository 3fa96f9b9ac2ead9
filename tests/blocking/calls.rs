//! Calls, notifications and batches, and how they fail.

use std::{
    collections::BTreeMap,
    sync::{Barrier, mpsc},
    thread,
};

use tinyrpc::{Code, Dispatcher, Error, Outcome, RpcError};

use crate::{
    PATIENCE,
    world::{World, service},
};

pub(crate) fn positional(world: World) {
    let at = world.serve(service());
    assert_eq!(at.client.call::<_, i64>("add", (2, 3)).unwrap(), 5);
    assert_eq!(at.client.call::<_, i64>("add", vec![2, 3]).unwrap(), 5);
    assert_eq!(at.client.try_call::<_, i64>("add", [2, 3]).unwrap(), 5);
    assert_eq!(at.client.call::<_, u32>("later", (7,)).unwrap(), 7);
    assert_eq!(at.client.call_raw("add", (2, 3)).unwrap().decode::<u8>().unwrap(), 5);
    at.client.call::<_, ()>("nothing", ()).unwrap();
}

pub(crate) fn named(world: World) {
    let nested = Dispatcher::new().nest("math.", service());
    let at = world.serve(nested);
    let math = at.client.with_prefix("math.");
    assert_eq!(math.call::<_, i64>("add", BTreeMap::from([("b", 3), ("a", 2)])).unwrap(), 5);
    let error = math.call::<_, i64>("add", BTreeMap::from([("a", 1)])).unwrap_err();
    let error = error.as_rpc().expect("an answer");
    assert_eq!(error.code, Code::INVALID_PARAMS);
    assert!(error.message.contains('b'), "{error}");
}

pub(crate) fn errors(world: World) {
    let fail = |code: i64, message: String| -> Result<u8, RpcError> {
        Err(RpcError::new(code, message).with_data(("why", 42u8)))
    };
    let at = world.serve(service().method("fail", fail));
    let error = at.client.call::<_, u8>("fail", (-5, "no")).unwrap_err();
    assert_eq!(error.outcome(), Outcome::Answered);
    let error = error.as_rpc().expect("an answer");
    assert_eq!((error.code, &*error.message), (Code(-5), "no"));
    assert_eq!(error.data::<(String, u8)>().unwrap(), Some(("why".into(), 42)));
    let error = at.client.call::<_, u8>("unknown", ()).unwrap_err();
    assert_eq!(error.as_rpc().expect("an answer").code, Code::METHOD_NOT_FOUND);
    let error = at.client.call::<_, Vec<u8>>("echo", ("text",)).unwrap_err();
    assert!(matches!(error, Error::Mismatch(_)), "{error}");
    let error = at.client.call::<_, i64>("add", 5).unwrap_err();
    assert_eq!(error.outcome(), Outcome::NotExecuted);
    let error = at.client.notify("add", 5).unwrap_err();
    assert_eq!(error.outcome(), Outcome::NotExecuted);
    let error = at.client.send::<_, u8>("add", 5).unwrap_err();
    assert_eq!(error.outcome(), Outcome::NotExecuted);
}

pub(crate) fn notifications(world: World) {
    let (sender, seen) = mpsc::channel();
    // On the pool, notifications of one caller may overtake each other: inline ones do not.
    let service = Dispatcher::new()
        .method("note", move |number: u32| sender.send(number).expect("the case goes on"))
        .inline()
        .method("done", || ());
    let at = world.serve(service);
    for number in 0..100u32 {
        at.client.notify("note", (number,)).unwrap();
    }
    at.client.notify("unknown", ()).unwrap();
    for number in 0..100 {
        assert_eq!(seen.recv_timeout(PATIENCE), Ok(number));
    }
    at.client.call::<_, ()>("done", ()).unwrap();
}

pub(crate) fn batches(world: World) {
    let at = world.serve(service());
    let mut batch = at.client.batch();
    let sum = batch.call::<i64>("add", (1, 2)).unwrap();
    let late = batch.call::<u32>("later", (8,)).unwrap();
    batch.notify("nothing", ()).unwrap();
    let bad = batch.call::<i64>("sub", (1, 2)).unwrap();
    let mut answers = batch.send().unwrap();
    assert_eq!(answers.take(sum).unwrap(), 3);
    assert_eq!(answers.take(late).unwrap(), 8);
    let error = answers.take(bad).unwrap_err();
    assert_eq!(error.as_rpc().expect("an answer").code, Code::METHOD_NOT_FOUND);
    assert!(at.client.batch().send().unwrap().is_empty());
}

pub(crate) fn panics(world: World) {
    let async_panic = async || -> u8 {
        tokio::task::yield_now().await;
        panic!("later")
    };
    let at = world.serve(service().method("async_panic", async_panic));
    for _ in 0..20 {
        for error in [
            at.client.call::<_, u8>("panic", ("a secret",)).unwrap_err(),
            at.client.call::<_, u8>("async_panic", ()).unwrap_err(),
        ] {
            assert!(!error.to_string().contains("secret"), "{error}");
            assert_eq!(error.as_rpc().expect("an answer").code, Code::INTERNAL_ERROR);
        }
    }
    assert_eq!(at.client.call::<_, i64>("add", (2, 3)).unwrap(), 5);
}

pub(crate) fn large_values(world: World) {
    let at = world.serve(service());
    let text = "x".repeat(300_000);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                assert_eq!(at.client.call::<_, String>("echo", (&text,)).unwrap(), text);
                assert_eq!(at.client.call::<_, i64>("add", (2, 3)).unwrap(), 5);
            });
        }
    });
}

pub(crate) fn many_threads(world: World) {
    const THREADS: i64 = 16;
    let at = world.serve(service());
    let begin = Barrier::new(THREADS as usize);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (client, begin) = (at.client.clone(), &begin);
            scope.spawn(move || {
                begin.wait();
                for number in 0..200 {
                    assert_eq!(
                        client.call::<_, i64>("add", (thread * 1000, number)).unwrap(),
                        thread * 1000 + number
                    );
                }
            });
        }
    });
}

pub(crate) fn many_in_flight(world: World) {
    let at = world.serve(service());
    let sums: Vec<_> = (0..500).map(|n| at.client.send::<_, i64>("add", (n, n)).unwrap()).collect();
    for (number, sum) in (0..).zip(sums) {
        assert_eq!(sum.wait().unwrap(), 2 * number);
    }
    // What is not waited for does no harm.
    drop(at.client.send::<_, i64>("add", (1, 1)).unwrap());
    assert_eq!(at.client.call::<_, i64>("add", (2, 3)).unwrap(), 5);
}
