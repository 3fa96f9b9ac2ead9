//! [`Queue`]: a queue of the broker that the tests share.

use std::process;

use tinyrpc::{Server, ServerHandle};

use crate::{broker::Broker, service::service};

/// A queue that nobody else uses.
pub(crate) struct Queue {
    /// Of the broker, as any client of it understands it.
    pub(crate) broker: &'static str,
    pub(crate) name: String,
}

impl Queue {
    /// `None` where this machine has no RabbitMQ, and then that has been said.
    pub(crate) async fn get(name: &str) -> Option<Self> {
        // It takes seconds to start.
        let broker = tokio::task::spawn_blocking(Broker::shared).await.expect("it starts")?;
        // A broker that was there before may have served another run.
        Some(Self { broker: broker.url(), name: format!("tinyrpc-{}-{name}", process::id()) })
    }

    /// As this project writes it.
    pub(crate) fn url(&self, protocol: &str) -> String {
        let Self { broker, name } = self;
        let plus = if protocol.is_empty() { "" } else { "+" };
        format!("{protocol}{plus}{broker}?queue={name}")
    }

    /// Has our server serve it.
    pub(crate) async fn serve(&self, protocol: &str) -> ServerHandle {
        Server::new(service()).listen(self.url(protocol)).await.expect("there is a broker")
    }
}
