//! Everything that can be a method, in every format.

use std::{future::Future, pin::Pin, sync::Arc};

use serde::Serialize;
use tinyrpc_core::{Code, RpcError};

use crate::{Context, Dispatcher, testing::check};

/// An error of an application.
struct Broke {
    missing: i64,
}

impl From<Broke> for RpcError {
    fn from(broke: Broke) -> Self {
        Self::new(Code(17), format!("{} is missing", broke.missing))
    }
}

fn plain(a: i64) -> i64 {
    a
}

fn fallible(a: i64) -> Result<i64, Broke> {
    if a < 0 { Err(Broke { missing: -a }) } else { Ok(a) }
}

fn with_context(context: Context, a: i64) -> Result<String, RpcError> {
    Ok(format!("{}({a})", context.method()))
}

async fn awaited(a: i64) -> i64 {
    a
}

async fn awaited_fallible(a: i64) -> Result<i64, Broke> {
    fallible(a)
}

async fn awaited_with_context(context: Context, a: i64) -> Result<String, RpcError> {
    with_context(context, a)
}

#[test]
fn functions() {
    let service = Dispatcher::new()
        .method("plain", plain)
        .method("fallible", fallible)
        .method("with_context", with_context)
        .method("awaited", awaited)
        .method("awaited_fallible", awaited_fallible)
        .method("awaited_with_context", awaited_with_context);
    check(&service, "plain", "[1]", "1");
    check(&service, "fallible", "[1]", "1");
    check(&service, "fallible", "[-1]", "17: 1 is missing");
    check(&service, "with_context", "[1]", r#""with_context(1)""#);
    check(&service, "awaited", "[1]", "1");
    check(&service, "awaited_fallible", "[-1]", "17: 1 is missing");
    check(&service, "awaited_with_context", "[1]", r#""awaited_with_context(1)""#);
    check(&service, "awaited_with_context", "[]", "-32602: missing param 1: expected i64");
}

#[test]
fn closures() {
    let state = Arc::new(String::from("state "));
    let (first, second) = (Arc::clone(&state), Arc::clone(&state));
    let service = Dispatcher::new()
        .method("plain", |a: i64, b: i64| a + b)
        .method("state", move |text: String| format!("{first}{text}"))
        .method("fallible", |a: i64| -> Result<(), Broke> { Err(Broke { missing: a }) })
        .method("question", |a: i64| {
            fallible(a)?;
            Ok::<_, Broke>("fine")
        })
        .method("nothing", || ())
        .method("context", |_: Context| ())
        .method("async", async |a: i64| a + 1)
        .method("async_context", async |_: Context, a: i64| -> Result<i64, Broke> { Ok(a) })
        .method("future", move |text: String| {
            let state = Arc::clone(&second);
            async move { format!("{state}{text}") }
        })
        .method("boxed", |a: i64| -> Pin<Box<dyn Future<Output = i64> + Send>> {
            Box::pin(async move { a })
        })
        .method("pointer", plain as fn(i64) -> i64);
    check(&service, "plain", "[1, 2]", "3");
    check(&service, "state", r#"["x"]"#, r#""state x""#);
    check(&service, "fallible", "[7]", "17: 7 is missing");
    check(&service, "question", "[1]", r#""fine""#);
    check(&service, "question", "[-1]", "17: 1 is missing");
    check(&service, "nothing", "", "null");
    check(&service, "context", "", "null");
    check(&service, "async", "[1]", "2");
    check(&service, "async_context", "[1]", "1");
    check(&service, "future", r#"["x"]"#, r#""state x""#);
    check(&service, "boxed", "[1]", "1");
    check(&service, "pointer", "[1]", "1");
}

#[test]
fn a_result_that_does_not_encode_is_an_error() {
    /// Says no.
    struct Stubborn;

    impl Serialize for Stubborn {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("no"))
        }
    }

    let service = Dispatcher::new()
        .method("direct", || Stubborn)
        .method("awaited", async || Ok::<_, RpcError>(Stubborn));
    check(&service, "direct", "", "-32013: the result cannot be encoded: no");
    check(&service, "awaited", "", "-32013: the result cannot be encoded: no");
}

/// `String` is `Serialize`, but no `RpcError` can be made of it.
#[test]
#[should_panic(expected = "would send its errors as results")]
fn a_result_is_never_a_value() {
    drop(Dispatcher::new().method("bad", |a: i64| -> Result<i64, String> { Ok(a) }));
}

#[test]
#[should_panic(expected = "would send its errors as results")]
fn an_awaited_result_is_never_a_value() {
    drop(Dispatcher::new().method("bad", async || -> Result<i64, String> { Ok(1) }));
}
