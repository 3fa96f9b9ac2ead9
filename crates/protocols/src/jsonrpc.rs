//! JSON-RPC 2.0, as <https://www.jsonrpc.org/specification> has it, and 1.x as its peers speak it.

mod companions;
mod decoder;
mod dialect;
mod encoder;
mod envelope;
mod extension;
mod foreign;
mod old_encoder;
mod scan;
mod text;

#[cfg(test)]
mod tests;

use tinyrpc_core::{Codec, Format, Limits, Profile, Protocol};

pub use self::foreign::JsonRpcDialect;
use self::{
    decoder::JsonDecoder, dialect::Dialect, encoder::JsonEncoder, old_encoder::OldJsonEncoder,
};

/// JSON-RPC 2.0.
///
/// What is sent is compact and strict. What is accepted is strict where a call could be mistaken
/// for another one (grammar, UTF-8, members that come twice, the version, ids) and lenient where
/// nothing can go wrong: members that nobody knows, errors of odd shapes in answers, answers of the
/// shape of [1.x](JsonRpc1).
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
/// | a notification whose name begins with `rpc.`, and that is no message of the extension | nothing |
///
/// A notification whose params are null has none, because some peers write it so; of a call that is
/// refused.
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
        profile.extension = true;
        profile.behind_value = Some(b"]}".len());
        Codec::new(JsonDecoder::new(limits, Dialect::Two), JsonEncoder, profile)
    }

    fn claims(&self, first: u8) -> bool {
        claims(first)
    }
}

/// JSON-RPC before 2.0, for peers such as bjsonrpc: requests without a version.
///
/// A client of 2.0 understands the answers of such a peer anyway, so this is for its requests, and
/// for peers that do not read those of 2.0.
///
/// # What is accepted
///
/// All that [`JsonRpc`] accepts, with or without a version, and:
///
/// | what came | what it means |
/// |---|---|
/// | a request whose id is null or absent | a notification |
/// | params that are null | none |
/// | `kwparams`, an object | named params beside positional ones |
///
/// Version 1.0 has no batches. An array of calls, which bjsonrpc understands, is answered by a line
/// for each call, all together.
///
/// # What is sent
///
/// Params are always there, and named ones are an object. Notifications have the id null. Answers
/// have both a result and an error, one of which is null. An error is a text where that says all:
/// where it has the code -32000, which a text is read as, and no data. Otherwise it is an object,
/// as in 2.0.
#[derive(Clone, Copy, Debug, Default)]
pub struct JsonRpc1;

impl Protocol for JsonRpc1 {
    fn name(&self) -> &'static str {
        "jsonrpc1"
    }

    fn open(&self, limits: &Limits) -> Codec {
        let profile = Profile::new(Format::Json);
        Codec::new(JsonDecoder::new(limits, Dialect::One), OldJsonEncoder, profile)
    }

    fn claims(&self, first: u8) -> bool {
        claims(first)
    }
}

fn claims(first: u8) -> bool {
    matches!(first, b'{' | b'[' | b' ' | b'\t' | b'\r' | b'\n')
}
