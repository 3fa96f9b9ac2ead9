//! How messages look on the wire: JSON-RPC 2.0 and 1.x, and MessagePack-RPC.
//!
//! Each protocol is a feature and a folder: envelope, native framing, and nothing else. It knows no
//! transport, no method and no task. Who serves or calls functions wants the crate `tinyrpc`; who
//! writes a protocol of his own finds every trait and type that he needs here again.
//!
//! ```
//! # #[cfg(feature = "jsonrpc")] {
//! use tinyrpc_protocols::{FrameRef, JsonRpc, Lane, Limits, Message, Protocol, Scan};
//!
//! let mut codec = JsonRpc.open(&Limits::default());
//! let stream = b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"add\",\"params\":[2,3]}\n";
//!
//! let Scan::Frame { start, end, .. } = codec.decoder.find(stream) else { panic!("no frame") };
//! let frame = FrameRef { lane: Lane::DUPLEX, bytes: &stream[start..end], block: None };
//! let Ok(Message::Request(request)) = codec.decoder.decode(frame) else { panic!("no request") };
//! assert_eq!(request.method, "add");
//! assert_eq!(request.params.decode::<(i64, i64)>().unwrap(), (2, 3));
//!
//! let mut answer = Vec::new();
//! codec.encoder.begin_result(&mut answer, &request.id.unwrap());
//! answer.extend_from_slice(b"5");
//! codec.encoder.end_result(&mut answer, &1.into());
//! assert_eq!(answer, br#"{"jsonrpc":"2.0","id":1,"result":5}"#);
//! # }
//! ```
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(any(feature = "jsonrpc", feature = "msgpack"))]
mod extension;
#[cfg(feature = "jsonrpc")]
mod jsonrpc;
#[cfg(any(feature = "jsonrpc", feature = "msgpack"))]
mod mark;
#[cfg(feature = "msgpack")]
mod msgpack;

pub use tinyrpc_core::{
    Allowance, Answer, BatchPart, Blob, Chunk, Code, Codec, ContentLength, Credit, Decoder,
    Encoder, Ext, Format, FormatError, FrameReader, FrameRef, Framing, Heartbeat, Id, IdKind,
    Invalid, Lane, Length, Limits, Lines, Message, Meta, NetString, Payload, PayloadRef, Ping,
    Profile, Protocol, Reports, Request, Response, RpcError, Scan, StreamEnd, StreamItem,
    Unsupported, Way,
};

#[cfg(feature = "jsonrpc")]
pub use crate::jsonrpc::{JsonRpc, JsonRpc1, JsonRpcDialect};
#[cfg(feature = "msgpack")]
pub use crate::msgpack::{MsgPackRpc, OldMsgPackRpc};
