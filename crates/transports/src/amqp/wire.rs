//! `Wire`: the bytes of a connection to a broker, made as all our connections are.

use std::{
    io::{self, Read, Write},
    net::SocketAddr,
    time::{Duration, Instant},
};

use async_rs::{
    Runtime, Tokio,
    traits::Reactor,
    util::{DummyIO, RuntimeParts},
};
use futures_util::Stream;
use lapin::tcp::AsyncTcpStream;
use tinyrpc_core::Limits;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt};

use super::target::Target;
use crate::tcp::{KeepAlive, dial};

/// A runtime for the library, whose connections may be encrypted by us.
pub(super) type Kit = RuntimeParts<Tokio, Wires>;

/// Over TCP, or over TLS over that.
pub(super) type Wire = Compat<Box<dyn Bytes>>;

pub(super) trait Bytes: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Bytes for T {}

/// The runtime that this is called in.
pub(super) fn runtime() -> Runtime<Kit> {
    Runtime::new(RuntimeParts::new(Tokio::current(), Wires(Tokio::current())))
}

/// Connects to the broker of a target.
pub(super) async fn connect(target: Target, limits: Limits) -> io::Result<AsyncTcpStream<Wire>> {
    let authority = &target.uri.authority;
    let (host, port) = (&*authority.host, authority.port);
    let (stream, _) = dial((host, port), KeepAlive::of(&limits)).await?;
    #[cfg(feature = "tls")]
    if let Some(tls) = &target.tls {
        let stream = crate::tls::shake(stream, host, tls, limits.handshake).await?;
        return Ok(AsyncTcpStream::Plain(wire(stream)));
    }
    Ok(AsyncTcpStream::Plain(wire(stream)))
}

fn wire(stream: impl Bytes + 'static) -> Wire {
    let stream: Box<dyn Bytes> = Box::new(stream);
    stream.compat()
}

/// What the library asks a runtime for, beside tasks.
#[derive(Clone, Debug)]
pub(super) struct Wires(Tokio);

impl Reactor for Wires {
    type TcpStream = Wire;
    type Sleep = <Tokio as Reactor>::Sleep;

    #[expect(refining_impl_trait_internal, reason = "it is never asked for")]
    fn register<H: Read + Write + Send + 'static>(&self, _: H) -> io::Result<DummyIO> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn sleep(&self, time: Duration) -> Self::Sleep {
        self.0.sleep(time)
    }

    fn interval(&self, time: Duration) -> impl Stream<Item = Instant> + Send + 'static {
        self.0.interval(time)
    }

    #[expect(clippy::manual_async_fn, reason = "the future has to outlive the reactor")]
    fn tcp_connect_addr(
        &self,
        address: SocketAddr,
    ) -> impl Future<Output = io::Result<Self::TcpStream>> + Send + 'static {
        async move { Ok(wire(dial(address, KeepAlive::default()).await?.0)) }
    }
}
