//! What our caller tries with a peer that serves the methods of `service.py`: theirs, or ours in
//! `served.rs`.

use std::{
    error::Error as StdError,
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    time::Duration,
};

use futures_util::future::join_all;
use serde_json::Value;
use tinyrpc::{Blob, Caller, Code, Error, RpcError};

type Tried = Result<(), Box<dyn StdError>>;

/// Plain calls, before and behind a hello.
pub(crate) async fn plain_calls(caller: &Caller) -> Tried {
    for extended in [false, true] {
        assert_eq!(caller.is_extended(), extended);
        assert_eq!(caller.call::<_, i64>("add", (20, 22)).await?, 42);
        let error = caller.call::<_, Value>("fail", ()).await.expect_err("it fails");
        failed(&error);
        caller.extend().await?;
    }
    Ok(())
}

/// Streams of their handlers.
pub(crate) async fn server_streams(caller: &Caller) -> Tried {
    assert_eq!(numbers(caller, "numbers", (1000,)).await?, (0..1000).collect::<Vec<_>>());
    assert!(numbers(caller, "numbers", (0,)).await?.is_empty());
    let mut blobs = caller.stream::<_, Blob>("blobs", (40, 30_000)).await?;
    for n in 0..40 {
        let blob = blobs.next().await.expect("a value")?;
        assert!(*blob == vec![n; 30_000], "value {n}");
    }
    assert!(blobs.next().await.is_none());
    // A method that answers by one value, and one that is not asked for a stream.
    let mut sum = caller.stream::<_, i64>("add", (1, 2)).await?;
    assert_eq!(sum.next().await.expect("a value")?, 3);
    assert!(sum.next().await.is_none());
    assert_eq!(caller.call::<_, Vec<i64>>("numbers", (3,)).await?, [0, 1, 2]);
    Ok(())
}

/// An error behind values.
pub(crate) async fn errors_in_a_stream(caller: &Caller) -> Tried {
    let mut values = caller.stream::<_, i64>("breaks", (100,)).await?;
    for n in 0..100 {
        assert_eq!(values.next().await.expect("a value")?, n);
    }
    failed(&values.next().await.expect("the error").expect_err("it fails"));
    assert!(values.next().await.is_none());
    failed(&caller.call::<_, Value>("breaks", (3,)).await.expect_err("it fails"));
    let mut values = caller.stream::<_, i64>("nosuch", ()).await?;
    let error = values.next().await.expect("the error").expect_err("it is not there");
    assert_eq!(error.as_rpc().expect("an answer").code, Code::METHOD_NOT_FOUND);
    Ok(())
}

/// Values, an error and nothing into a call.
pub(crate) async fn client_streams(caller: &Caller) -> Tried {
    let (values, sum) = caller.upload::<_, i64, i64>("sum", ()).await?;
    for n in 0..1000 {
        values.send(n).await?;
    }
    values.close();
    assert_eq!(sum.await?, 499_500);
    assert_eq!(caller.call::<_, i64>("sum", ()).await?, 0);

    let (values, caught) = caller.upload::<_, i64, (i64, i64, String)>("caught", ()).await?;
    values.send(1).await?;
    values.fail(RpcError::new(Code(5), "enough"));
    assert_eq!(caught.await?, (1, 5, "enough".to_owned()));

    let (values, caught) = caller.upload::<_, i64, (i64, i64, String)>("caught", ()).await?;
    values.send(1).await?;
    drop(values);
    let (came, code, _) = caught.await?;
    assert_eq!((came, code), (1, Code::CANCELLED.0));
    Ok(())
}

/// A handler that says that it wants no more, and then answers.
pub(crate) async fn unread_values(caller: &Caller) -> Tried {
    let (values, first) = caller.upload::<_, i64, Vec<i64>>("first", (3,)).await?;
    let mut n = 0;
    while values.send(n).await.is_ok() {
        n += 1;
    }
    assert_eq!(first.await?, [0, 1, 2]);
    Ok(())
}

