//! `HttpConnector`: calls a service by posts, over connections that are kept and used again.

use std::{io, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::Full;
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioTimer},
};
use tinyrpc_core::{Connection, Connector, Limits, PeerAddress};

use super::{Target, dial::Dial, posts};

/// The pool of all posts to one address.
pub(crate) type Pool = Client<Dial, Full<Bytes>>;

/// Connects to a service over HTTP.
///
/// Each call is a post on a connection of its own for as long as it takes; connections are kept
/// for `Limits::idle` and used again. A batch is one post. Notifications are posts too, and posts
/// overtake each other.
#[derive(Clone, Debug)]
pub struct HttpConnector {
    target: Target,
    limits: Arc<Limits>,
}

impl HttpConnector {
    /// Posts to a target.
    pub fn new(target: Target, limits: Arc<Limits>) -> Self {
        Self { target, limits }
    }
}

#[async_trait]
impl Connector for HttpConnector {
    async fn connect(&self) -> io::Result<Connection> {
        let uri = self.target.uri(self.target.scheme("http", "https"))?;
        // The first connection is made now, so that nobody's absence waits for the first call.
        let (dial, address) = Dial::new(&self.target, &self.limits).await?;
        let pool = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(self.limits.idle)
            .build(dial);
        let posts = posts::Posts::new(pool, uri, &self.target.headers, &self.limits);
        Ok(posts.connection(PeerAddress::Socket(address)))
    }

    fn address(&self) -> String {
        format!("{}://{}", self.target.scheme("http", "https"), self.target)
    }
}
