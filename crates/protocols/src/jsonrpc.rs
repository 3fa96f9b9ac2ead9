//! JSON-RPC 2.0, as <https://www.jsonrpc.org/specification> has it.

mod decoder;
mod encoder;
mod envelope;
mod scan;
mod text;

#[cfg(test)]
mod tests;

use tinyrpc_core::{Codec, Format, Limits, Profile, Protocol};

use self::{decoder::JsonDecoder, encoder::JsonEncoder};

/// JSON-RPC 2.0.
///
/// What is sent is compact and strict. What is accepted is strict where a call could be mistaken
/// for another one (grammar, UTF-8, members that come twice, the version, ids) and lenient where
/// nothing can go wrong: members that nobody knows, errors of odd shapes in answers.
///
/// # Framing
///
/// On a stream of bytes messages delimit themselves; white space between them means nothing, and
/// each one sent ends with a line feed. After a syntax error the rest of the line is dropped, and
/// only the first error is answered until an object or array parses again. An HTTP request line
/// ends the connection: otherwise any web page could post a call to it.
///
/// # Answers to what is no request
///
/// | what came | answer |
/// |---|---|
/// | no JSON | -32700, id null |
/// | more than a limit allows; a scalar; an empty batch; a batch of too many | -32600, id null |
/// | an object that is no request and no response | -32600, its id, or null where it has none that can be used |
/// | a member of a batch that is no request and no response | the same, inside the batch |
/// | a response that is none | nothing: there is no answer to an answer |
///
/// # Ids
///
/// `null`, strings and integers of any size are echoed byte for byte. Fractions, exponents, `true`,
/// `false`, arrays and objects are no ids.
#[derive(Clone, Copy, Debug, Default)]
pub struct JsonRpc;

impl Protocol for JsonRpc {
    fn name(&self) -> &'static str {
        "jsonrpc"
    }

    fn open(&self, limits: &Limits) -> Codec {
        let mut profile = Profile::new(Format::Json);
        profile.batches = true;
        Codec::new(JsonDecoder::new(limits), JsonEncoder, profile)
    }

    fn claims(&self, first: u8) -> bool {
        matches!(first, b'{' | b'[' | b' ' | b'\t' | b'\r' | b'\n')
    }
}
