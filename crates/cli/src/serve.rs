//! `tinyrpc serve`: serves until it is told to end, or nobody can come any more.

use std::{pin::pin, time::Duration};

use tinyrpc::{Server, ServerHandle, Service, layers::TimeoutLayer};

use crate::{
    certificates,
    command::{Serve, ServiceName},
    demo,
    failure::Failure,
    hints, output,
    scheme::reachable,
    signals::Signals,
    target::with_framing,
    wire,
};

/// Serves.
///
/// # Errors
///
/// An address cannot be listened on, or workers cannot connect there.
pub(crate) async fn run(serve: &Serve) -> Result<(), Failure> {
    let service: Box<dyn Service> = match serve.service {
        ServiceName::Demo => Box::new(demo::service()),
    };
    let mut server = match serve.timeout.filter(|limit| !limit.is_zero()) {
        Some(limit) => Server::new(service.layer(TimeoutLayer::new(limit))),
        None => Server::new(service),
    };
    if serve.verbose {
        server = server.trace(wire::show);
    }
    if serve.allow_remote {
        server = server.allow_remote();
    }
    let server = certificates::give_server(certificates::server(serve)?, server);
    // Listened to before anybody can know that there is a server to be ended.
    let signals = Signals::new();
    let signals = signals
        .map_err(|error| Failure::no_answer(format!("signals cannot be listened to: {error}")))?;
    let handle = server.start();
    let mut ready = String::new();
    for bind in &serve.bind {
        let url = with_framing(bind, serve.framing.as_deref());
        handle.listen(&url).await.map_err(|error| hints::listen(&error))?;
        let address = handle.addresses().pop().unwrap_or_default();
        ready.push_str(&format!("listening on {}\n", reachable(&url, &address)));
    }
    for connect in &serve.connect {
        let url = with_framing(connect, serve.framing.as_deref());
        handle.connect(&url).await.map_err(|error| hints::connect(&error))?;
        ready.push_str(&format!("connecting to {url}\n"));
    }
    output::put(ready.as_bytes())?;
    until_told(signals, &handle).await;
    Ok(())
}

/// Waits for a signal, ends gracefully, and at once with a second signal. On its own standard streams
/// alone it ends with them.
async fn until_told(mut signals: Signals, server: &ServerHandle) {
    tokio::select! {
        _ = signals.next() => {}
        () = server.stopped() => return,
    }
    let mut shutdown = pin!(server.shutdown());
    let quick = tokio::time::timeout(QUIET, &mut shutdown).await;
    if quick.is_ok() {
        return;
    }
    output::tell("shutting down: calls in execution may finish; a second signal ends them");
    tokio::select! {
        () = &mut shutdown => {}
        _ = signals.next() => server.close(),
    }
}

/// A shutdown that is over by then needs no words.
const QUIET: Duration = Duration::from_millis(200);
