//! `Front`: the HTTP side of one connection, with its deadlines.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tinyrpc_core::Incoming;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, Sleep, sleep_until},
};

use super::{
    desk::{Desk, Stage},
    handler::{Handler, Setup},
    watched::{Count, Watched},
};

/// Reads requests, and writes the answers that it finds at its desk.
///
/// The clocks are our own: hyper's begins anew with each request, and does not tell a peer that
/// is idle between two requests from one that has sent half a head.
pub(crate) struct Front<S> {
    connection: Option<http1::Connection<TokioIo<Watched<S>>, Handler>>,
    desk: Arc<Desk>,
    setup: Arc<Setup>,
    count: Count,
    quiet: Quiet,
    alarm: Option<Pin<Box<Sleep>>>,
}

/// What is waited for between two requests.
#[derive(Clone, Copy, Debug)]
enum Quiet {
    /// A request is being served.
    Busy,
    /// Nothing of the next request came; this many bytes had been read before.
    Idle { read: u64, until: Instant },
    /// A part of its head came.
    Head { until: Instant },
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Front<S> {
    pub(crate) fn new(stream: S, setup: Arc<Setup>) -> Self {
        let (desk, count) = (Arc::<Desk>::default(), Count::default());
        let limits = &setup.limits;
        let handler = Handler::new(Arc::clone(&setup), Arc::clone(&desk));
        let connection = http1::Builder::new()
            .header_read_timeout(None)
            .max_header_size(limits.max_head)
            .max_headers(limits.max_headers)
            .serve_connection(TokioIo::new(Watched::new(stream, &count)), handler);
        // The first head is due at once.
        let quiet = Quiet::Head { until: Instant::now() + limits.handshake };
        Self { connection: Some(connection), desk, setup, count, quiet, alarm: None }
    }

    pub(crate) fn desk(&self) -> &Arc<Desk> {
        &self.desk
    }

    /// Reads and writes what it can; ready when the connection is over.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(connection) = &mut self.connection else { return Poll::Ready(Ok(())) };
        // Without a shutdown, so that a WebSocket can go on with the stream.
        if let Poll::Ready(ended) = connection.poll_without_shutdown(cx) {
            if ended.is_err() || matches!(self.desk.stage(), Stage::Open | Stage::Exchanges) {
                self.connection = None;
            }
            return Poll::Ready(ended.map_err(io::Error::other));
        }
        self.poll_quiet(cx)
    }

    /// Has the connection end as soon as no request is in work.
    pub(crate) fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(connection) = &mut self.connection else { return Poll::Ready(Ok(())) };
        let mut connection = Pin::new(connection);
        connection.as_mut().graceful_shutdown();
        connection.poll(cx).map_err(io::Error::other)
    }

    pub(crate) fn take_arrived(&self, into: &mut Incoming) -> bool {
        self.desk.take_arrived(into)
    }

    /// The bounds of the connection.
    #[cfg(feature = "ws")]
    pub(crate) fn limits(&self) -> &Arc<tinyrpc_core::Limits> {
        &self.setup.limits
    }

    /// Has a connection accepted that began with requests and went on as something else.
    #[cfg(feature = "ws")]
    pub(crate) fn accept(&self, accepted: tinyrpc_core::Accepted) {
        if let Some(upgraded) = &self.setup.upgraded {
            // Where the listener is gone, so is the connection.
            _ = upgraded.send(accepted);
        }
    }

    /// The stream behind an upgrade, and what was read of it already.
    #[cfg(feature = "ws")]
    pub(crate) fn take_stream(&mut self) -> Option<(S, bytes::Bytes)> {
        let parts = self.connection.take()?.into_parts();
        Some((parts.io.into_inner().into_inner(), parts.read_buf))
    }

    /// Ready when the peer was silent, or slow with a head, for too long.
    fn poll_quiet(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let (read, limits) = (self.count.bytes(), &self.setup.limits);
        let until = match self.quiet {
            _ if self.desk.is_busy() => {
                self.quiet = Quiet::Busy;
                return Poll::Pending;
            }
            Quiet::Busy => {
                let until = Instant::now() + limits.idle;
                self.quiet = Quiet::Idle { read, until };
                until
            }
            Quiet::Idle { read: before, .. } if read != before => {
                let until = Instant::now() + limits.handshake;
                self.quiet = Quiet::Head { until };
                until
            }
            Quiet::Idle { until, .. } | Quiet::Head { until } => until,
        };
        // An alarm that rings too early costs a turn, so it is left as it is.
        let alarm = match &mut self.alarm {
            Some(alarm) if alarm.deadline() <= until => alarm,
            alarm => alarm.insert(Box::pin(sleep_until(until))),
        };
        while alarm.as_mut().poll(cx).is_ready() {
            if alarm.deadline() >= until {
                self.connection = None;
                return Poll::Ready(match self.quiet {
                    Quiet::Head { .. } => Err(late(limits.handshake)),
                    _ => Ok(()),
                });
            }
            alarm.as_mut().reset(until);
        }
        Poll::Pending
    }
}

fn late(patience: Duration) -> io::Error {
    let words = format!("no whole head of a request within {patience:?}");
    io::Error::new(io::ErrorKind::TimedOut, words)
}
