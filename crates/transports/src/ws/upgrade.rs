//! From a request to a WebSocket: what the serving side answers to a handshake.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, header, request::Parts};
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;

use crate::http::{AnswerBody, Refusal, Reply};

/// Answers a handshake; with it goes the subprotocol that both sides know, if the peer asked for
/// any.
///
/// A peer that offers only subprotocols that nobody here knows gets none, and decides by itself
/// whether it goes on.
pub(crate) fn upgrade(
    parts: &Parts,
    known: &[Arc<str>],
) -> Result<(Reply, Option<Arc<str>>), Refusal> {
    let mut request = Request::new(());
    request.method_mut().clone_from(&parts.method);
    *request.version_mut() = parts.version;
    request.headers_mut().clone_from(&parts.headers);
    let reply = create_response_with_body(&request, || AnswerBody::whole(Bytes::new()));
    let mut reply = reply.map_err(|_| NO_HANDSHAKE)?;
    let subprotocol = chosen(parts, known);
    if let Some(name) = &subprotocol
        && let Ok(value) = HeaderValue::from_str(name)
    {
        reply.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, value);
    }
    Ok((reply, subprotocol))
}

/// The first subprotocol of the peer's list that is known: the order is its preference.
fn chosen(parts: &Parts, known: &[Arc<str>]) -> Option<Arc<str>> {
    let offers = parts.headers.get_all(header::SEC_WEBSOCKET_PROTOCOL);
    let offers = offers.iter().filter_map(|offer| offer.to_str().ok());
    let mut names = offers.flat_map(|offer| offer.split(',')).map(str::trim);
    names.find_map(|name| known.iter().find(|own| ***own == *name).cloned())
}

const NO_HANDSHAKE: Refusal = Refusal {
    status: StatusCode::BAD_REQUEST,
    words: "this is no handshake of WebSocket 13",
    allow: None,
};
