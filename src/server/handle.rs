//! `ServerHandle`: a server that runs.

use std::{
    fmt,
    future::poll_fn,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering::Relaxed},
    task::{Context, Poll, Waker},
};

use futures_util::{
    future::{AbortHandle, Abortable, Either, select},
    pin_mut,
};
use tinyrpc_core::{Connector, Limits, Listener};
use tinyrpc_dispatch::Scope;
#[cfg(feature = "http")]
use tinyrpc_transports::http::{HttpService, Mount};

use super::{accept::Accept, dialled::Dialled};
use crate::{
    SetupError, Url,
    control::{Control, Order},
    open::{self, Source},
};

/// Runs a server; cheap to clone. Dropping it does not end the server.
#[derive(Clone)]
pub struct ServerHandle {
    shared: Arc<Shared>,
}

struct Shared {
    accept: Accept,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    addresses: Vec<String>,
    listeners: Vec<AbortHandle>,
    /// How many of them go on.
    listening: usize,
    /// The last of them has ended by itself, and so have the connections.
    over: bool,
    down: bool,
    waiting: Vec<Waker>,
}

impl ServerHandle {
    pub(super) fn new(accept: Accept) -> Self {
        Self { shared: Arc::new(Shared { accept, state: Mutex::default() }) }
    }

    /// Listens on one more address.
    ///
    /// # Errors
    ///
    /// As [`Server::listen`](crate::Server::listen).
    pub async fn listen(&self, url: impl AsRef<str>) -> Result<(), SetupError> {
        let url: Url = url.as_ref().parse()?;
        let accept = self.under(&url)?;
        let listener = open::listener(&url, &accept.port).await?;
        self.accept(accept, listener);
        Ok(())
    }

    /// Connects to one more address, and serves whoever listens there.
    ///
    /// # Errors
    ///
    /// As [`Server::connect`](crate::Server::connect).
    pub async fn connect(&self, url: impl AsRef<str>) -> Result<(), SetupError> {
        let url: Url = url.as_ref().parse()?;
        let accept = self.under(&url)?;
        match open::worker(&url, &accept.route, &accept.port).await? {
            Source::Connector(connector) => self.dial(accept, connector),
            Source::Listener(listener) => self.accept(accept, listener),
        }
        Ok(())
    }

    /// What connections under a URL are made from.
    fn under(&self, url: &Url) -> Result<Accept, SetupError> {
        if self.shared.lock().down {
            let source = io::Error::new(io::ErrorKind::NotConnected, "the server has shut down");
            return Err(SetupError::Io { address: url.without_user(), source });
        }
        let mut accept = self.shared.accept.clone();
        accept.port.allow_remote |= accept.auth.is_some();
        accept.protocols = url.served();
        accept.limits = Arc::new(url.limits(Limits::clone(&accept.limits)).checked());
        accept.port.limits = Arc::clone(&accept.limits);
        accept.route.limits = Arc::clone(&accept.limits);
        Ok(accept)
    }

    fn dial(&self, accept: Accept, connector: Arc<dyn Connector>) {
        let (backoff, runtime) = (accept.backoff.clone(), Arc::clone(&accept.runtime));
        let patience = accept.limits.handshake;
        self.accept(accept, Box::new(Dialled::new(connector, backoff, patience, runtime)));
    }

    /// Serves over connections that one more connector makes.
    pub fn connect_through(&self, connector: impl Connector + 'static) {
        self.dial(self.shared.accept.clone(), Arc::new(connector));
    }

    /// Accepts from one more listener.
    pub fn listen_on(&self, listener: impl Listener + 'static) {
        self.accept(self.shared.accept.clone(), Box::new(listener));
    }

    /// A service to be mounted in somebody else's HTTP server, such as one of axum or hyper. It
    /// speaks every protocol over POST and (with the feature `ws`) over WebSocket, as
    /// [`Server::web`] admits.
    ///
    /// Requests for names beside `localhost` and literal addresses are admitted by
    /// [`Web::host`](crate::transports::http::Web::host). After a shutdown it answers 503.
    /// `examples/mounted.rs` serves beside the routes of an application.
    ///
    /// [`Server::web`]: crate::Server::web
    ///
    /// ```
    /// # async fn example() {
    /// use tinyrpc::{Dispatcher, Server};
    ///
    /// let calc = Dispatcher::new().method("add", |a: i64, b: i64| a + b);
    /// let service = Server::new(calc).start().http_service();
    /// // With axum: Router::new().route_service("/rpc", service)
    /// # drop(service) }
    /// ```
    #[cfg(feature = "http")]
    pub fn http_service(&self) -> HttpService {
        let accept = &self.shared.accept;
        let names = accept.protocols.iter().map(|protocol| protocol.name().into());
        let limits = Arc::clone(&accept.limits);
        let (service, mount) = Mount::new(accept.port.web.clone(), limits, names);
        self.listen_on(mount);
        service
    }

