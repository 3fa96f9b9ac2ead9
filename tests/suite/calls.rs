//! Calls, notifications and batches, and how they fail.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
};

use futures_util::future::join_all;
use tinyrpc::{Code, Dispatcher, Error, Outcome, RpcError};
use tokio::sync::Notify;

use crate::world::{World, service};

pub(crate) async fn positional(world: World) {
    let at = world.serve(service()).await;
    assert_eq!(at.client.call::<_, i64>("add", (2, 3)).await.unwrap(), 5);
    assert_eq!(at.client.call::<_, i64>("add", [2, 3]).await.unwrap(), 5);
    assert_eq!(at.client.call::<_, i64>("add", vec![2, 3]).await.unwrap(), 5);
    assert_eq!(at.client.call::<_, u32>("later", (7,)).await.unwrap(), 7);
    assert_eq!(
        at.client.call::<_, String>("echo", ("a \"b\" \n ü",)).await.unwrap(),
        "a \"b\" \n ü"
    );
}

pub(crate) async fn named(world: World) {
    let whole = |value: BTreeMap<String, i64>| value.len();
    let at = world.serve(service().method("whole", whole)).await;
    let params = BTreeMap::from([("b", 3), ("a", 2)]);
    assert_eq!(at.client.call::<_, i64>("add", &params).await.unwrap(), 5);
    // An unnamed function of one argument gets the whole object.
    assert_eq!(at.client.call::<_, usize>("whole", &params).await.unwrap(), 2);
    for (params, expected) in
        [(BTreeMap::from([("a", 1)]), "b"), (BTreeMap::from([("a", 1), ("b", 2), ("c", 3)]), "c")]
    {
        let error = at.client.call::<_, i64>("add", &params).await.unwrap_err();
        let error = error.as_rpc().expect("an answer");
        assert_eq!(error.code, Code::INVALID_PARAMS);
        assert!(error.message.contains(expected), "{error}");
    }
    let error = at.client.call::<_, String>("echo", BTreeMap::from([("value", 1)])).await;
    assert_eq!(error.unwrap_err().as_rpc().expect("an answer").code, Code::INVALID_PARAMS);
}

pub(crate) async fn optional(world: World) {
    let join = |a: String, b: Option<String>| format!("{a}{}", b.unwrap_or_default());
    let at = world.serve(Dispatcher::new().method("join", join).params(["a", "b"])).await;
    assert_eq!(at.client.call::<_, String>("join", ("x", "y")).await.unwrap(), "xy");
    assert_eq!(at.client.call::<_, String>("join", ("x", None::<String>)).await.unwrap(), "x");
    assert_eq!(at.client.call::<_, String>("join", ("x",)).await.unwrap(), "x");
    let named = BTreeMap::from([("a", "x")]);
    assert_eq!(at.client.call::<_, String>("join", named).await.unwrap(), "x");
    let error = at.client.call::<_, String>("join", ()).await.unwrap_err();
    let error = error.as_rpc().expect("an answer");
    assert_eq!(error.code, Code::INVALID_PARAMS);
    assert!(error.message.contains('a'), "{error}");
}

pub(crate) async fn no_params(world: World) {
    let at = world.serve(service()).await;
    at.client.call::<_, ()>("nothing", ()).await.unwrap();
    at.client.call::<_, ()>("nothing", [0; 0]).await.unwrap();
    assert_eq!(at.client.call::<_, Option<u8>>("nothing", ()).await.unwrap(), None);
    let error = at.client.call::<_, ()>("nothing", (1,)).await.unwrap_err();
    assert_eq!(error.as_rpc().expect("an answer").code, Code::INVALID_PARAMS);
}

