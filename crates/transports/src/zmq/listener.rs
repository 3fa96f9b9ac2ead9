//! `ZmqListener`: serves over ZeroMQ.

use std::{
    fmt,
    future::poll_fn,
    io,
    sync::Arc,
    task::{Poll, Waker},
};

use async_trait::async_trait;
use tinyrpc_core::{Accepted, Limits, Listener};
use zmq::ROUTER;

use super::{
    endpoint::Endpoint, hub::Hub, peer, pump::Pump, readiness::Readiness, router::Router, tuning,
    watch::Watched,
};

/// Serves all peers of one ROUTER, each as a connection.
///
/// Its address is free again when it and all its connections are gone. Peers that come in between
/// are told that they are not served.
pub struct ZmqListener {
    hub: Arc<Hub>,
    endpoint: Endpoint,
}

impl ZmqListener {
    /// Binds an endpoint. The peers are received in a task of the runtime that this is called in.
    ///
    /// # Errors
    ///
    /// The endpoint is taken, or it is none.
    pub async fn bind(endpoint: &Endpoint, limits: &Limits) -> io::Result<Self> {
        let mut refused = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
        for resolved in endpoint.resolve().await? {
            let socket = tuning::socket(ROUTER, &resolved, limits)?;
            // A peer that takes nothing, or is gone, is an error and not silence.
            socket.set_router_mandatory(true)?;
            let watched = Watched::new(socket)?;
            let socket = watched.socket();
            if let Err(error) = socket.bind(&resolved.text) {
                refused = error.into();
                continue;
            }
            let named = socket.get_last_endpoint()?;
            let bound = named.map_err(|_| io::Error::other("the address is no text"))?;
            let readiness = Readiness::of(socket)?;
            let hub = Hub::new(Router::new(watched, limits));
            hub.enter();
            tokio::spawn(Pump::new(readiness, Arc::clone(&hub)));
            return Ok(Self { hub, endpoint: Endpoint::from_zmq(&bound) });
        }
        Err(refused)
    }
}

#[async_trait]
impl Listener for ZmqListener {
    async fn accept(&mut self) -> io::Result<Accepted> {
        poll_fn(|cx| {
            let mut router = self.hub.lock();
            let Some((number, address, shape)) = router.accept() else {
                let old = router.acceptor.replace(cx.waker().clone());
                drop(router);
                drop(old);
                return Poll::Pending;
            };
            router.users += 1;
            drop(router);
            let hub = Arc::clone(&self.hub);
            Poll::Ready(Ok(peer::connection(hub, number, address, shape).into()))
        })
        .await
    }

    fn address(&self) -> String {
        self.endpoint.to_string()
    }
}

impl Drop for ZmqListener {
    fn drop(&mut self) {
        let mut router = self.hub.lock();
        // To unbind would close the connections of the peers that are still served.
        router.stop_accepting();
        let pump = router.pump.clone();
        drop(router);
        pump.into_iter().for_each(Waker::wake);
        self.hub.exit();
    }
}

impl fmt::Debug for ZmqListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ZmqListener").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}
