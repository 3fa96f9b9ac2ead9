//! MessagePack-RPC, as <https://github.com/msgpack-rpc/msgpack-rpc/blob/master/spec.md> has it and
//! as its peers speak it.

mod companions;
mod decoder;
mod encoder;
mod envelope;
mod extension;
mod flat;
mod scan;

#[cfg(test)]
mod tests;

use tinyrpc_core::{Codec, Format, Limits, Profile, Protocol};

use self::{
    decoder::MsgPackDecoder,
    encoder::{MsgPackEncoder, Texts},
};

/// MessagePack-RPC.
///
/// # What is accepted
///
/// Methods as str, raw or bin, if they are UTF-8; ids up to 2^64 - 1, however wide they were
/// written; params as an array, nil for none, and a bare map for named ones. Any value is accepted
/// as an error: a text, `[code, message]`, `[code, message, data]`, `[kind, message]`, a map with
/// these names; what remains keeps its value as data.
///
/// # What is sent
///
/// Errors as `[code, message]` or `[code, message, data]`; named params as an array of one map,
/// because stock peers take nothing but an array.
///
/// # Framing
///
/// On a stream of bytes messages delimit themselves. Nothing tells where the next one begins after
/// a byte that cannot be one, so that ends the connection. So does anything but an array between
/// messages: the text of an HTTP request would otherwise pass for a row of numbers, and its body
/// for calls.
///
/// # Answers to what is no request
///
/// | what came | answer |
/// |---|---|
/// | a request with an id and something wrong with it | -32600 under its id |
/// | an array that begins with a number above 2, and is no message of the extension | nothing |
/// | everything else | nothing: there is no answer without an id |
#[derive(Clone, Copy, Debug, Default)]
pub struct MsgPackRpc;

impl MsgPackRpc {
    /// The same protocol for peers from before 2013, which do not know str8.
    pub fn old() -> OldMsgPackRpc {
        OldMsgPackRpc
    }
}

/// MessagePack-RPC for peers that know only the formats of before 2013, such as
/// msgpack-rpc-python's; made by [`MsgPackRpc::old`].
///
/// Names of methods and messages of errors are written as raw, which is str without its form for
/// lengths of one byte. Params, results and data are not: their encoding is the
/// [format](Format::MsgPack)'s, so texts of 32 to 255 bytes in them are written as str8, and
/// [`Blob`](tinyrpc_core::Blob)s as bin. Everything is accepted as ever.
#[derive(Clone, Copy, Debug, Default)]
pub struct OldMsgPackRpc;

impl Protocol for MsgPackRpc {
    fn name(&self) -> &'static str {
        NAME
    }

    fn open(&self, limits: &Limits) -> Codec {
        open(limits, Texts::Str)
    }

    fn claims(&self, first: u8) -> bool {
        claims(first)
    }

    fn claims_later(&self, first: u8) -> bool {
        claims_later(first)
    }
}

impl Protocol for OldMsgPackRpc {
    fn name(&self) -> &'static str {
        NAME
    }

    fn open(&self, limits: &Limits) -> Codec {
        open(limits, Texts::Raw)
    }

    fn claims(&self, first: u8) -> bool {
        claims(first)
    }

    fn claims_later(&self, first: u8) -> bool {
        claims_later(first)
    }
}

fn open(limits: &Limits, texts: Texts) -> Codec {
    let mut profile = Profile::new(Format::MsgPack);
    // The old format has no bin, in which chunks are.
    profile.extension = texts == Texts::Str;
    profile.behind_value = Some(0);
    Codec::new(MsgPackDecoder::new(limits), MsgPackEncoder { texts }, profile)
}

/// An array of three or four elements, or one whose length follows: no other byte begins the first
/// message of any peer.
fn claims(first: u8) -> bool {
    matches!(first, 0x93 | 0x94 | 0xdc | 0xdd)
}

/// Requests with companions and what is said within a call have other lengths than stock messages,
/// and may come first on an exchange.
fn claims_later(first: u8) -> bool {
    matches!(first, 0x92..=0x95 | 0xdc | 0xdd)
}

const NAME: &str = "msgpack";
