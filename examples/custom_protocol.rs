//! A protocol of your own: `cargo run --example custom_protocol`.
//!
//! `7 add [2,3]` is answered `7 ok 5` or `7 error -32601 no such method`; 0 is a notification.
#![expect(clippy::print_stdout, reason = "it shows what it does")]

use std::io::Write;

use tinyrpc::{
    Client, Dispatcher, Format, Id, Limits, RpcError, Server, Unsupported,
    protocols::{
        Answer, Codec, Decoder, Encoder, FrameRef, Invalid, Message, Profile, Protocol, Request,
        Response, Scan,
    },
    transports::memory,
};

#[derive(Clone, Copy, Debug)]
struct Plain;

impl Protocol for Plain {
    fn name(&self) -> &'static str {
        "plain"
    }

    fn open(&self, _limits: &Limits) -> Codec {
        Codec::new(Self, Self, Profile::new(Format::Json))
    }
}

impl Decoder for Plain {
    fn find(&mut self, buffer: &[u8]) -> Scan {
        match buffer.iter().position(|&byte| byte == b'\n') {
            Some(end) => Scan::Frame { start: 0, end, consumed: end + 1 },
            None => Scan::Need(1),
        }
    }

    fn decode<'f>(&mut self, frame: FrameRef<'f>) -> Result<Message<'f>, Invalid<'f>> {
        parse(frame).ok_or_else(|| Invalid {
            error: RpcError::new(-32600, "expected ID METHOD PARAMS"),
            answer: Answer::Nothing,
        })
    }
}

fn parse(frame: FrameRef<'_>) -> Option<Message<'_>> {
    let mut words = std::str::from_utf8(frame.bytes).ok()?.splitn(3, ' ');
    let (id, word, rest) = (Id::Number(words.next()?.parse().ok()?), words.next()?, words.next()?);
    let outcome = match word {
        "ok" => Ok(frame.payload(rest.as_bytes(), Format::Json)),
        "error" => {
            let (code, text) = rest.split_once(' ')?;
            Err(RpcError::new(code.parse::<i64>().ok()?, text.to_owned()))
        }
        method => {
            let params = frame.payload(rest.as_bytes(), Format::Json);
            let id = (id != Id::Number(0)).then_some(id);
            return Some(Message::Request(Request::new(id, method, params, frame.lane)));
        }
    };
    Some(Message::Response(Response::new(id, outcome)))
}

impl Encoder for Plain {
    fn request(
        &self,
        out: &mut Vec<u8>,
        id: Option<&Id<'_>>,
        method: &str,
        params: &[u8],
    ) -> Result<(), Unsupported> {
        _ = write!(out, "{} {method} ", id.and_then(Id::as_number).unwrap_or(0));
        out.extend_from_slice(if params.is_empty() { b"[]" } else { params });
        Ok(())
    }

    fn begin_result(&self, out: &mut Vec<u8>, id: &Id<'_>) {
        _ = write!(out, "{} ok ", id.as_number().unwrap_or(0));
    }

    fn error(&self, out: &mut Vec<u8>, id: &Id<'_>, error: &RpcError) {
        _ = write!(out, "{} error {} {}", id.as_number().unwrap_or(0), error.code, error.message);
    }

    fn terminate(&self, out: &mut Vec<u8>) {
        out.push(b'\n');
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (listener, connector) = memory::network();
    let calc = Dispatcher::new().method("add", |a: i64, b: i64| a + b);
    Server::new(calc).protocol(Plain).listen_on(listener);
    let client = Client::builder(connector, Plain).connect().await?;
    let five: i64 = client.call("add", (2, 3)).await?;
    println!("add(2, 3) = {five}");
    Ok(())
}
