//! The web: who is let in over HTTP, what is answered, and what attacks must not do.
//!
//! The requests are bytes written by hand, sent to a server over real sockets.

#![cfg(all(feature = "http", feature = "ws", feature = "tls"))]

#[path = "../support/certificates.rs"]
mod certificates;
#[path = "../support/raw.rs"]
mod raw;
#[path = "../support/smuggling.rs"]
mod vectors;
#[path = "../support/wire.rs"]
mod wire;

mod cgi;
mod frames;
mod hosts;
mod lines;
mod living;
mod login;
mod media;
mod methods;
mod mounted;
mod origins;
mod secure;
mod shop;
mod slow;
mod smuggling;
mod socket;
mod statuses;
mod streams;

fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(raw::soon(future))
}
