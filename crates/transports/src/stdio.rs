//! Our own standard input and output: what a program that others start speaks to them on.
//!
//! Nothing but the protocol may come out of standard output, whatever a handler or a library prints.
//! So on Unix it is taken away: from then on what is printed goes to standard error, and whoever
//! reads standard input finds its end. Elsewhere a program must not print by itself.

mod outlet;
mod source;
mod taken;

use std::io;

use async_trait::async_trait;
use tinyrpc_core::{Accepted, Connection, Connector, Listener, PeerAddress, Shape};

use self::{outlet::Outlet, source::Source, taken::take};

/// Gives standard input and output as a connection, once.
#[derive(Debug)]
pub struct StdioListener {
    connection: Option<Connection>,
}

impl StdioListener {
    /// Takes standard input and output. Only the first one in a process gets them.
    ///
    /// # Errors
    ///
    /// They are taken already, or closed.
    pub fn bind() -> io::Result<Self> {
        Ok(Self { connection: Some(connection()?) })
    }
}

#[async_trait]
impl Listener for StdioListener {
    async fn accept(&mut self) -> io::Result<Accepted> {
        let ended = || io::Error::new(io::ErrorKind::NotConnected, "there is only one connection");
        self.connection.take().map(Accepted::from).ok_or_else(ended)
    }

    fn address(&self) -> String {
        ADDRESS.into()
    }
}

/// Calls whoever started this process, over standard input and output.
#[derive(Clone, Copy, Debug, Default)]
pub struct StdioConnector;

#[async_trait]
impl Connector for StdioConnector {
    async fn connect(&self) -> io::Result<Connection> {
        connection()
    }

    fn address(&self) -> String {
        ADDRESS.into()
    }
}

/// Takes standard input and output as a transport. Only the first call in a process gets them.
///
/// Each direction has a thread of its own, because the system may know no way to wait for it
/// otherwise. What was taken to be sent is written when the connection is closed, but a process that
/// exits before may leave some of it behind.
///
/// # Errors
///
/// They are taken already, or closed.
pub fn connection() -> io::Result<Connection> {
    let (input, output) = take()?;
    Ok(Connection::new(
        Shape::Stream,
        PeerAddress::Other("stdio".into()),
        Box::new(Source::read(input)?),
        Box::new(Outlet::write(output)?),
    ))
}

const ADDRESS: &str = "stdio:";