    fn accept(&self, accept: Accept, listener: Box<dyn Listener>) {
        let (abort, registration) = AbortHandle::new_pair();
        let mut state = self.shared.lock();
        if state.down {
            return;
        }
        let address = listener.address();
        if !address.is_empty() {
            state.addresses.push(address);
        }
        state.listeners.push(abort);
        state.listening += 1;
        state.over = false;
        drop(state);
        let runtime = Arc::clone(&accept.runtime);
        let shared = Arc::clone(&self.shared);
        runtime.spawn(Box::pin(async move {
            // Aborted by a shutdown: the listener is dropped with the loop.
            if Abortable::new(accept.run(listener), registration).await.is_ok() {
                shared.listener_ended().await;
            }
        }));
    }

    /// Where the server listens, with real ports, as URLs without a protocol.
    pub fn addresses(&self) -> Vec<String> {
        self.shared.lock().addresses.clone()
    }

    /// The connections of this moment. Through `caller` the server calls its peers.
    ///
    /// With [`Server::authenticate`](crate::Server::authenticate), those whose peers are known.
    pub fn peers(&self) -> Vec<Arc<Scope>> {
        let mut peers = self.shared.accept.peers.scopes();
        if self.shared.accept.auth.is_some() {
            peers.retain(|scope| scope.identity().is_some());
        }
        peers
    }

    /// How many peers [`Server::authenticate`](crate::Server::authenticate) has refused so far.
    pub fn refused_peers(&self) -> u64 {
        self.shared.accept.failures.load(Relaxed)
    }

    /// Stops listening, refuses new requests as not executed, and waits until the requests in
    /// execution are answered; after [`Limits::shutdown`] connections are closed all the same.
    pub async fn shutdown(&self) {
        self.stop_listening();
        let controls = self.shared.accept.peers.controls();
        controls.iter().for_each(|control| control.give(Order::Drain));
        let all_closed = all_closed(&controls);
        let runtime = &self.shared.accept.runtime;
        let patience = self.shared.accept.limits.shutdown.as_micros();
        let patience = u64::try_from(patience).unwrap_or(u64::MAX);
        let deadline = runtime.sleep_until(runtime.now().saturating_add(patience));
        pin_mut!(all_closed);
        if let Either::Right((_, all_closed)) = select(all_closed, deadline).await {
            controls.iter().for_each(|control| control.give(Order::Close));
            all_closed.await;
        }
        self.finish();
    }

    /// Stops listening and closes every connection at once.
    pub fn close(&self) {
        self.stop_listening();
        for control in self.shared.accept.peers.controls() {
            control.give(Order::Close);
        }
        self.finish();
    }

    /// Completes when the server was shut down or closed, and when nothing can come any more: all
    /// its listeners have ended by themselves, as that of `stdio:` does with its only connection,
    /// and so have all connections.
    pub async fn stopped(&self) {
        poll_fn(|cx: &mut Context<'_>| {
            let mut state = self.shared.lock();
            if state.over || (state.down && state.listeners.is_empty()) {
                return Poll::Ready(());
            }
            if !state.waiting.iter().any(|waiting| waiting.will_wake(cx.waker())) {
                state.waiting.push(cx.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }

    fn stop_listening(&self) {
        let mut state = self.shared.lock();
        state.down = true;
        let listeners = state.listeners.clone();
        drop(state);
        listeners.iter().for_each(AbortHandle::abort);
        self.shared.accept.peers.abort_opening();
    }

    fn finish(&self) {
        let mut state = self.shared.lock();
        state.listeners.clear();
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A listener says that nobody will come any more.
    async fn listener_ended(&self) {
        self.lock().listening -= 1;
        // Those that are about to open are connected or gone by the time when these are closed, or
        // they hold nobody up.
        all_closed(&self.accept.peers.controls()).await;
        let mut state = self.lock();
        if state.listening > 0 {
            return;
        }
        state.over = true;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
    }
}

/// Completes when each of these connections is closed.
async fn all_closed(controls: &[Arc<Control>]) {
    poll_fn(|cx| {
        let open = controls.iter().any(|control| control.poll_finished(cx).is_pending());
        if open { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
}

impl fmt::Debug for ServerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerHandle").field("addresses", &self.addresses()).finish_non_exhaustive()
    }
}
