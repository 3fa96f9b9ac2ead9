//! A protocol of your own: `cargo run --example custom_protocol`.
//!
//! One line a message: `7 add [2,3]` is answered `7 ok 5` or `7 error -32601 no such method`.
//! Params and results stay JSON, so the service needs to know nothing of it.

use std::{io::Write, sync::Arc};

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

    fn format(&self) -> Format {
        Format::Json
    }

    fn open(&self, _limits: &Limits) -> Codec {
        let profile = Profile::new(Format::Json);
        Codec { decoder: Box::new(Plain), encoder: Arc::new(Plain), profile }
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
            let method = method.into();
            let request =
                Request { id, method, params, named: None, meta: None, lane: frame.lane };
            return Some(Message::Request(request));
        }
    };
    Some(Message::Response(Response { id, outcome, meta: None }))
}

impl Encoder for Plain {
    fn request(
        &self,
        out: &mut Vec<u8>,
        id: Option<&Id<'_>>,
        method: &str,
        params: &[u8],
    ) -> Result<(), Unsupported> {
        // Notifications are calls number 0.
        let number = id.and_then(Id::as_number).unwrap_or(0);
        let params = std::str::from_utf8(params).unwrap_or_default();
        _ = write!(out, "{number} {method} {}", if params.is_empty() { "[]" } else { params });
        Ok(())
    }

    fn begin_result(&self, out: &mut Vec<u8>, id: &Id<'_>) {
        _ = write!(out, "{} ok ", id.as_number().unwrap_or(0));
    }

    fn error(&self, out: &mut Vec<u8>, id: &Id<'_>, error: &RpcError) {
        let number = id.as_number().unwrap_or(0);
        _ = write!(out, "{number} error {} {}", error.code, error.message.escape_debug());
    }

    fn terminate(&self, out: &mut Vec<u8>) {
        out.push(b'\n');
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (listener, connector) = memory::network();
    let calc = Dispatcher::new().method("add", |a: i64, b: i64| a + b);
    let server = Server::new(calc).protocol(Plain).listen_on(listener);
    let client = Client::builder(connector, Plain).connect().await?;
    let five: i64 = client.call("add", (2, 3)).await?;
    println!("add(2, 3) = {five}");
    println!("{}", client.call::<_, i64>("sub", (2, 3)).await.unwrap_err());
    server.shutdown().await;
    Ok(())
}
