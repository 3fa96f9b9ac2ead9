//! `Values`: an iterator that blocks, as the stream of a handler.

use std::{
    any::Any,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use futures_channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures_util::{Stream, StreamExt};
use tinyrpc_core::Runtime;

/// Makes a stream of an iterator that may block, for a method that streams.
///
/// The iterator runs on the threads that the runtime of the connection has for blocking work, and at
/// most 32 values ahead of what was sent: while the caller does not read, it holds no thread. These
/// threads do not count in a [`BlockingPool`](crate::BlockingPool); there is at most one for a call.
///
/// A caller that gives up has the iterator dropped as soon as it gives its next value. An iterator
/// that panics ends the call with an internal error.
///
/// ```
/// use tinyrpc::{Context, Dispatcher, RpcError, blocking};
///
/// let service = Dispatcher::new().stream("folder", |context: Context, path: String| {
///     let entries = std::fs::read_dir(path).map_err(RpcError::internal)?;
///     Ok::<_, RpcError>(blocking::values(&context, entries.map(|entry| {
///         entry.map(|entry| entry.path()).map_err(RpcError::internal)
///     })))
/// });
/// ```
pub fn values<I>(context: &crate::Context, values: I) -> Values<I::IntoIter>
where
    I: IntoIterator<IntoIter: Send + 'static, Item: Send + 'static>,
{
    let runtime = context.scope().runtime.clone();
    Values { runtime, state: State::Resting(values.into_iter()) }
}

/// The stream of what an iterator gives. See [`values`].
#[must_use = "a stream does nothing until it is polled"]
pub struct Values<I: Iterator> {
    runtime: Option<Arc<dyn Runtime>>,
    state: State<I>,
}

enum State<I: Iterator> {
    /// Nobody asks it for values.
    Resting(I),
    /// A thread does.
    Running(UnboundedReceiver<Step<I>>),
    Over,
}

/// What comes from the thread.
enum Step<I: Iterator> {
    Value(I::Item),
    /// It has run far enough ahead.
    Rest(I),
    End,
    Panic(Box<dyn Any + Send>),
}

impl<I> Values<I>
where
    I: Iterator<Item: Send + 'static> + Send + 'static,
{
    /// Has a thread ask for the next values.
    #[track_caller]
    fn run(&self, values: I) -> UnboundedReceiver<Step<I>> {
        let (sender, steps) = unbounded();
        match &self.runtime {
            Some(runtime) => runtime.spawn_blocking(Box::new(move || ask(values, &sender))),
            None => panic!("the connection has no runtime, and so no thread that may block"),
        }
        steps
    }
}

/// Asks an iterator for values, as long as somebody takes them.
fn ask<I: Iterator>(mut values: I, sender: &UnboundedSender<Step<I>>) {
    for _ in 0..AHEAD {
        let step = match catch_unwind(AssertUnwindSafe(|| values.next())) {
            Ok(Some(value)) => Step::Value(value),
            Ok(None) => Step::End,
            Err(panic) => Step::Panic(panic),
        };
        let goes_on = matches!(step, Step::Value(_));
        if sender.unbounded_send(step).is_err() || !goes_on {
            return;
        }
    }
    _ = sender.unbounded_send(Step::Rest(values));
}

impl<I> Stream for Values<I>
where
    I: Iterator<Item: Send + 'static> + Send + 'static,
{
    type Item = I::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<I::Item>> {
        let this = self.get_mut();
        loop {
            let State::Running(steps) = &mut this.state else {
                match std::mem::replace(&mut this.state, State::Over) {
                    State::Resting(values) => this.state = State::Running(this.run(values)),
                    _ => return Poll::Ready(None),
                }
                continue;
            };
            match ready!(steps.poll_next_unpin(cx)) {
                Some(Step::Value(value)) => return Poll::Ready(Some(value)),
                Some(Step::Rest(values)) => this.state = State::Resting(values),
                Some(Step::End) => {
                    this.state = State::Over;
                    return Poll::Ready(None);
                }
                Some(Step::Panic(panic)) => {
                    this.state = State::Over;
                    resume_unwind(panic)
                }
                // A part must not be taken for the whole.
                None => panic!("the runtime has no thread for this stream"),
            }
        }
    }
}

// Nothing in it is ever pinned.
impl<I: Iterator> Unpin for Values<I> {}

impl<I: Iterator> fmt::Debug for Values<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_over = matches!(self.state, State::Over);
        f.debug_struct("Values").field("is_over", &is_over).finish_non_exhaustive()
    }
}

/// How many values a thread asks for, before it sees whether they are wanted.
const AHEAD: u32 = 32;
