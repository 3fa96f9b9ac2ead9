//! The methods that both sides serve; each notes in the ledger that it was begun and finished.

use std::{panic::resume_unwind, sync::Arc, time::Duration};

use tinyrpc::{Context, Dispatcher, Error, RpcError};
use tokio::time::sleep;

use crate::{
    check::FAILURE,
    ledger::{Execution, Ledger, Maker},
};

/// | method | what it does |
/// |---|---|
/// | `ready` | answers at once |
/// | `echo` | answers with the text that it was given |
/// | `note` | is for notifications |
/// | `later`, `away` | answers after so many microseconds, the second one in a task of its own |
/// | `block` | answers at once, on a thread for what blocks |
/// | `never` | goes on for as long as its connection |
/// | `fail`, `panic`, `panic_later` | what they say |
/// | `back` | calls its caller, so many calls deep, and answers |
pub(crate) fn service(ledger: &Arc<Ledger>) -> Dispatcher {
    // Each method has the ledger for itself.
    let book = || {
        let ledger = Arc::clone(ledger);
        move |number| ledger.begin(number)
    };
    let (ready, echo, note, later, never) = (book(), book(), book(), book(), book());
    let (fail, panic, panic_later, away, block) = (book(), book(), book(), book(), book());
    let ledger = Arc::clone(ledger);
    Dispatcher::new()
        .method("ready", move |number: u64| ready(number).finish())
        .method("echo", move |number: u64, text: String| (echo(number).finish(), text))
        .method("note", move |number: u64| _ = note(number).finish())
        .method("later", move |number: u64, micros: u64| work(later(number), micros))
        .method("away", move |number: u64, micros: u64| work(away(number), micros))
        .spawned()
        .method("block", move |number: u64| block(number).finish())
        .blocking()
        .method("never", move |number: u64| work(never(number), u64::MAX))
        .method("fail", move |number: u64| -> Result<(), RpcError> {
            fail(number).finish();
            Err(RpcError::new(FAILURE, "it was asked to"))
        })
        .method("panic", move |number: u64| {
            let _execution = panic(number);
            explode()
        })
        .method("panic_later", move |number: u64, micros: u64| {
            let execution = panic_later(number);
            async move {
                let _execution = execution;
                sleep(Duration::from_micros(micros)).await;
                explode()
            }
        })
        .method("back", move |context: Context, number: u64, depth: u32, millis: u64| {
            back(Arc::clone(&ledger), context, number, depth, millis)
        })
}

async fn work(execution: Execution, micros: u64) -> u64 {
    match micros {
        0 => tokio::task::yield_now().await,
        u64::MAX => std::future::pending().await,
        _ => sleep(Duration::from_micros(micros)).await,
    }
    execution.finish()
}

async fn back(ledger: Arc<Ledger>, context: Context, number: u64, depth: u32, millis: u64) -> u64 {
    let execution = ledger.begin(number);
    let timeout = Duration::from_millis(millis);
    let (method, maker) = match depth {
        0 => ("ready", Maker::Handler(number as usize)),
        _ => ("back", Maker::Handler(number as usize)),
    };
    let made = ledger.make(method, maker, timeout);
    let inner = made.number();
    let answer: Result<u64, Error> = match depth {
        0 => context.peer().call(method, (inner,)).timeout(timeout).await,
        _ => {
            let params = (inner, depth - 1, millis);
            context.peer().call(method, params).timeout(timeout).await
        }
    };
    _ = made.end(&answer);
    execution.finish()
}

/// Panics without a word: there will be thousands.
fn explode() -> u64 {
    resume_unwind(Box::new("asked to"))
}
