//! Layers that most services want.

mod concurrency;
mod end;
mod hooks;
mod timeout;
mod trace;
mod watched;

pub use self::{
    concurrency::{Concurrency, ConcurrencyLayer},
    end::End,
    hooks::{Finished, Hooks, HooksLayer},
    timeout::{Timeout, TimeoutLayer},
    trace::{Trace, TraceLayer},
};
