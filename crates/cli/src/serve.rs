//! `tinyrpc serve`: serves until it is told to end, or nobody can come any more.

use std::{pin::pin, time::Duration};

use tinyrpc::{Server, ServerHandle, Service, layers::TimeoutLayer};

use crate::{
    certificates,
    command::{Serve, ServiceName},
    demo,
    failure::Failure,
    hints, output,
    signals::Signals,
    target::with_framing,
    wire,
};

/// Serves.
///
/// # Errors
///
/// An address cannot be listened on.
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
    output::put(ready.as_bytes())?;
    until_told(signals, &handle).await;
    Ok(())
}

/// The URL under which a client reaches what was bound: the real address, with the protocol and
/// the framing of the URL that was asked for.
fn reachable(url: &str, address: &str) -> String {
    let scheme = url.split("://").next().unwrap_or_default();
    let protocol = match scheme.split_once('+') {
        None | Some(("auto", _)) => String::new(),
        Some((protocol, _)) => format!("{protocol}+"),
    };
    let options = url.split_once('?').map_or("", |(_, options)| options);
    let framing = options.split('&').rev().find(|option| option.starts_with("framing="));
    let framing = framing.map_or_else(String::new, |framing| format!("?{framing}"));
    format!("{protocol}{address}{framing}")
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
        () = signals.next() => server.close(),
    }
}

/// A shutdown that is over by then needs no words.
const QUIET: Duration = Duration::from_millis(200);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_can_use_the_url_that_is_printed() {
        for (url, printed) in [
            ("tcp://127.0.0.1:0", "tcp://127.0.0.1:7"),
            ("auto+tcp://127.0.0.1:0", "tcp://127.0.0.1:7"),
            ("msgpack+tcp://127.0.0.1:0?timeout=5", "msgpack+tcp://127.0.0.1:7"),
            (
                "jsonrpc+tcp://h:0?framing=self&x=1&framing=lines",
                "jsonrpc+tcp://127.0.0.1:7?framing=lines",
            ),
        ] {
            assert_eq!(reachable(url, "tcp://127.0.0.1:7"), printed);
        }
    }
}
