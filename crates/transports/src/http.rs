//! HTTP POST: one message in the body of a request, no or one answer in the body of its response.
//!
//! HTTP/1.1 on hyper, kept alive. A connection is one of exchanges: each request is a lane. The
//! same port may speak WebSocket, with the feature `ws`.
//!
//! | request | response |
//! |---|---|
//! | a call, a batch | 200 with the answer, errors too |
//! | notifications alone | 204 |
//! | refused because of a limit or a shutdown, not executed | 503 |
//! | not for this host, or of a foreign page | 403 |
//! | another path, method, media type, or too large | 404, 405, 415, 413 |
//!
//! What is refused before it is read has the header `rpc-outcome: not-executed`, by which our
//! clients know.
//!
//! Bodies are `application/json` (also `application/json-rpc`, `application/json-rpc2`) and
//! `application/msgpack` (also `application/x-msgpack`, `application/vnd.msgpack`).

mod body;
mod cgi;
mod client;
mod client_stream;
mod collected;
mod desk;
mod dial;
mod exchange;
mod front;
mod guard;
mod handler;
mod headers;
mod listener;
mod media;
mod mount;
mod mounted;
mod open;
mod outcome;
mod posts;
mod respond;
mod seat;
mod sniff;
#[cfg(feature = "ws")]
mod socket;
mod target;
mod watched;
mod web;

use self::media::Media;
pub use self::{
    client::HttpConnector,
    listener::WebListener,
    mount::{Answering, HttpService, Mount},
    target::Target,
    web::Web,
};
#[cfg(feature = "ws")]
pub(crate) use self::{guard::Refusal, respond::Reply};
