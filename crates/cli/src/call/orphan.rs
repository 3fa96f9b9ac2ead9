//! `Orphans`: errors that name no call.
//!
//! A JSON-RPC peer that could not read a request answers with the id null. No call of the library
//! ends by that; of a command that makes one call it is the answer.

use std::sync::{Arc, OnceLock};

use serde_json::value::RawValue;
use tinyrpc::{Direction, Format, Payload, RpcError, WireTrace, transports::PeerAddress};
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::{hints::Stranger, parts::Parts, wire};

/// Waits for the first error that names no call.
#[derive(Debug)]
pub(super) struct Orphans {
    errors: Receiver<Vec<u8>>,
    stranger: Arc<OnceLock<Stranger>>,
}

/// Looks at what is received, and shows all messages where that is wanted.
#[derive(Debug)]
pub(super) struct Lookout {
    verbose: bool,
    found: Sender<Vec<u8>>,
    stranger: Arc<OnceLock<Stranger>>,
}

/// A lookout, and who waits for what it sees.
pub(super) fn orphans(verbose: bool) -> (Lookout, Orphans) {
    let (found, errors) = channel(1);
    let stranger = Arc::default();
    (Lookout { verbose, found, stranger: Arc::clone(&stranger) }, Orphans { errors, stranger })
}

impl WireTrace for Lookout {
    fn message(&self, direction: Direction, peer: &PeerAddress, message: &[u8]) {
        if self.verbose {
            wire::show(direction, peer, message);
        }
        if direction == Direction::Received
            && let Some(stranger) = Stranger::of(message)
        {
            _ = self.stranger.set(stranger);
        }
        if direction == Direction::Received && error_of(message).is_some() {
            // The first one is enough.
            _ = self.found.try_send(message.into());
        }
    }
}

impl Orphans {
    /// What the peer speaks, if what it sent is no message.
    pub(super) fn stranger(&self) -> Option<Stranger> {
        self.stranger.get().copied()
    }

    /// The error, whenever it comes. `format` is that of JSON.
    pub(super) async fn next(&mut self, format: Option<Format>) -> RpcError {
        if let Some(message) = self.errors.recv().await
            && let Some(error) = error_of(&message)
        {
            return read(error, format);
        }
        std::future::pending().await
    }
}

/// The error of a response whose id is null.
fn error_of(message: &[u8]) -> Option<&[u8]> {
    let Parts::Map(entries) = Parts::of_json(message)? else { return None };
    let find = |name| {
        let mut entries = entries.iter();
        entries.find(|(key, _)| key.as_deref() == Some(name)).map(|(_, value)| *value)
    };
    let named = find("id").is_some_and(|id| id != b"null");
    if named || find("method").is_some() {
        None
    } else {
        find("error").filter(|error| *error != b"null")
    }
}

/// Reads an error; one of a form of its own is its own message.
fn read(error: &[u8], format: Option<Format>) -> RpcError {
    #[derive(serde::Deserialize)]
    struct Wire<'a> {
        code: i64,
        message: String,
        #[serde(borrow)]
        data: Option<&'a RawValue>,
    }

    let Ok(Wire { code, message, data }) = serde_json::from_slice(error) else {
        return RpcError::server(String::from_utf8_lossy(error).into_owned());
    };
    let error = RpcError::new(code, message);
    match (data, format) {
        (Some(data), Some(format)) => {
            let bytes = data.get().as_bytes().to_vec().into();
            error.with_payload(Payload { bytes, format })
        }
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_errors_that_name_no_call() {
        for (message, found) in [
            (r#"{"jsonrpc":"2.0","error":{"code":1,"message":"m"},"id":null}"#, true),
            (r#"{"error":{"code":1,"message":"m"}}"#, true),
            (r#"{"error":{"code":1,"message":"m"},"id":1}"#, false),
            (r#"{"error":null,"id":null}"#, false),
            (r#"{"result":1,"id":null}"#, false),
            (r#"{"method":"error","error":{}}"#, false),
            ("[1]", false),
            ("\u{94}", false),
        ] {
            assert_eq!(error_of(message.as_bytes()).is_some(), found, "{message}");
        }
        let error = read(br#"{"code":-32700,"message":"no","data":[1]}"#, None);
        assert_eq!((error.code.0, &*error.message), (-32700, "no"));
        assert_eq!(read(br#"{"odd":1}"#, None).message, r#"{"odd":1}"#);
    }
}
