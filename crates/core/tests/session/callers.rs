//! Handles that put a prefix before names, or make something else of errors.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use serde::{Serialize, Serializer, ser::Error as _};
use tinyrpc_core::{Caller, Error, Limits, Outcome, Reason, Shape};

use crate::support::{Identity, Pair, Promise, Setup};

#[test]
fn a_prefix_goes_before_every_name() {
    for batches in [true, false] {
        let mut pair =
            Setup::default().protocol(Identity { batches, ..Identity::default() }).pair();
        let inner = pair.client.caller().with_prefix("a.").with_prefix("ü.");
        let done = pair.tasks.spawn(async move {
            inner.notify("note", (1,)).await?;
            drop(inner.call::<_, ()>("", (2,)).timeout(Duration::from_secs(1)).send().await?);
            inner.notify("note", ()).await?;
            let mut batch = inner.batch();
            batch.notify("note", (3,))?;
            let item = batch.call::<String>("hold", ())?;
            // Handles that are made of it keep it.
            let nested = inner.nested();
            drop(nested.try_call::<_, ()>("try", (4,)).send().await?);
            batch.send().await?.take(item)
        });
        pair.settle();
        let expected =
            ["a.ü.note[1]", "a.ü.[2]", "a.ü.note", "a.ü.try[4]", "a.ü.note[3]", "a.ü.hold"];
        assert_eq!(pair.server.script.started, expected);
        while !pair.server.script.pending.is_empty() {
            pair.server.finish("done");
        }
        pair.settle();
        assert_eq!(done.ok(), "done");
    }
}

#[test]
fn a_call_that_waits_keeps_its_name() {
    let mut pair = Setup::default().limits(|limits| limits.max_calls = 1).pair();
    let caller = pair.client.caller().with_prefix("p.");
    let calls = [1, 2].map(|index| pair.call_by::<u8>(caller.clone(), "hold", (index,)));
    for call in calls {
        pair.settle();
        pair.server.finish(7);
        pair.settle();
        assert_eq!(call.ok(), 7);
    }
    assert_eq!(pair.server.script.started, ["p.hold[1]", "p.hold[2]"]);
}

/// A value that cannot be encoded.
struct Unspeakable;

impl Serialize for Unspeakable {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(S::Error::custom("unspeakable"))
    }
}

/// A pair whose client notes all errors and puts a mark on them.
fn marking(limits: Limits) -> (Pair, Caller, Arc<Mutex<Vec<Outcome>>>) {
    let pair = Setup { client: limits, ..Setup::default() }.pair();
    let seen = Arc::<Mutex<Vec<Outcome>>>::default();
    let notes = Arc::clone(&seen);
    let caller = pair.client.caller().map_error(move |error| {
        notes.lock().unwrap().push(error.outcome());
        Error::invalid(format!("<{error}>"))
    });
    (pair, caller, seen)
}

#[track_caller]
fn check<T: std::fmt::Debug>(promise: &Promise<Result<T, Error>>, part: &str) {
    let error = promise.err();
    let Error::NotExecuted(Reason::Invalid(words)) = &error else { panic!("{error:?}") };
    assert!(words.starts_with('<') && words.contains(part), "{words}");
    // It was asked once.
    assert!(!words.contains("<<"), "{words}");
}

