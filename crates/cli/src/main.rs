//! The command `tinyrpc`: calls and serves RPC methods from a shell.
//!
//! What scripts may rely on is written in the README of this crate; the tests hold it to that.

mod call;
mod certificates;
mod command;
mod completions;
mod demo;
mod exit;
mod failure;
mod headers;
mod hints;
mod json;
mod notify;
mod output;
mod params;
mod parts;
mod plain;
mod scheme;
mod secrets;
mod serve;
mod shown;
mod signals;
mod target;
#[cfg(feature = "msgpack")]
mod typed;
mod wire;

use std::process::ExitCode;

use self::{
    command::{Cli, Command},
    exit::Exit,
    failure::Failure,
};

fn main() -> ExitCode {
    let outcome = match Cli::read().command {
        Command::Call(call) => run(call::run(&call)),
        Command::Notify(notify) => run(notify::run(&notify)),
        Command::Serve(serve) => run(serve::run(&serve)),
        Command::Completions { shell } => completions::run(shell),
    };
    let exit = match outcome {
        Ok(()) => Exit::Answered,
        Err(failure) => failure.report(),
    };
    exit.into()
}

/// Runs a command to its end. One thread is enough: the handlers of the demo never block.
fn run(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime
        .map_err(|error| Failure::no_answer(format!("the runtime cannot start: {error}")))?;
    let outcome = runtime.block_on(command);
    // A look-up of a name may still wait for its answer in another thread: nobody needs it.
    runtime.shutdown_background();
    outcome
}
