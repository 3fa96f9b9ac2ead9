//! Layers that most services want.

mod concurrency;
mod timeout;
mod trace;

pub use self::{
    concurrency::{Concurrency, ConcurrencyLayer},
    timeout::{Timeout, TimeoutLayer},
    trace::{Trace, TraceLayer},
};
