//! `Resolve`: what finds the endpoints behind a name.

use std::io;

use async_trait::async_trait;

use super::endpoint::Endpoint;

/// Finds the endpoints that are meant by a name, such as those of a service in a directory.
///
/// It is asked for each endpoint that is to be connected, each time that this is begun, and not for
/// those that are bound. Functions are resolvers, too:
///
/// ```
/// use std::io;
/// use tinyrpc_transports::zmq::{Endpoint, Resolve};
///
/// fn resolver() -> impl Resolve {
///     |endpoint: &Endpoint| match endpoint {
///         Endpoint::Tcp(name) if name == "calc" => Ok(vec![
///             Endpoint::Tcp("127.0.0.1:4000".into()),
///             Endpoint::Tcp("127.0.0.1:4001".into()),
///         ]),
///         other => Ok(vec![other.clone()]),
///     }
/// }
/// ```
#[async_trait]
pub trait Resolve: Send + Sync {
    /// The endpoints behind one, best first. One that is none of the resolver's names is given back
    /// as it is.
    ///
    /// # Errors
    ///
    /// Nothing can be found now; it is asked again when the connection is tried again.
    async fn resolve(&self, endpoint: &Endpoint) -> io::Result<Vec<Endpoint>>;
}

#[async_trait]
impl<F> Resolve for F
where
    F: Fn(&Endpoint) -> io::Result<Vec<Endpoint>> + Send + Sync,
{
    async fn resolve(&self, endpoint: &Endpoint) -> io::Result<Vec<Endpoint>> {
        self(endpoint)
    }
}

/// Every endpoint is what it says.
pub(super) fn plain(endpoint: &Endpoint) -> io::Result<Vec<Endpoint>> {
    Ok(vec![endpoint.clone()])
}
