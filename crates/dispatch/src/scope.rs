//! `Scope`: the connection that a request came over, as handlers and layers see it.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    fmt,
    sync::{Arc, OnceLock},
};

use tinyrpc_core::{Caller, Headers, PeerAddress, Runtime};

use crate::{BlockingPool, Identity, subscriptions::Subscriptions};

/// What is known about a connection, made once when it is accepted.
pub struct Scope {
    /// Where the peer is.
    pub peer: PeerAddress,
    /// What came beside the messages, where the transport has headers. Handlers have
    /// [`Context::header`](crate::Context::header).
    pub headers: Option<Arc<dyn Headers>>,
    /// Calls the peer.
    pub caller: Caller,
    /// Spawning and time; `None` where nothing drives the connection in the background.
    pub runtime: Option<Arc<dyn Runtime>>,
    /// Where plain functions run that do not say where; `None` is where requests are received.
    pub blocking_pool: Option<BlockingPool>,
    data: HashMap<TypeId, Arc<dyn Any + Send + Sync>>,
    identity: OnceLock<Identity>,
    /// Those of the peer.
    pub(crate) subscriptions: Arc<Subscriptions>,
}

impl Scope {
    /// A connection without data of its own.
    pub fn new(peer: PeerAddress, caller: Caller, runtime: Option<Arc<dyn Runtime>>) -> Self {
        Self {
            peer,
            headers: None,
            caller,
            runtime,
            blocking_pool: None,
            data: HashMap::new(),
            identity: OnceLock::new(),
            subscriptions: Arc::default(),
        }
    }

    /// The same connection with somebody else at its end: over exchanges each request may come
    /// from another peer.
    pub fn with_identity(&self, identity: Identity) -> Self {
        Self {
            peer: self.peer.clone(),
            headers: self.headers.clone(),
            caller: self.caller.clone(),
            runtime: self.runtime.clone(),
            blocking_pool: self.blocking_pool.clone(),
            data: self.data.clone(),
            identity: identity.into(),
            subscriptions: Arc::clone(&self.subscriptions),
        }
    }

    /// Says who the peer has proved to be; false where that was said before, which stands.
    pub fn identify(&self, identity: Identity) -> bool {
        self.identity.set(identity).is_ok()
    }

    /// Who the peer has proved to be; `None` where nobody asked for a proof.
    pub fn identity(&self) -> Option<&Identity> {
        self.identity.get()
    }

    /// Adds data of the connection: one value of each type.
    pub fn insert<T: Any + Send + Sync>(&mut self, value: T) {
        self.insert_shared(Arc::new(value));
    }

    /// The same, for a value that several connections share.
    pub fn insert_shared<T: Any + Send + Sync>(&mut self, value: Arc<T>) {
        self.data.insert(TypeId::of::<T>(), value);
    }

    /// The connection's value of type `T`.
    pub fn data<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        Arc::clone(self.data.get(&TypeId::of::<T>())?).downcast().ok()
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope")
            .field("peer", &self.peer)
            .field("identity", &self.identity.get())
            .field("data", &self.data.len())
            .finish_non_exhaustive()
    }
}
