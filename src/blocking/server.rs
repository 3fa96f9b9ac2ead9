//! `Server`: serves one service to any number of peers, in the background.

use std::{fmt, io, ops::Deref, sync::Arc};

use super::{
    background,
    wait::{Whom, begin, finish, wait_until},
};
use crate::{Runtime, Service, SetupError, transports::Listener};

/// Serves a service. Plain functions run on threads where they may block, unless their method says
/// otherwise.
///
/// All settings are those of [`tinyrpc::Server`](crate::Server), of which it is made:
///
/// ```
/// use tinyrpc::{BlockingPool, Dispatcher, Limits, PoolLimits, blocking};
///
/// let calc = Dispatcher::new().method("add", |a: i64, b: i64| a + b);
/// let own = BlockingPool::new(PoolLimits { max_running: 4, ..PoolLimits::default() });
/// let settings = tinyrpc::Server::new(calc)
///     .limits(Limits { max_connections: 10, ..Limits::default() })
///     .blocking_pool(&own);
/// let server = blocking::Server::from(settings).listen("tcp://127.0.0.1:0")?;
/// # Ok::<_, tinyrpc::SetupError>(())
/// ```
#[derive(Debug)]
#[must_use = "a server listens when it is told to"]
pub struct Server {
    server: crate::Server,
}

/// Runs a server; cheap to clone. Dropping it does not end the server.
///
/// What does not wait is that of [`tinyrpc::ServerHandle`](crate::ServerHandle), to which it
/// derefs: `addresses`, `peers`, `broadcast`, `close`.
#[derive(Clone)]
pub struct ServerHandle {
    handle: crate::ServerHandle,
    runtime: Arc<dyn Runtime>,
}

impl Server {
    /// A server for one service, which all connections share.
    pub fn new(service: impl Service + 'static) -> Self {
        crate::Server::new(service).into()
    }

    /// Listens on the address of a URL and serves in the background. Port 0 picks a free port.
    ///
    /// # Errors
    ///
    /// The URL is wrong, the address cannot be listened on, or it is not of this machine alone
    /// and [`allow_remote`](crate::Server::allow_remote) was not said.
    pub fn listen(self, url: impl AsRef<str>) -> Result<ServerHandle, SetupError> {
        let handle = self.start()?;
        handle.listen(url)?;
        Ok(handle)
    }

    /// Connects to the address of a URL, and serves whoever listens there, in the background: see
    /// [`tinyrpc::Server::connect`](crate::Server::connect).
    ///
    /// # Errors
    ///
    /// The URL is wrong, or its transport has no calls towards the side that connects.
    pub fn connect(self, url: impl AsRef<str>) -> Result<ServerHandle, SetupError> {
        let handle = self.start()?;
        handle.connect(url)?;
        Ok(handle)
    }

    /// Serves on no address yet; [`ServerHandle::listen`] adds them.
    ///
    /// # Errors
    ///
    /// The system gives no thread.
    pub fn start(self) -> Result<ServerHandle, SetupError> {
        let Self { mut server } = self;
        server.blocking_pool.get_or_insert_with(|| background::pool().clone());
        let runtime = match server.runtime {
            Some(runtime) => runtime,
            None => background::runtime()
                .map_err(|source| SetupError::Io { address: "a thread".into(), source })?,
        };
        server.runtime = Some(Arc::clone(&runtime));
        Ok(ServerHandle { handle: server.start(), runtime })
    }
}

impl From<crate::Server> for Server {
    fn from(server: crate::Server) -> Self {
        Self { server }
    }
}

impl ServerHandle {
    /// Listens on one more address.
    ///
    /// # Errors
    ///
    /// As [`Server::listen`].
    pub fn listen(&self, url: impl AsRef<str>) -> Result<(), SetupError> {
        let (handle, url) = (self.handle.clone(), url.as_ref().to_owned());
        let target = url.clone();
        self.run(&url, async move { handle.listen(target).await })
    }

    /// Connects to one more address, and serves whoever listens there.
    ///
    /// # Errors
    ///
    /// As [`Server::connect`].
    pub fn connect(&self, url: impl AsRef<str>) -> Result<(), SetupError> {
        let (handle, url) = (self.handle.clone(), url.as_ref().to_owned());
        let target = url.clone();
        self.run(&url, async move { handle.connect(target).await })
    }

    fn run(
        &self,
        url: &str,
        begins: impl Future<Output = Result<(), SetupError>> + Send + 'static,
    ) -> Result<(), SetupError> {
        let failed = |source| SetupError::Io { address: url.to_owned(), source };
        let _waiting = begin(Whom::Others).map_err(|error| failed(io::Error::other(error)))?;
        background::run(&*self.runtime, begins).map_err(failed)?
    }

    /// Accepts from one more listener.
    pub fn listen_on(&self, listener: impl Listener + 'static) {
        self.handle.listen_on(listener);
    }

    /// Stops listening, refuses new requests as not executed, and waits until the requests in
    /// execution are answered; after [`Limits::shutdown`](crate::Limits::shutdown) connections are
    /// closed all the same.
    ///
    /// On the thread that drives connections it shuts down too, but does not wait for that. A
    /// handler that shuts its own server down is one of the requests that are waited for, and so
    /// says it from a thread of its own.
    pub fn shutdown(&self) {
        let handle = self.handle.clone();
        _ = finish(&*self.runtime, async move { handle.shutdown().await });
    }

    /// Waits until the server was shut down or closed.
    ///
    /// # Panics
    ///
    /// On the thread that drives connections, which would wait for itself.
    #[track_caller]
    pub fn wait(&self) {
        wait_until(self.handle.stopped());
    }
}

impl Deref for ServerHandle {
    type Target = crate::ServerHandle;

    fn deref(&self) -> &crate::ServerHandle {
        &self.handle
    }
}

impl fmt::Debug for ServerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.handle.fmt(f)
    }
}
