//! [`OldJsonEncoder`]: messages to bytes as before version 2.0.

use tinyrpc_core::{BatchPart, Code, Encoder, Id, Message, RpcError, Unsupported};

use super::encoder::{escaped, unsupported, write_error, write_id};

/// It remembers nothing, so all connections could share one.
#[derive(Debug)]
pub(super) struct OldJsonEncoder;

impl Encoder for OldJsonEncoder {
    fn request(
        &self,
        out: &mut Vec<u8>,
        id: Option<&Id<'_>>,
        method: &str,
        params: &[u8],
    ) -> Result<(), Unsupported> {
        out.extend_from_slice(br#"{"method":""#);
        escaped(out, method);
        out.extend_from_slice(br#"","params":"#);
        out.extend_from_slice(if params.is_empty() { b"[]" } else { params });
        end(out, id.unwrap_or(&Id::Null));
        Ok(())
    }

    fn begin_result(&self, out: &mut Vec<u8>, _id: &Id<'_>) {
        out.extend_from_slice(br#"{"result":"#);
    }

    fn end_result(&self, out: &mut Vec<u8>, id: &Id<'_>) {
        out.extend_from_slice(br#","error":null"#);
        end(out, id);
    }

    fn error(&self, out: &mut Vec<u8>, id: &Id<'_>, error: &RpcError) {
        out.extend_from_slice(br#"{"result":null,"error":"#);
        if error.code == Code::SERVER_ERROR && !error.has_data() {
            out.push(b'"');
            escaped(out, &error.message);
            out.push(b'"');
        } else {
            write_error(out, error);
        }
        end(out, id);
    }

    fn terminate(&self, out: &mut Vec<u8>) {
        out.push(b'\n');
    }

    /// The answers to an array of calls are a line each.
    fn batch(&self, out: &mut Vec<u8>, part: BatchPart) {
        if part == BatchPart::Between {
            out.push(b'\n');
        }
    }

    fn message(&self, _out: &mut Vec<u8>, _message: &Message<'_>) -> Result<(), Unsupported> {
        Err(unsupported())
    }
}

/// What every message ends with.
fn end(out: &mut Vec<u8>, id: &Id<'_>) {
    out.extend_from_slice(br#","id":"#);
    write_id(out, id);
    out.push(b'}');
}