pub(crate) async fn errors(world: World) {
    let fail = |code: i64, message: String| -> Result<u8, RpcError> {
        Err(RpcError::new(code, message).with_data(("why", 42u8)))
    };
    let leak = || -> Result<u8, RpcError> { Err(RpcError::internal("the secret path")) };
    let later = |code: i64| async move {
        tokio::task::yield_now().await;
        Err::<u8, _>(RpcError::new(code, "late"))
    };
    let service =
        Dispatcher::new().method("fail", fail).method("leak", leak).method("later", later);
    let at = world.serve(service).await;
    let error = at.client.call::<_, u8>("fail", (-5, "no")).await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::Answered);
    let error = error.as_rpc().expect("an answer").clone();
    assert_eq!((error.code, &*error.message), (Code(-5), "no"));
    assert_eq!(error.data::<(String, u8)>().unwrap(), Some(("why".into(), 42)));
    let error = at.client.call::<_, u8>("leak", ()).await.unwrap_err();
    let text = format!("{error:?} {error}");
    assert!(!text.contains("secret"), "{text}");
    assert_eq!(error.as_rpc().expect("an answer").code, Code::INTERNAL_ERROR);
    let error = at.client.call::<_, u8>("later", (9,)).await.unwrap_err();
    assert_eq!(error.as_rpc().expect("an answer").code, Code(9));
    // An answer of another type than the caller asked for is told as such.
    let at = world.serve(crate::world::service()).await;
    let error = at.client.call::<_, Vec<u8>>("echo", ("text",)).await.unwrap_err();
    assert!(matches!(error, Error::Mismatch(_)), "{error}");
}

pub(crate) async fn refusals(world: World) {
    let at = world.serve(service()).await;
    #[track_caller]
    fn check(answer: Result<i64, Error>, code: Code, part: &str) {
        let error = answer.unwrap_err();
        let error = error.as_rpc().expect("an answer");
        assert_eq!(error.code, code, "{error}");
        assert!(error.message.contains(part), "{error} does not say {part}");
    }
    let client = &at.client;
    check(client.call("sub", (1, 2)).await, Code::METHOD_NOT_FOUND, "sub");
    check(client.call("", (1, 2)).await, Code::METHOD_NOT_FOUND, "");
    check(client.call("add", (1,)).await, Code::INVALID_PARAMS, "b");
    check(client.call("add", (1, 2, 3)).await, Code::INVALID_PARAMS, "3");
    check(client.call("add", (1, "x")).await, Code::INVALID_PARAMS, "params[1]");
    check(client.call(&"m".repeat(300), ()).await, Code::INVALID_REQUEST, "max_method");
    // What makes no sense is refused before it is sent.
    let error = client.call::<_, i64>("add", 5).await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::NotExecuted);
    assert!(error.to_string().contains("(value,)"), "{error}");
}

pub(crate) async fn notifications(world: World) {
    let seen = Arc::new(AtomicU32::new(0));
    let all = Arc::new(Notify::new());
    let ordered = world.permanent();
    let service = Dispatcher::new().method("note", {
        let (seen, all) = (Arc::clone(&seen), Arc::clone(&all));
        move |number: u32| {
            // Notifications are begun in their order, unless each is a post of its own.
            let before = seen.fetch_add(1, SeqCst);
            assert!(!ordered || before == number, "{number} behind {before}");
            if before == 99 {
                all.notify_one();
            }
        }
    });
    let at = world.serve(service).await;
    for number in 0..100u32 {
        at.client.notify("note", (number,)).await.unwrap();
    }
    all.notified().await;
    // Neither a bad one nor an unknown one is answered or does any harm.
    at.client.notify("note", ("x",)).await.unwrap();
    at.client.notify("unknown", ()).await.unwrap();
    let error = at.client.call::<_, u8>("unknown", ()).await.unwrap_err();
    assert_eq!(error.as_rpc().expect("an answer").code, Code::METHOD_NOT_FOUND);
    assert_eq!(seen.load(SeqCst), 100);
}

