//! `Dial`: the connections of a pool.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use http::Uri;
use hyper_util::rt::TokioIo;
use tinyrpc_core::Limits;
use tokio::time::timeout;
use tower_service::Service;

use super::{Target, client_stream::ClientStream};

/// Connects to one target, whatever URI it is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Dial {
    target: Arc<Target>,
    limits: Arc<Limits>,
    /// A connection that was made to see whether anybody listens.
    first: Arc<Mutex<Option<ClientStream>>>,
}

impl Dial {
    /// Makes the first connection.
    pub(crate) async fn new(
        target: &Target,
        limits: &Arc<Limits>,
    ) -> io::Result<(Self, SocketAddr)> {
        let limits = Arc::clone(limits);
        let dial = Self { target: Arc::new(target.clone()), limits, first: Arc::default() };
        let (stream, address) = dial.dial().await?;
        *dial.first.lock().unwrap_or_else(PoisonError::into_inner) = Some(stream);
        Ok((dial, address))
    }

    async fn dial(&self) -> io::Result<(ClientStream, SocketAddr)> {
        let patience = self.limits.handshake;
        let late = |_| {
            let words = format!("no connection within `handshake` of {patience:?}");
            io::Error::new(io::ErrorKind::TimedOut, words)
        };
        timeout(patience, self.target.dial(&self.limits)).await.map_err(late)?
    }
}

impl Service<Uri> for Dial {
    type Response = TokioIo<ClientStream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _uri: Uri) -> Self::Future {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner).take();
        let dial = self.clone();
        Box::pin(async move {
            let stream = match first {
                Some(stream) => stream,
                None => dial.dial().await?.0,
            };
            Ok(TokioIo::new(stream))
        })
    }
}
