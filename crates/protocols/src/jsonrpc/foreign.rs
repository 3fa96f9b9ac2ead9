//! [`JsonRpcDialect`]: JSON-RPC 2.0 with the words that others have for more than it can say.

use tinyrpc_core::{
    BatchPart, Code, Codec, Decoder, Encoder, Format, FrameRef, Id, Invalid, Limits, Message,
    Profile, Protocol, Reports, Request, RpcError, Scan, Unsupported,
};

use super::{
    Dialect, claims,
    decoder::JsonDecoder,
    encoder::{JsonEncoder, escaped, unsupported, write_id},
    scan::{Span, member},
    text,
};

/// JSON-RPC 2.0 as a larger protocol speaks it: a call that is given up, or whose time is over, is
/// cancelled at its peer.
///
/// | dialect | in URLs | what cancels a call | how a call that was cancelled is answered |
/// |---|---|---|---|
/// | [Language Server Protocol 3.17](https://microsoft.github.io/language-server-protocol/specifications/lsp/3.17/specification/#cancelRequest) | `dialect=lsp` | `$/cancelRequest` with `{"id": ..}` | error -32800, `RequestCancelled` |
/// | [Model Context Protocol](https://modelcontextprotocol.io/specification/2025-06-18/basic/utilities/cancellation) | `dialect=mcp` | `notifications/cancelled` with `{"requestId": .., "reason": ".."}` | not at all |
///
/// A handler reports of its call by `Context::progress`, a caller reads that by `Caller::progress`.
///
/// Cancelling a call drops its handler's future. Calls that are answered, or that nobody knows,
/// cannot be cancelled: nothing happens. Everything else is as in [`JsonRpc`](super::JsonRpc), but
/// that nothing of our own extension is spoken, and calls of a batch are sent one by one, because
/// neither protocol has batches.
///
/// A dialect is a protocol: `Client::builder(connector, JsonRpcDialect::Lsp)`, or
/// `jsonrpc+exec:` `pylsp` with the option `dialect`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JsonRpcDialect {
    /// The Language Server Protocol.
    Lsp,
    /// The Model Context Protocol.
    Mcp,
}

impl JsonRpcDialect {
    /// The dialect of a name, as it stands in URLs.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "lsp" => Some(Self::Lsp),
            "mcp" => Some(Self::Mcp),
            _ => None,
        }
    }

    /// What cancels a call: the method, and the member of its params that holds the id.
    fn cancels(self) -> (&'static str, &'static str) {
        match self {
            Self::Lsp => ("$/cancelRequest", "id"),
            Self::Mcp => ("notifications/cancelled", "requestId"),
        }
    }
}

impl Protocol for JsonRpcDialect {
    fn name(&self) -> &'static str {
        "jsonrpc"
    }

    fn open(&self, limits: &Limits) -> Codec {
        let mut profile = Profile::new(Format::Json);
        profile.cancels = true;
        profile.answers_cancelled = *self != Self::Mcp;
        profile.reports = Some(match self {
            Self::Lsp => Reports::Lsp,
            Self::Mcp => Reports::Mcp,
        });
        let decoder = ForeignDecoder {
            inner: JsonDecoder::new(limits, Dialect::Two),
            dialect: *self,
            max_id: limits.max_id,
        };
        Codec::new(decoder, ForeignEncoder(*self), profile)
    }

    fn claims(&self, first: u8) -> bool {
        claims(first)
    }
}

#[derive(Debug)]
struct ForeignDecoder {
    inner: JsonDecoder,
    dialect: JsonRpcDialect,
    max_id: usize,
}

impl Decoder for ForeignDecoder {
    fn find(&mut self, buffer: &[u8]) -> Scan {
        self.inner.find(buffer)
    }

    fn decode<'f>(&mut self, frame: FrameRef<'f>) -> Result<Message<'f>, Invalid<'f>> {
        let message = self.inner.decode(frame)?;
        let (method, key) = self.dialect.cancels();
        Ok(match message {
            Message::Request(request) if request.id.is_none() && request.method == method => {
                self.cancelled(&request, key).map_or(Message::Unknown, Message::Cancel)
            }
            other => other,
        })
    }
}

impl ForeignDecoder {
    /// The id of the request that is to be cancelled, as it came.
    fn cancelled<'f>(&self, request: &Request<'f>, key: &str) -> Option<Id<'f>> {
        let params = request.params.bytes;
        let token = member(params, key)?;
        let start = token.as_ptr().addr().checked_sub(params.as_ptr().addr())?;
        let span = Span {
            start: u32::try_from(start).ok()?,
            end: u32::try_from(start + token.len()).ok()?,
        };
        text::id(params, span, self.max_id)
    }
}

#[derive(Debug)]
struct ForeignEncoder(JsonRpcDialect);

impl Encoder for ForeignEncoder {
    fn request(
        &self,
        out: &mut Vec<u8>,
        id: Option<&Id<'_>>,
        method: &str,
        params: &[u8],
    ) -> Result<(), Unsupported> {
        JsonEncoder.request(out, id, method, params)
    }

    fn begin_result(&self, out: &mut Vec<u8>, id: &Id<'_>) {
        JsonEncoder.begin_result(out, id);
    }

    fn end_result(&self, out: &mut Vec<u8>, id: &Id<'_>) {
        JsonEncoder.end_result(out, id);
    }

    fn error(&self, out: &mut Vec<u8>, id: &Id<'_>, error: &RpcError) {
        if self.0 == JsonRpcDialect::Lsp && error.code == Code::CANCELLED {
            let mut error = error.clone();
            error.code = REQUEST_CANCELLED;
            return JsonEncoder.error(out, id, &error);
        }
        JsonEncoder.error(out, id, error);
    }

    fn terminate(&self, out: &mut Vec<u8>) {
        JsonEncoder.terminate(out);
    }

    fn batch(&self, out: &mut Vec<u8>, part: BatchPart) {
        JsonEncoder.batch(out, part);
    }

    fn message(&self, out: &mut Vec<u8>, message: &Message<'_>) -> Result<(), Unsupported> {
        let Message::Cancel(id) = message else { return Err(unsupported()) };
        let (method, key) = self.0.cancels();
        out.extend_from_slice(br#"{"jsonrpc":"2.0","method":""#);
        escaped(out, method);
        out.extend_from_slice(br#"","params":{""#);
        escaped(out, key);
        out.extend_from_slice(br#"":"#);
        write_id(out, id);
        if self.0 == JsonRpcDialect::Mcp {
            out.extend_from_slice(br#","reason":"nobody waits for the answer any more""#);
        }
        out.extend_from_slice(b"}}");
        Ok(())
    }
}

/// `RequestCancelled` of the Language Server Protocol.
const REQUEST_CANCELLED: Code = Code(-32800);