pub(crate) async fn batches(world: World) {
    let at = world.serve(service()).await;
    let mut batch = at.client.batch();
    let sum = batch.call::<i64>("add", (1, 2)).unwrap();
    let late = batch.call::<u32>("later", (8,)).unwrap();
    batch.notify("nothing", ()).unwrap();
    let bad = batch.call::<i64>("sub", (1, 2)).unwrap();
    let mut answers = batch.send().await.unwrap();
    assert_eq!(answers.take(sum).unwrap(), 3);
    assert_eq!(answers.take(late).unwrap(), 8);
    let error = answers.take(bad).unwrap_err();
    assert_eq!(error.as_rpc().expect("an answer").code, Code::METHOD_NOT_FOUND);

    let mut silent = at.client.batch();
    silent.notify("nothing", ()).unwrap();
    silent.send().await.unwrap();
    assert!(at.client.batch().send().await.unwrap().is_empty());

    let mut full = at.client.batch();
    for _ in 0..100 {
        full.notify("nothing", ()).unwrap();
    }
    let error = full.notify("nothing", ()).unwrap_err();
    assert!(error.to_string().contains("max_batch"), "{error}");
}

pub(crate) async fn concurrency(world: World) {
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    let service = service().method("wait", {
        let gate = Arc::clone(&gate);
        move |number: u32| {
            let gate = Arc::clone(&gate);
            async move {
                gate.acquire().await.expect("an open gate").forget();
                number
            }
        }
    });
    let at = world.serve(service).await;
    // Each post has a connection of its own.
    let many = if world.permanent() { 1000 } else { 40 };
    let waiting = join_all((0..many).map(|number| at.client.call::<_, u32>("wait", (number,))));
    let rest = async {
        // A small call does not wait behind those that do.
        assert_eq!(at.client.call::<_, i64>("add", (2, 3)).await.unwrap(), 5);
        gate.add_permits(many as usize);
    };
    let (numbers, ()) = futures_util::future::join(waiting, rest).await;
    let numbers: Vec<u32> = numbers.into_iter().map(|number| number.unwrap()).collect();
    assert!(numbers.into_iter().eq(0..many));
}

pub(crate) async fn panics(world: World) {
    let service = service().method("late", |words: String| async move {
        tokio::task::yield_now().await;
        if words.len() < 100 {
            panic!("{words}");
        }
        0u8
    });
    let at = world.serve(service).await;
    for method in ["panic", "late"] {
        let error = at.client.call::<_, u8>(method, ("the secret",)).await.unwrap_err();
        let answer = error.as_rpc().expect("an answer");
        assert_eq!(answer.code, Code::INTERNAL_ERROR);
        assert!(!format!("{error:?}").contains("secret"));
        at.client.notify(method, ("again",)).await.unwrap();
        assert_eq!(at.client.call::<_, i64>("add", (2, 3)).await.unwrap(), 5);
    }
}

pub(crate) async fn large_values(world: World) {
    let at = world.serve(service()).await;
    for size in [1000, 40_000, 1 << 20] {
        let text = "x".repeat(size);
        assert_eq!(at.client.call::<_, String>("echo", (&text,)).await.unwrap(), text);
    }
    let text = "x".repeat(5 << 20);
    if world.streams() && !world.exchanges() {
        // What is over the limit goes in chunks, both ways.
        assert!(at.client.call::<_, String>("echo", (&text,)).await.unwrap() == text);
        return;
    }
    let error = at.client.call::<_, String>("echo", (&text,)).await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::NotExecuted);
    assert!(error.to_string().contains("max_message"), "{error}");
    let at = world.serve(Dispatcher::new().method("make", |size: usize| "x".repeat(size))).await;
    let error = at.client.call::<_, String>("make", (5 << 20,)).await.unwrap_err();
    assert!(error.to_string().contains("max_message"), "{error}");
    assert_eq!(at.client.call::<_, String>("make", (3,)).await.unwrap(), "xxx");
}
