//! Clients and servers for programs of threads, without async in sight.
//!
//! ```
//! use tinyrpc::{Dispatcher, blocking};
//!
//! let calc = Dispatcher::new().method("add", |a: i64, b: i64| a + b);
//! let server = blocking::Server::new(calc).listen("tcp://127.0.0.1:0")?;
//!
//! let client = blocking::connect(format!("jsonrpc+{}", server.addresses()[0]))?;
//! let five: i64 = client.call("add", (2, 3))?;
//! assert_eq!(five, 5);
//! server.shutdown();
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! A [`Client`] is shared by as many threads as like: their calls travel side by side on one
//! connection, and each thread sleeps until its own answer is there.
//!
//! # Threads
//!
//! One thread drives all connections of the process that were made here; it begins with the first
//! of them. A thread for each connection would cost a thousand clients a thousand threads, and this
//! one does nothing but move bytes: plain functions run on the threads of one
//! [`BlockingPool`](crate::BlockingPool) of the process, where they may block. A method that never
//! blocks is faster where it is received, and says so by
//! [`inline`](crate::Dispatcher::inline). Async functions run there in any case: they must not
//! block. With [`ClientBuilder::runtime`](crate::ClientBuilder::runtime) and
//! [`ClientBuilder::blocking_pool`](crate::ClientBuilder::blocking_pool), and those of the
//! [`Server`](crate::Server), a connection has other threads.
//!
//! # Calling back
//!
//! A handler calls its own peer by [`peer`], also while the peer waits for it. It gives its place
//! in the pool back meanwhile, so that two programs that call each other do not starve.
//!
//! ```
//! use tinyrpc::{Context, Dispatcher, RpcError, blocking};
//!
//! let service = Dispatcher::new().method("greet", |context: Context, greeting: String| {
//!     let name: String = blocking::peer(&context).call("name", ()).map_err(RpcError::internal)?;
//!     Ok::<_, RpcError>(format!("{greeting}, {name}"))
//! });
//! ```
//!
//! # Streams
//!
//! [`Caller::stream`], [`Caller::upload`] and [`Caller::duplex`] are those of
//! [`tinyrpc::Caller`](crate::Caller), with iterators that wait. A handler reads what is sent into its
//! call by [`input`], and gives an iterator that may block as its stream by [`values`].
//!
//! ```
//! use tinyrpc::{Context, Dispatcher, RpcError, blocking};
//!
//! let service = Dispatcher::new()
//!     .stream("count", |context: Context, to: u64| blocking::values(&context, 1..=to))
//!     .method("sum", |context: Context| {
//!         blocking::input::<u64>(&context).sum::<Result<u64, RpcError>>()
//!     });
//! let server = blocking::Server::new(service).listen("tcp://127.0.0.1:0")?;
//! let client = blocking::connect(format!("msgpack+{}", server.addresses()[0]))?;
//!
//! let (numbers, sum) = client.upload::<u64, u64>("sum", ())?;
//! for number in client.stream::<u64>("count", (3,))? {
//!     numbers.send(number?)?;
//! }
//! numbers.close();
//! assert_eq!(sum.wait()?, 6);
//! server.shutdown();
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! # In async programs
//!
//! Everything here may be called on a thread of an async runtime, and blocks it. Only what could
//! never end is refused: a handler that runs where requests are received, and waits there for what
//! the same thread would have to do.

mod background;
mod batch;
mod caller;
mod client;
mod each;
mod input;
mod items;
mod park;
mod round;
mod sender;
mod server;
mod subscription;
mod values;
mod wait;

pub use self::{
    batch::Batch,
    caller::{Caller, Sent, peer},
    client::Client,
    input::{Input, input},
    items::Items,
    sender::Sender,
    server::{Server, ServerHandle},
    subscription::Subscription,
    values::{Values, values},
    wait::wait,
};
use crate::{Service, SetupError};

/// Serves a service on the address of a URL, until the server is shut down from elsewhere (never,
/// unless the process ends).
///
/// # Errors
///
/// The URL is wrong or the address cannot be listened on.
pub fn serve(url: impl AsRef<str>, service: impl Service + 'static) -> Result<(), SetupError> {
    Server::new(service).listen(url)?.wait();
    Ok(())
}

/// Connects to the address of a URL.
///
/// # Errors
///
/// The URL is wrong or nobody listens there.
pub fn connect(url: impl AsRef<str>) -> Result<Client, SetupError> {
    Client::connect(url)
}
