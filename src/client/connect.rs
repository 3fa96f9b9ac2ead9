//! How a client begins: over one connection, or over a pool of them.

use std::sync::Arc;

use futures_util::future::{AbortHandle, Abortable};
use tinyrpc_core::{Caller, Runtime};

use super::{
    Client, ClientBuilder,
    destination::{Destination, Place},
    plan::Plan,
    pool::{Keep, Pool},
};
use crate::{
    SetupError,
    attempt::attempt,
    open::{self, Route, Source},
};

impl Plan {
    /// A client over one connection, for as long as that lives.
    pub(super) async fn connect(
        &self,
        server: &Destination,
        route: &Route,
        runtime: Arc<dyn Runtime>,
    ) -> Result<Client, SetupError> {
        let connector = match &server.place {
            Place::Url(url) => open::connector(url, route)?,
            Place::Through(connector) => Arc::clone(connector),
            Place::Bind(_) | Place::From(_) => {
                return Err(SetupError::Io {
                    address: server.address(),
                    source: std::io::ErrorKind::Unsupported.into(),
                });
            }
        };
        let connection = attempt(&*connector, self.limits.handshake, &*runtime).await;
        // The connector knows the address best.
        let address = connector.address();
        let connection =
            connection.map_err(|source| SetupError::Io { address: address.clone(), source })?;
        let driver = self.driver(connection, Arc::clone(&server.protocol), Arc::clone(&runtime));
        let scope = Arc::clone(driver.scope());
        let (control, caller) = (driver.control(), scope.caller.clone());
        let watched = Arc::clone(&control);
        let client = Client::new(scope, control, Arc::clone(&runtime), address.clone());
        runtime.spawn(Box::pin(async move {
            let reason = driver.await;
            tracing::debug!(%reason, "a client's connection ended");
        }));
        if let Some(greeting) = self.greet(&caller, &address) {
            greeting.await?;
        }
        self.watch(&caller, &watched, &runtime);
        Ok(client)
    }
}

impl ClientBuilder {
    /// A client over a pool, which makes its connections in the background.
    pub(super) async fn pool(self, runtime: Arc<dyn Runtime>) -> Result<Client, SetupError> {
        let mut sources = Vec::new();
        for server in &self.servers {
            sources.push(server.open(&self.route, &self.port).await?);
        }
        let pool = Pool::new(self.balance, Arc::clone(&runtime));
        let roster = Arc::clone(&pool);
        let caller = Caller::over(roster, self.plan.limits.clone().checked());
        let caller = self
            .map_error
            .into_iter()
            .fold(caller, |caller, map| caller.map_error(move |error| map(error)));
        let client = Client::over(caller, Arc::clone(&pool), Arc::clone(&runtime));
        let plan = Arc::new(self.plan);
        let backoff = self.backoff.unwrap_or_default();
        for (server, source) in self.servers.into_iter().zip(sources) {
            let url = match &source {
                Source::Connector(connector) => connector.address(),
                Source::Listener(listener) => listener.address(),
            };
            let (stop, registration) = AbortHandle::new_pair();
            let is_bound = server.is_bound();
            let site = pool.add_site(url.clone(), server.format(), is_bound, stop);
            let keep = Keep {
                pool: Arc::clone(&pool),
                plan: Arc::clone(&plan),
                protocol: server.protocol,
                runtime: Arc::clone(&runtime),
                site,
                address: url.into(),
            };
            runtime.spawn(match source {
                Source::Connector(connector) => {
                    let task = keep.connect(connector, backoff.clone());
                    let task = Abortable::new(task, registration);
                    Box::pin(async move { _ = task.await })
                }
                Source::Listener(listener) => {
                    let task = Abortable::new(keep.accept(listener), registration);
                    Box::pin(async move { _ = task.await })
                }
            });
        }
        Ok(client)
    }
}
