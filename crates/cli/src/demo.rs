//! The demo: methods to try a client on.

mod number;
mod raw;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use self::number::Number;
use tinyrpc::{Dispatcher, Invocation, Payload, PayloadRef, ReplyTo, RpcError, Service, Started};

/// The demo as a service.
pub(crate) fn service() -> impl Service {
    let typed = Dispatcher::new()
        .method("add", add)
        .params(["a", "b"])
        .method("sleep", sleep)
        .params(["seconds"])
        .method("panic", panic)
        .method("time", time);
    Demo { typed }
}

/// Typed methods, and two that hand values on as the bytes they came as: no type holds everything
/// that a peer can send.
#[derive(Debug)]
struct Demo {
    typed: Dispatcher,
}

impl Service for Demo {
    fn start(&self, invocation: &mut Invocation<'_, '_>, reply: &mut ReplyTo<'_>) -> Started {
        let params = invocation.request.params;
        match invocation.method {
            "echo" => match echo(params) {
                Ok(value) => reply.payload(value),
                Err(error) => reply.error(&error),
            },
            "fail" => match fail(params) {
                Ok(error) | Err(error) => reply.error(&error),
            },
            _ => return self.typed.start(invocation, reply),
        }
        Started::Done
    }

    fn has_method(&self, name: &str) -> bool {
        matches!(name, "echo" | "fail") || self.typed.has_method(name)
    }
}

fn add(a: Number, b: Number) -> Result<Number, RpcError> {
    a.plus(b)
}

async fn sleep(seconds: f64) -> Result<(), RpcError> {
    let duration = Duration::try_from_secs_f64(seconds)
        .map_err(|error| RpcError::invalid_params(format!("seconds: {error}")))?;
    tokio::time::sleep(duration).await;
    Ok(())
}

fn panic() {
    panic!("the demo panics, as it was asked to");
}

fn time() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

fn echo(params: PayloadRef<'_>) -> Result<PayloadRef<'_>, RpcError> {
    let [value] = raw::params(params, ["value"])?;
    value.ok_or_else(|| RpcError::invalid_params("missing param `value`"))
}

/// The error that was asked for.
fn fail(params: PayloadRef<'_>) -> Result<RpcError, RpcError> {
    let [code, message, data] = raw::params(params, ["code", "message", "data"])?;
    let (code, message): (i64, String) =
        (raw::typed(code, "code")?, raw::typed(message, "message")?);
    let error = RpcError::new(code, message);
    Ok(match data.map(PayloadRef::to_payload) {
        Some(data) => error.with_payload(Payload::detach(data)),
        None => error,
    })
}
