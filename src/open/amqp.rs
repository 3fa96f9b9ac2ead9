//! `amqp://[USER[:PASSWORD]@]HOST[:PORT][/VHOST]?queue=NAME`, and the same over TLS.

use std::sync::Arc;

use tinyrpc_core::{Connector, Listener};
use tinyrpc_transports::amqp::{AmqpConnector, AmqpListener, Reply, Target};

#[cfg(feature = "tls")]
use tinyrpc_transports::tls::ClientTls;

use super::{Port, Route};
#[cfg(feature = "tls")]
use crate::url::Transport;
use crate::{SetupError, Url, UrlError};

pub(super) fn connector(url: &Url, route: &Route) -> Result<Arc<dyn Connector>, SetupError> {
    let target = target(url)?;
    #[cfg(feature = "tls")]
    let target = covered(url, target, &route.tls);
    Ok(Arc::new(AmqpConnector::new(target, Arc::clone(&route.limits))))
}

/// Consumes the queue. The broker decides who may reach it, so it may be anywhere.
pub(super) async fn listener(url: &Url, port: &Port) -> Result<Box<dyn Listener>, SetupError> {
    let target = target(url)?;
    // To the broker a server is a client.
    #[cfg(feature = "tls")]
    let target = covered(url, target, &port.broker);
    let listener = AmqpListener::bind(target, Arc::clone(&port.limits)).await;
    let failed = |source| SetupError::Io { address: url.without_user(), source };
    Ok(Box::new(listener.map_err(failed)?))
}

/// Over TLS, where the URL says so.
#[cfg(feature = "tls")]
fn covered(url: &Url, target: Target, tls: &ClientTls) -> Target {
    match url.transport {
        Transport::Amqps => target.tls(tls.clone()),
        _ => target,
    }
}

fn target(url: &Url) -> Result<Target, SetupError> {
    let options = url.amqp();
    let Some(queue) = &options.queue else {
        let words = format!("`{}`: which queue? Add ?queue=NAME", url.without_user());
        return Err(UrlError(words).into());
    };
    let failed = |source| SetupError::Io { address: url.without_user(), source };
    let mut target = Target::new(&url.address, queue).map_err(failed)?.durable(options.durable);
    if let Some(exchange) = &options.exchange {
        target = target.exchange(exchange).map_err(failed)?;
    }
    if let Some(key) = &options.routing_key {
        target = target.routing_key(key).map_err(failed)?;
    }
    if let Some(prefetch) = options.prefetch {
        target = target.prefetch(prefetch);
    }
    if let Some(tries) = options.tries {
        target = target.tries(tries);
    }
    Ok(if options.direct { target.reply(Reply::Direct) } else { target })
}

/// A queue is between both sides.
pub(super) fn one_way() -> SetupError {
    UrlError(
        "over a broker both sides connect to it: services listen on their queue, and clients \
         connect to it"
            .into(),
    )
    .into()
}