/// Values there and back.
pub(crate) async fn duplex(caller: &Caller) -> Tried {
    let (values, mut doubled) = caller.duplex::<_, i64, i64>("double", ()).await?;
    for n in 0..500 {
        values.send(n).await?;
        assert_eq!(doubled.next().await.expect("a value")?, 2 * n);
    }
    values.close();
    assert!(doubled.next().await.is_none());
    Ok(())
}

/// A stream that is not read: its producer has sent what was granted, and no more.
pub(crate) async fn slow_reader(caller: &Caller) -> Tried {
    for (items, bytes, most) in [(4, 1 << 20, 4), (1000, 1000, 10)] {
        // A value takes 102 bytes.
        let mut values = caller.stream::<_, Blob>("endless", (100,)).window(items, bytes).await?;
        while caller.call::<_, u32>("sent", ()).await? < most {}
        for _ in 0..20 {
            caller.call::<_, ()>("nothing", ()).await?;
        }
        assert_eq!(caller.call::<_, u32>("sent", ()).await?, most);
        // Read on, and it goes on.
        for _ in 0..3 * most {
            assert_eq!(values.next().await.expect("a value")?.len(), 100);
        }
        drop(values);
        running(caller, 0).await?;
    }
    Ok(())
}

/// A handler that does not read: we send what it granted, `most`, and no more.
pub(crate) async fn slow_handler(caller: &Caller, most: u32) -> Tried {
    let (values, held) = caller.upload::<_, u8, u32>("hold", ()).await?;
    for _ in 0..most {
        values.send(7).await?;
    }
    let more = tokio::spawn(async move {
        for _ in 0..2 * most {
            values.send(7).await.map_err(|error| error.to_string())?;
        }
        values.close();
        Ok::<_, String>(())
    });
    for _ in 0..20 {
        caller.call::<_, ()>("nothing", ()).await?;
    }
    assert!(!more.is_finished());
    caller.call::<_, ()>("release", ()).await?;
    more.await??;
    assert_eq!(held.await?, 3 * most);
    Ok(())
}

/// Results, requests and values of `size` bytes, and small calls meanwhile.
pub(crate) async fn chunks(caller: &Caller, size: usize) -> Tried {
    caller.extend().await?;
    let data = made(size);
    let result = async {
        let made: Blob = caller.call("make", (size,)).await?;
        assert!(*made == data);
        Ok::<_, Box<dyn StdError>>(())
    };
    assert!(meanwhile(caller, result).await? > size >> 20);
    let request = async {
        let blob = Blob::from(data.clone());
        let (length, sum) = caller.call::<_, (usize, u32)>("digest", (blob,)).await?;
        assert_eq!((length, sum), (size, checksum(&data)));
        Ok(())
    };
    assert!(meanwhile(caller, request).await? > size >> 20);
    let values = async {
        let mut blobs = caller.stream::<_, Blob>("blobs", (2, size)).await?;
        for n in 0..2 {
            assert!(*blobs.next().await.expect("a value")? == vec![n; size]);
        }
        Ok(())
    };
    assert!(meanwhile(caller, values).await? > size >> 20);
    Ok(())
}

/// Makes small calls until it is done; how many were answered.
async fn meanwhile(
    caller: &Caller,
    large: impl Future<Output = Tried>,
) -> Result<usize, Box<dyn StdError>> {
    let done = AtomicBool::new(false);
    let large = async {
        let tried = large.await;
        done.store(true, SeqCst);
        tried
    };
    let small = async {
        let mut answered = 0;
        while !done.load(SeqCst) {
            assert_eq!(caller.call::<_, usize>("add", (answered, 1)).await?, answered + 1);
            answered += 1;
        }
        Ok::<_, Error>(answered)
    };
    let (large, small) = tokio::join!(large, small);
    large?;
    Ok(small?)
}

