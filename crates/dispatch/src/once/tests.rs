use std::{
    cell::Cell,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use futures_channel::oneshot;
use futures_util::FutureExt;
use tinyrpc_core::{Code, RpcError};

use super::{LONGEST_KEY, Once, Step};

const HOUR: Duration = Duration::from_secs(3600);

/// Work that counts how often it is done.
fn counted(
    count: &Arc<AtomicU32>,
) -> impl FnOnce() -> std::future::Ready<Result<u32, RpcError>> + use<> {
    let count = Arc::clone(count);
    move || std::future::ready(Ok(count.fetch_add(1, SeqCst) + 1))
}

fn now<F: Future>(future: F) -> F::Output {
    future.now_or_never().expect("it is ready")
}

#[test]
fn it_is_done_once_for_each_key() {
    let (once, count) = (Once::new(10, HOUR), Arc::default());
    for (key, answer) in [("a", 1), ("a", 1), ("b", 2), ("a", 1), ("b", 2), ("", 3)] {
        assert_eq!(now(once.clone().run(key, counted(&count))).expect(key), answer);
    }
}

#[test]
fn whoever_comes_meanwhile_waits_for_the_same() {
    let (once, count) = (Once::new(10, HOUR), Arc::default());
    let (sender, answer) = oneshot::channel();
    let mut first = Box::pin(once.run("a", move || async move { Ok(answer.await.unwrap_or(0)) }));
    let mut second = Box::pin(once.run("a", counted(&count)));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(first.as_mut().poll(&mut cx).is_pending());
    assert!(second.as_mut().poll(&mut cx).is_pending());
    // The work goes on for whoever is left.
    drop(first);
    sender.send(17).expect("it is waited for");
    assert!(matches!(second.as_mut().poll(&mut cx), Poll::Ready(Ok(17))));
    assert_eq!(now(once.run("a", counted(&count))).expect("it is done"), 17);
    assert_eq!(count.load(SeqCst), 0);
}

#[test]
fn what_nobody_waits_for_is_dropped_and_begun_anew() {
    let (once, count) = (Once::new(1, HOUR), Arc::default());
    let (sender, answer) = oneshot::channel::<u32>();
    let mut first = Box::pin(once.run("a", move || async move { Ok(answer.await.unwrap_or(0)) }));
    assert!(first.as_mut().now_or_never().is_none());
    drop(first);
    assert!(sender.is_canceled(), "the work is still there");
    // Its place is free.
    assert_eq!(now(once.run("b", counted(&count))).expect("there is room"), 1);
}

#[test]
fn errors_and_panics_are_outcomes_and_refusals_are_not() {
    let (once, count) = (Once::<u32>::new(10, HOUR), Arc::default());
    let fail = || std::future::ready(Err(RpcError::new(Code(7), "seven")));
    assert_eq!(now(once.run("a", fail)).expect_err("an error").code, Code(7));
    assert_eq!(now(once.run("a", counted(&count))).expect_err("the same").code, Code(7));
    let panics = async || panic!("on purpose");
    assert_eq!(now(once.run("b", panics)).expect_err("a panic").code, Code::INTERNAL_ERROR);
    let again = now(once.run("b", counted(&count))).expect_err("the same");
    assert_eq!(again.code, Code::INTERNAL_ERROR);
    let refuse = || std::future::ready(Err(RpcError::refused("not now")));
    assert_eq!(now(once.run("c", refuse)).expect_err("a refusal").code, Code::REFUSED);
    assert_eq!(now(once.run("c", counted(&count))).expect("it is done now"), 1);
}

#[test]
fn a_table_that_is_full_forgets_nothing() {
    let (once, count) = (Once::new(100, HOUR), Arc::default());
    for n in 0..100 {
        now(once.run(n.to_string(), counted(&count))).expect("there is room");
    }
    for n in 100..200 {
        let refused = now(once.run(n.to_string(), counted(&count))).expect_err("it is full");
        assert_eq!(refused.code, Code::REFUSED);
    }
    assert_eq!(now(once.run("0", counted(&count))).expect("it is kept"), 1);
    let long = "k".repeat(LONGEST_KEY + 1);
    let refused = now(once.run(&long, counted(&count))).expect_err("it is long");
    assert_eq!(refused.code, Code::INVALID_PARAMS);
    assert_eq!(count.load(SeqCst), 100);
}

#[test]
fn what_is_old_is_forgotten() {
    let (once, count) = (Once::new(1, HOUR), Arc::default());
    assert_eq!(now(once.run("a", counted(&count))).expect("it is done"), 1);
    let later = std::time::Instant::now() + HOUR + Duration::from_secs(1);
    let work = std::future::ready(Arc::new(Ok(2_u32))).boxed().shared();
    let step = once.state.enter(&Arc::from("b"), work, later);
    assert!(matches!(step, Step::Wait(..)), "the old one is in the way");
    assert_eq!(once.state.lock().entries.len(), 1);
}

/// What a program has in a future or in an answer may come back here when it is dropped.
#[test]
fn nothing_of_the_program_is_dropped_under_the_lock() {
    struct Back(Once<Answer>, Cell<bool>);
    #[derive(Clone)]
    struct Answer(Option<Once<Self>>);
    impl Drop for Answer {
        fn drop(&mut self) {
            // It would wait for the lock for ever.
            self.0.take().into_iter().for_each(|once| drop(format!("{once:?}")));
        }
    }
    impl Drop for Back {
        fn drop(&mut self) {
            self.1.set(true);
            drop(format!("{:?}", self.0));
        }
    }
    let once = Once::new(1, Duration::ZERO);
    let own = once.clone();
    now(once.run("a", async move || Ok(Answer(Some(own))))).map(drop).expect("it is done");
    let back = Back(once.clone(), Cell::new(false));
    let never = move || async move {
        let _back = back;
        std::future::pending().await
    };
    // The first is forgotten, and this is given up.
    assert!(once.run("b", never).now_or_never().is_none());
}
