//! Authentication: who decides about a peer before anything of it is executed.

mod digests;
mod gate;
#[cfg(feature = "http")]
mod header_login;
mod token;

use std::{borrow::Cow, fmt, future::Future, sync::Arc};

use async_trait::async_trait;
use tinyrpc_core::{Code, Lane, Meta, Payload, Request, RpcError};
use tinyrpc_dispatch::{Identity, Scope};

pub(crate) use self::gate::{Failures, Gate, Passed, Stand};
#[cfg(feature = "http")]
pub use self::header_login::HeaderLogin;
pub use self::token::{Token, TokenLogin};

/// Decides who a peer is, by its address (over a Unix socket that is its user) and its first
/// request, before anything is executed.
///
/// Meanwhile everything else that the peer sends waits in its order, bounded by
/// [`Limits::max_backlog`](crate::Limits::max_backlog). A peer that is refused is told so, with the
/// mark that nothing was executed, 100 to 250 ms later; then the connection is closed. So is that
/// of a peer that is silent for [`Limits::auth`](crate::Limits::auth), and of one about which
/// nobody decides in that time.
///
/// On a permanent connection the first decision stands for all that comes later. Over a transport
/// of exchanges each request may come from another peer, as behind a proxy or a broker: each one
/// is decided about on its own, and a login that stands for others is refused.
///
/// A panic refuses the peer. [`TokenLogin`] and (over HTTP and WebSocket) `HeaderLogin` are ready to
/// use; a function is another:
///
/// ```
/// use tinyrpc::{Attempt, Decision, Dispatcher, Identity, Server, transports::PeerAddress};
///
/// let server = Server::new(Dispatcher::new()).authenticate(|attempt: Attempt| async move {
///     match attempt.scope.peer {
///         PeerAddress::Socket(address) if address.ip().is_loopback() => {
///             Decision::Accept(Identity::new("somebody on this machine"))
///         }
///         _ => Decision::Refuse("only for programs on this machine".into()),
///     }
/// });
/// ```
#[async_trait]
pub trait Authenticate: Send + Sync {
    /// Decides about one peer.
    async fn authenticate(&self, attempt: Attempt) -> Decision;
}

#[async_trait]
impl<F, D> Authenticate for F
where
    F: Fn(Attempt) -> D + Send + Sync,
    D: Future<Output = Decision> + Send,
{
    async fn authenticate(&self, attempt: Attempt) -> Decision {
        self(attempt).await
    }
}

/// What a peer says first, and over which connection.
#[derive(Clone)]
#[non_exhaustive]
pub struct Attempt {
    /// The connection; its `peer` says where the peer is.
    pub scope: Arc<Scope>,
    /// The method of the request, of the first one where it is a batch.
    pub method: Box<str>,
    /// Its params.
    pub params: Payload,
    /// What travelled beside them.
    pub meta: Option<Box<Meta>>,
    lane: Lane,
}

/// What becomes of a peer.
#[derive(Clone, Debug)]
pub enum Decision {
    /// It is this one, and its request is executed as any other.
    Accept(Identity),
    /// It is this one, and its request was made to say so: it is answered with `true`, and not
    /// executed.
    LoggedIn(Identity),
    /// It is refused, in these words. They travel: no token belongs into them.
    Refuse(Cow<'static, str>),
}

impl Attempt {
    fn new(scope: &Arc<Scope>, request: &Request<'_>) -> Self {
        Self {
            scope: Arc::clone(scope),
            method: request.method.as_ref().into(),
            params: request.params.to_payload().detach(),
            meta: request.meta.clone(),
            lane: request.lane,
        }
    }

    /// A header that came with the request over HTTP, or with the handshake of its WebSocket. Case
    /// does not matter in its name.
    ///
    /// `None` where it was not sent, was sent more than once or is not text, and over a transport
    /// that has no headers.
    pub fn header(&self, name: &str) -> Option<String> {
        self.scope.headers.as_ref()?.get(self.lane, name)
    }
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The params are what the peer proves itself by.
        f.debug_struct("Attempt")
            .field("scope", &self.scope)
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

/// What a refused peer is told.
fn refusal(words: impl Into<Cow<'static, str>>) -> RpcError {
    RpcError::new(Code::UNAUTHENTICATED, words).with_data(RpcError::NOT_EXECUTED)
}
