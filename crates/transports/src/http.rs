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
//!
//! # Streams
//!
//! A post of one request of JSON-RPC whose `Accept` names `application/x-ndjson` (also
//! `application/jsonl`, `application/ndjson`) or `text/event-stream` takes its answer as a stream:
//! one message a line, or one a server-sent event. Each value is the notification `rpc.item` of
//! `docs/extensions.md`, and the response stands behind them. A method that does not stream is
//! answered by its response in the same form; everybody else, and MessagePack, gets the collected
//! array.
//!
//! A client that does not read holds up its handler: some 64 KiB wait for its body, as many in the
//! queue of its connection, and what hyper and the system keep (half a megabyte, about). Where it takes
//! nothing for [`Limits::write_stall`](tinyrpc_core::Limits::write_stall) while more waits, its
//! connection is closed; one that is gone has its handler dropped. A body that ends without the
//! response was broken off, and its connection is closed without the end of the body.
//!
//! ```text
//! curl -N -H 'Accept: text/event-stream' -d '{"jsonrpc":"2.0","id":1,"method":"count","params":[3]}' \
//!     -H 'Content-Type: application/json' http://127.0.0.1:8080/
//! ```
//!
//! Our own client asks for lines where a call streams. A stream that is not read is held up behind
//! half of [`Limits::stream_bytes`](tinyrpc_core::Limits::stream_bytes) and what the system keeps, and no
//! other call is; dropping it closes its connection. Values cannot be sent into a call.

mod answer_body;
mod body;
mod cgi;
mod client;
mod client_stream;
mod collected;
mod desk;
mod dial;
mod exchange;
mod flow;
mod form;
mod front;
mod guard;
mod handler;
mod headers;
mod lines;
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

pub use self::{
    answer_body::AnswerBody,
    client::HttpConnector,
    listener::WebListener,
    mount::{Answering, HttpService, Mount},
    target::Target,
    web::Web,
};
use self::{form::Form, media::Media};
#[cfg(feature = "ws")]
pub(crate) use self::{guard::Refusal, respond::Reply};