/// A thousand streams that are dropped half-way: their handlers end.
pub(crate) async fn dropped_streams(caller: &Caller) -> Tried {
    let one = async |n: usize| {
        match n % 4 {
            0 => {
                let mut values = caller.stream::<_, Blob>("endless", (100,)).await?;
                for _ in 0..n % 7 {
                    values.next().await.expect("a value")?;
                }
            }
            1 => {
                let (values, mut doubled) = caller.duplex::<_, usize, usize>("double", ()).await?;
                values.send(n).await?;
                assert_eq!(doubled.next().await.expect("a value")?, 2 * n);
            }
            2 => {
                let mut values = caller.stream::<_, usize>("numbers", (200,)).await?;
                assert_eq!(values.next().await.expect("a value")?, 0);
            }
            _ => {
                let (values, waiting) = caller.upload::<_, usize, ()>("wait", ()).await?;
                values.send(n).await?;
                drop(waiting);
            }
        }
        Ok::<_, Box<dyn StdError>>(())
    };
    for round in 0..10 {
        for tried in join_all((0..100).map(|n| one(round * 100 + n))).await {
            tried?;
        }
    }
    Ok(running(caller, 0).await?)
}

/// A call that is dropped, and one whose time runs out.
pub(crate) async fn cancelled_calls(caller: &Caller) -> Tried {
    caller.extend().await?;
    let call = caller.call::<_, ()>("wait", ()).send().await?;
    running(caller, 1).await?;
    drop(call);
    running(caller, 0).await?;
    let call = caller.call::<_, ()>("wait", ()).timeout(Duration::from_millis(10));
    let error = call.await.expect_err("nobody answers");
    // Whichever side notices first.
    let theirs = error.as_rpc().is_some_and(|error| error.code == Code::DEADLINE);
    assert!(error.is_timeout() || theirs, "{error}");
    running(caller, 0).await?;
    Ok(())
}

/// What the handler sees of our time, and of what is left of it in the calls in its call.
pub(crate) async fn deadlines(caller: &Caller) -> Tried {
    caller.extend().await?;
    // Less than the 30 s of a call that says nothing.
    let time = Duration::from_secs(20);
    let left: Option<u64> = caller.call("remaining", ()).timeout(time).await?;
    assert!(matches!(left, Some(10_000..=20_000)), "{left:?}");
    let nested = ("ask", ("remaining", [(); 0]));
    let left: Option<u64> = caller.call("ask", nested).timeout(time).await?;
    assert!(matches!(left, Some(10_000..=20_000)), "{left:?}");
    Ok(())
}

/// They call us in our call, and we them in theirs; also for each value of a stream.
pub(crate) async fn nested_calls(caller: &Caller) -> Tried {
    caller.extend().await?;
    assert_eq!(caller.call::<_, i64>("ask", ("add", (1, 2))).await?, 3);
    assert_eq!(
        numbers(caller, "asked", ("add", 100)).await?,
        (0..100).map(|n| 2 * n).collect::<Vec<i64>>()
    );
    assert_eq!(caller.call::<_, u32>("deeper", (32,)).await?, 32);
    let error = caller.call::<_, u32>("deeper", (33,)).await.expect_err("too deep");
    assert_eq!(error.as_rpc().map(|error| error.code), Some(Code::REFUSED), "{error}");
    Ok(())
}

/// All values of a stream of numbers.
async fn numbers(
    caller: &Caller,
    method: &str,
    params: impl serde::Serialize + Send,
) -> Result<Vec<i64>, Error> {
    let mut values = caller.stream::<_, i64>(method, params).await?;
    let mut all = Vec::new();
    while let Some(value) = values.next().await {
        all.push(value?);
    }
    Ok(all)
}

/// Waits until so many of their handlers run.
async fn running(caller: &Caller, expected: u32) -> Result<(), Error> {
    while caller.call::<_, u32>("running", ()).await? != expected {}
    Ok(())
}

fn failed(error: &Error) {
    let rpc = error.as_rpc().unwrap_or_else(|| panic!("no answer: {error}"));
    assert_eq!((rpc.code, &*rpc.message), (Code(17), "it failed"));
    assert_eq!(rpc.data::<(String, i64)>().expect("data"), Some(("why".to_owned(), 4711)));
}

/// Bytes that are not all alike.
pub(crate) fn made(size: usize) -> Vec<u8> {
    (0..=255).cycle().take(size).collect()
}

/// Adler-32.
pub(crate) fn checksum(data: &[u8]) -> u32 {
    let (a, b) = data.iter().fold((1, 0), |(a, b), &byte| {
        let a = (a + u32::from(byte)) % 65521;
        (a, (b + a) % 65521)
    });
    b << 16 | a
}