#[test]
fn errors_become_what_is_made_of_them() {
    let limits = Limits { max_calls: 2, max_batch: 3, max_message: 512, ..Limits::default() };
    let (mut pair, caller, seen) = marking(limits);
    macro_rules! spawn {
        (|$caller:ident| $body:expr) => {{
            let $caller = caller.clone();
            let promise: Promise<Result<_, Error>> = pair.tasks.spawn(async move { $body });
            pair.settle();
            promise
        }};
    }
    check(&spawn!(|c| c.call::<_, u8>("fail", ()).await), "it failed");
    check(&spawn!(|c| c.call::<_, u8>("fail", ()).send().await?.await), "it failed");
    check(&spawn!(|c| c.try_call::<_, u8>("fail", ()).await), "it failed");
    check(&spawn!(|c| c.call_raw("fail", ()).await), "it failed");
    check(&spawn!(|c| c.call::<_, u8>("echo", (1, 2)).await), "another type");
    check(&spawn!(|c| c.call::<_, u8>("echo", (Unspeakable,)).await), "unspeakable");
    check(&spawn!(|c| c.call::<_, u8>("echo", 3).send().await), "(value,)");
    check(&spawn!(|c| c.notify("note", (Unspeakable,)).await), "unspeakable");
    check(&spawn!(|c| c.notify("note", ("x".repeat(512),)).await), "max_message");
    // What succeeds asks nobody.
    let asked = seen.lock().unwrap().len();
    assert_eq!(spawn!(|c| c.call::<_, (u8,)>("echo", (1,)).await).ok(), (1,));
    assert_eq!(seen.lock().unwrap().len(), asked);
    // A batch as a whole, what is put into it, and what is taken from it.
    check(
        &spawn!(|c| {
            let mut batch = c.batch();
            (0..4).try_for_each(|_| batch.call::<u8>("echo", ()).map(|_| ()))
        }),
        "max_batch",
    );
    check(&spawn!(|c| c.batch().notify("note", (Unspeakable,))), "unspeakable");
    check(
        &spawn!(|c| {
            let mut batch = c.batch();
            (0..3).try_for_each(|_| batch.call::<u8>("echo", ()).map(|_| ()))?;
            batch.send().await.map(|_| 0)
        }),
        "max_calls",
    );
    let taken = spawn!(|c| {
        let mut batch = c.batch();
        let (failing, wrong) = (batch.call::<u8>("fail", ())?, batch.call::<u8>("echo", (1, 2))?);
        let mut answers = batch.send().await?;
        Ok((answers.take(failing).unwrap_err(), answers.take(wrong).unwrap_err()))
    });
    let (failed, wrong) = taken.ok();
    assert!(failed.to_string().contains("<the peer answered with an error: it failed"), "{failed}");
    assert!(wrong.to_string().contains("<the result has another type"), "{wrong}");
    // No room, no time, no connection.
    let held = [(); 2].map(|()| spawn!(|c| c.call::<_, u8>("hold", ()).await));
    check(&spawn!(|c| c.try_call::<_, u8>("echo", ()).await), "max_calls");
    let late = spawn!(|c| c.call::<_, u8>("late", ()).timeout(Duration::from_secs(1)).await);
    pair.pass(Duration::from_secs(2));
    check(&late, "timed out after 1000 ms");
    pair.lose();
    held.iter().for_each(|call| check(call, "lost"));
    check(&spawn!(|c| c.call::<_, u8>("echo", ()).await), "lost");
    check(&spawn!(|c| c.notify("note", ()).await), "lost");
    // The function sees what really happened.
    let seen = seen.lock().unwrap();
    for outcome in [Outcome::Answered, Outcome::NotExecuted, Outcome::Unknown] {
        assert!(seen.contains(&outcome), "{outcome:?} in {seen:?}");
    }
}

#[test]
fn functions_follow_one_another() {
    let (mut pair, caller, seen) = marking(Limits::default());
    let again = caller.map_error(|error| Error::limit("second", error.to_string().len() as u64));
    let failed = pair.call_by::<u8>(again.with_prefix("").nested(), "fail", ());
    let first = pair.call_by::<u8>(caller, "fail", ());
    pair.settle();
    let words = first.err().to_string();
    let expected =
        format!("the call was not executed: the limit `second` of {} is reached", words.len());
    assert_eq!(failed.err().to_string(), expected);
    assert_eq!(seen.lock().unwrap().len(), 2);
}

#[test]
fn a_side_that_cannot_call_says_so_through_it_too() {
    let mut pair = Pair::new(Shape::Exchange);
    let caller = pair.server.caller().map_error(|error| Error::invalid(format!("<{error}>")));
    let notifying = caller.clone();
    check(&pair.call_by::<u8>(caller.clone(), "echo", ()), "permanent connection");
    let notified = pair.tasks.spawn(async move { notifying.notify("note", ()).await });
    let batched = pair.tasks.spawn(async move { caller.batch().send().await.map(|_| ()) });
    pair.tasks.run();
    check(&notified, "permanent connection");
    check(&batched, "permanent connection");
}
