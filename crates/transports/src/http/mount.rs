//! `HttpService` and `Mount`: the service inside of somebody else's HTTP server.

use std::{
    convert::Infallible,
    fmt,
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::Body;
use tinyrpc_core::{Accepted, Limits, Listener};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::{
    AnswerBody, Web,
    guard::Speaks,
    handler::Setup,
    mounted::{Mounted, Shared},
    web::{Door, Site},
};

/// Answers HTTP requests inside of somebody else's server: a `tower::Service` and a
/// `hyper::service::Service`, for any body. Cheap to clone.
///
/// What is admitted, and what is answered, is the same as on a port of our own; a WebSocket needs a
/// server around that hands connections over (`axum::serve` does, and hyper's connections
/// `with_upgrades`).
/// An origin is admitted where it is the host that the request names. What bounds the time of heads
/// and of idle connections is the server around.
///
/// Who posts over which connection is the matter of the server around, so that each post is a
/// connection of its own: for the hooks of the server, its factories, and
/// [`Limits::max_connections`]. A WebSocket is one as everywhere. The peer is the [`PeerAddress`]
/// among the extensions of the request, where the server around puts one there.
///
/// [`PeerAddress`]: tinyrpc_core::PeerAddress
///
/// Once the server that is mounted has shut down, requests are answered 503.
#[derive(Clone)]
pub struct HttpService {
    shared: Arc<Shared>,
}

/// Accepts what comes through its [`HttpService`]. It ends when the last clone of that is dropped.
#[derive(Debug)]
pub struct Mount {
    accepted: UnboundedReceiver<Accepted>,
}

impl Mount {
    /// A service to be mounted, and what accepts its connections.
    ///
    /// `subprotocols` are the names of the protocols that a WebSocket may agree on.
    pub fn new(
        web: Web,
        limits: Arc<Limits>,
        subprotocols: impl IntoIterator<Item = Arc<str>>,
    ) -> (HttpService, Self) {
        #[cfg(not(feature = "ws"))]
        let _ = subprotocols;
        let (accept, accepted) = unbounded_channel();
        let setup = Setup {
            web,
            site: Site { host: None, door: Door::Mounted, loopback: false },
            speaks: Speaks { posts: true, sockets: cfg!(feature = "ws") },
            limits,
            #[cfg(feature = "ws")]
            subprotocols: subprotocols.into_iter().collect(),
            #[cfg(feature = "ws")]
            upgraded: None,
        };
        let shared = Shared { setup, accept };
        (HttpService { shared: Arc::new(shared) }, Self { accepted })
    }
}

#[async_trait]
impl Listener for Mount {
    async fn accept(&mut self) -> io::Result<Accepted> {
        let ended = || io::Error::new(io::ErrorKind::NotConnected, "nothing is mounted any more");
        self.accepted.recv().await.ok_or_else(ended)
    }

    fn address(&self) -> String {
        String::new()
    }
}

impl HttpService {
    /// The most bytes that a body may have.
    pub(crate) fn max_message(&self) -> usize {
        self.shared.setup.limits.max_message
    }

    fn answer<B>(&self, request: Request<B>) -> Answering
    where
        B: Body<Data = Bytes> + Send + 'static,
    {
        let request = request.map(|body| body.map_err(|_| ()).boxed_unsync());
        Answering { mounted: Mounted::new(Arc::clone(&self.shared), request) }
    }
}

impl<B: Body<Data = Bytes> + Send + 'static> tower_service::Service<Request<B>> for HttpService {
    type Response = Response<AnswerBody>;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Answering {
        self.answer(request)
    }
}

impl<B: Body<Data = Bytes> + Send + 'static> hyper::service::Service<Request<B>> for HttpService {
    type Response = Response<AnswerBody>;
    type Error = Infallible;
    type Future = Answering;

    fn call(&self, request: Request<B>) -> Answering {
        self.answer(request)
    }
}

/// The response to come. Dropping it cancels the handlers of the request.
#[must_use = "a request is answered only while it is polled"]
pub struct Answering {
    mounted: Mounted,
}

impl Future for Answering {
    type Output = Result<Response<AnswerBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.mounted.poll(cx).map(Ok)
    }
}

impl fmt::Debug for HttpService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpService").field("web", &self.shared.setup.web).finish_non_exhaustive()
    }
}

impl fmt::Debug for Answering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answering").finish_non_exhaustive()
    }
}
