//! The demo: methods to try a client on.

mod number;
mod raw;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use self::number::Number;
use tinyrpc::{
    Context, Dispatcher, Invocation, Payload, PayloadRef, Produced, ReplyTo, RpcError, Service,
    Started, produce,
};

/// The demo as a service.
pub(crate) fn service() -> impl Service {
    let typed = Dispatcher::new()
        .method("add", add)
        .params(["a", "b"])
        .method("sleep", sleep)
        .params(["seconds"])
        .method("panic", panic)
        .method("time", time)
        .stream("count", count)
        .params(["to", "seconds"])
        .method("sum", sum)
        .stream("totals", totals);
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

/// 1 to `to`, so many seconds apart.
fn count(to: u64, seconds: Option<f64>) -> Result<Produced<u64, RpcError>, RpcError> {
    let pause = Duration::try_from_secs_f64(seconds.unwrap_or_default())
        .map_err(|error| RpcError::invalid_params(format!("seconds: {error}")))?;
    Ok(produce(move |out| async move {
        for number in 1..=to {
            if number > 1 && !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
            out.send(number).await;
        }
        Ok(())
    }))
}

/// The sum of the numbers that are sent.
async fn sum(context: Context) -> Result<Number, RpcError> {
    let (mut numbers, mut sum) = (context.input::<Number>(), Number::ZERO);
    while let Some(number) = numbers.next().await {
        sum = sum.plus(number?)?;
    }
    Ok(sum)
}

/// The sum so far, behind each number that is sent.
fn totals(context: Context) -> Produced<Number, RpcError> {
    produce(move |out| async move {
        let (mut numbers, mut sum) = (context.input::<Number>(), Number::ZERO);
        while let Some(number) = numbers.next().await {
            sum = sum.plus(number?)?;
            out.send(sum).await;
        }
        Ok(())
    })
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
