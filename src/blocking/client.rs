//! `Client`: a connection that this side made, and calls over it.

use std::{fmt, io, ops::Deref, sync::Arc};

use super::{
    Caller, background,
    wait::{Whom, begin, finish, wait_until},
};
use crate::{Address, ClientBuilder, Runtime, Scope, SetupError};

/// Calls a server; cheap to clone, and shared by any number of threads.
///
/// `call`, `notify` and `batch` are those of [`Caller`], which it derefs to. The connection is
/// closed when the last clone is dropped, whatever callers were made of it.
#[derive(Clone)]
pub struct Client {
    client: crate::Client,
    caller: Caller,
    runtime: Arc<dyn Runtime>,
}

impl Client {
    /// Connects to a URL, with all defaults. `connect(url)` is the same.
    ///
    /// # Errors
    ///
    /// The URL is wrong or nobody listens there.
    pub fn connect(url: impl AsRef<str>) -> Result<Self, SetupError> {
        Self::build(ClientBuilder::from_url(url)?)
    }

    /// Connects as a builder says.
    ///
    /// ```
    /// # use tinyrpc::{Context, blocking::{self, peer}};
    /// # let greet = |context: Context| peer(&context).call::<_, String>("name", ()).unwrap_or_default();
    /// # let server = blocking::Server::new(tinyrpc::Dispatcher::new().method("greet", greet));
    /// # let server = server.listen("tcp://127.0.0.1:0")?;
    /// # let url = &server.addresses()[0];
    /// use tinyrpc::{ClientBuilder, Dispatcher, blocking::Client};
    ///
    /// let own = Dispatcher::new().method("name", || "Ada");
    /// let client = Client::build(ClientBuilder::from_url(url)?.serve(own))?;
    /// assert_eq!(client.call::<_, String>("greet", ())?, "Ada");
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Nobody listens there.
    pub fn build(mut builder: ClientBuilder) -> Result<Self, SetupError> {
        let address = builder.address();
        let failed = |source| SetupError::Io { address: address.clone(), source };
        let _waiting = begin(Whom::Others).map_err(|error| failed(io::Error::other(error)))?;
        builder.blocking_pool.get_or_insert_with(|| background::pool().clone());
        let runtime = match builder.runtime {
            Some(runtime) => runtime,
            None => background::runtime().map_err(failed)?,
        };
        builder.runtime = Some(Arc::clone(&runtime));
        let client = background::run(&*runtime, builder.connect()).map_err(failed)??;
        let caller = Caller::in_rounds(&client);
        Ok(Self { client, caller, runtime })
    }

    /// Closes the connection: calls in flight are waited for, for as long as
    /// [`Limits::shutdown`](crate::Limits::shutdown) says, new ones fail.
    ///
    /// True when the transport has taken all that was said before, notifications included. False
    /// when nobody can know; on the thread that drives connections it closes too, but does not wait
    /// for that.
    pub fn close(&self) -> bool {
        let client = self.client.clone();
        finish(&*self.runtime, async move { client.close().await }).unwrap_or(false)
    }

    /// Waits until the connection is closed, by whichever side.
    ///
    /// # Panics
    ///
    /// On the thread that drives connections, which would wait for itself.
    #[track_caller]
    pub fn wait(&self) {
        wait_until(self.client.closed());
    }

    /// What the client is connected to, or where it listens, as a URL without a protocol; the first
    /// address of several.
    pub fn address(&self) -> String {
        self.client.address()
    }

    /// All addresses, and what is known of each.
    pub fn addresses(&self) -> Vec<Address> {
        self.client.addresses()
    }

    /// The connections of this moment.
    pub fn peers(&self) -> Vec<Arc<Scope>> {
        self.client.peers()
    }
}

impl Deref for Client {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.caller
    }
}

impl AsRef<tinyrpc_core::Caller> for Client {
    fn as_ref(&self) -> &tinyrpc_core::Caller {
        &self.client
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.client.fmt(f)
    }
}
