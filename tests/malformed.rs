//! Every case of `tests/data/malformed`: the exact answers, and what becomes of the connection.
//!
//! | over | how | which cases |
//! |---|---|---|
//! | memory | whole | all |
//! | memory | byte by byte | all; of inputs above 256 KiB both ends, and the middle in steps of 1,021 |
//! | TCP | whole | all |
//! | TCP | byte by byte | inputs up to 4 KiB: one system call a byte |
//!
//! A stream goes to a server that recognises protocols and framings. A frame goes to a server of one
//! protocol behind a length, and in memory also as a message of a transport that delimits them.

#[path = "support/bench.rs"]
mod bench;
#[path = "support/raw.rs"]
mod raw;
#[path = "support/transcript.rs"]
mod transcript;
#[path = "support/value.rs"]
mod value;
#[path = "support/wire.rs"]
mod wire;

use std::{fmt::Write, fs, io::ErrorKind, path::Path, sync::Arc};

use bench::Bench;
use raw::{Heard, Raw, soon};
use tinyrpc::{
    Dispatched, Dispatcher, Endpoint, Limits, Server, ServerHandle,
    protocols::{ContentLength, Framing, JsonRpc, Length, Lines, NetString},
    transports::Shape,
};
use tokio::net::TcpStream;
use transcript::{Case, End, Place, cases, same};
use value::Value;
use wire::Wire;

fn service() -> Dispatcher {
    Dispatcher::new()
        .method("add", |a: i64, b: i64| a.saturating_add(b))
        .params(["a", "b"])
        .method("echo", |value: Value| value)
}

/// A file of cases.
struct File {
    name: &'static str,
    wire: Wire,
    /// How many cases there are at least: those that are lost would pass.
    cases: usize,
}

const JSON: File = File { name: "jsonrpc.txt", wire: Wire::Json, cases: 300 };
const MSGPACK: File = File { name: "msgpack.txt", wire: Wire::MessagePack, cases: 200 };
const FRAMING: File = File { name: "framing.txt", wire: Wire::Json, cases: 50 };

impl File {
    fn read(&self) -> Vec<Case> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/malformed");
        let text = fs::read_to_string(folder.join(self.name)).expect("the data is there");
        let cases = cases(&text, self.wire).expect("the data is valid");
        assert!(cases.len() >= self.cases, "only {} cases", cases.len());
        cases
    }
}

/// What a case sends.
fn input(case: &Case, wire: Wire) -> Vec<u8> {
    match case.place {
        Place::Frame => wire::with_length(&case.input),
        // A newline ends each text; MessagePack ends by itself.
        Place::Stream => wire::on_stream(wire, case.input.clone()),
        Place::NetString | Place::ContentLength => case.input.clone(),
    }
}

/// A call by which one learns that a case's connection lives, as that connection has it.
fn probe(case: &Case, wire: Wire) -> Vec<u8> {
    let call = wire::probe(wire);
    match case.place {
        Place::Frame => wire::with_length(&call),
        Place::Stream => wire::on_stream(wire, call),
        Place::NetString => wire::as_netstring(&call),
        Place::ContentLength => wire::with_header(&call),
    }
}

/// What a case's answers and its connection's end should be, and were.
#[derive(Default)]
struct Report {
    checked: usize,
    failures: String,
}

impl Report {
    fn check(&mut self, case: &Case, how: &str, messages: &[Vec<u8>], end: End) {
        self.checked += 1;
        let answers = same(&case.answers, messages, false);
        if answers && case.end == end {
            return;
        }
        let shown: Vec<_> = messages
            .iter()
            .map(|one| String::from_utf8(one.clone()).unwrap_or_else(|_| format!("{one:02x?}")))
            .map(|one| format!("{one:.200}"))
            .collect();
        writeln!(
            self.failures,
            "line {} {} ({how}): it {end:?}, expected {:?}; answers{} {shown:?}, expected {:.300}",
            case.line,
            case.name,
            case.end,
            if answers { "" } else { " WRONG" },
            format!("{:?}", case.answers),
        )
        .expect("a string takes everything");
    }

    #[track_caller]
    fn finish(self, at_least: usize) {
        let count = self.failures.lines().count();
        assert!(self.failures.is_empty(), "{count} of {}:\n{}", self.checked, self.failures);
        assert!(self.checked >= at_least, "only {} cases", self.checked);
    }
}

/// Whether a session that was given a case lives, waits or is closed.
fn end_of(bench: &mut Bench, case: &Case, wire: Wire, probe: &[u8]) -> End {
    if bench.is_closed() {
        return End::Closes;
    }
    if case.end == End::Waits {
        // What it waits for must not be known already: the probe is more of the same message.
        return End::Waits;
    }
    bench.give(probe);
    let answered = bench.take();
    let lives = matches!(answered.as_slice(), [one] if wire::is_probed(wire, one));
    if lives { End::Lives } else { End::Waits }
}

/// Feeds an input byte by byte, but for the middle of a long one.
fn give_slowly(bench: &mut Bench, bytes: &[u8]) {
    let ends = if bytes.len() > 256 << 10 { 64 << 10 } else { bytes.len() };
    let (first, rest) = bytes.split_at(ends);
    let (middle, last) = rest.split_at(rest.len().saturating_sub(ends));
    bench.give_in_steps(first, 1);
    bench.give_in_steps(middle, 1021);
    bench.give_in_steps(last, 1);
}

fn in_memory(file: &File, slowly: bool) {
    let mut report = Report::default();
    let wire = file.wire;
    for case in &file.read() {
        let mut bench = if case.place == Place::Frame {
            let length: Arc<dyn Framing> = Arc::new(Length);
            let protocols = vec![bench::protocol(wire)];
            Bench::new(service(), protocols, Shape::Stream, Some(length), Limits::default())
        } else {
            Bench::stream(service())
        };
        match slowly {
            true => give_slowly(&mut bench, &input(case, wire)),
            false => bench.give(&input(case, wire)),
        }
        let messages = bench.take();
        let end = end_of(&mut bench, case, wire, &probe(case, wire));
        report.check(case, if slowly { "slowly" } else { "whole" }, &messages, end);
    }
    report.finish(file.cases);
}

#[test]
fn jsonrpc_in_memory_whole() {
    in_memory(&JSON, false);
}

#[test]
fn jsonrpc_in_memory_byte_by_byte() {
    in_memory(&JSON, true);
}

#[test]
fn msgpack_in_memory_whole() {
    in_memory(&MSGPACK, false);
}

#[test]
fn msgpack_in_memory_byte_by_byte() {
    in_memory(&MSGPACK, true);
}

#[test]
fn framing_in_memory_whole() {
    in_memory(&FRAMING, false);
}

#[test]
fn framing_in_memory_byte_by_byte() {
    in_memory(&FRAMING, true);
}

/// The same frames as messages of a transport that delimits them.
#[test]
fn frames_of_a_transport_of_messages() {
    let mut report = Report::default();
    for file in [JSON, MSGPACK] {
        let wire = file.wire;
        for case in file.read().iter().filter(|case| case.place == Place::Frame) {
            let protocols = vec![bench::protocol(wire)];
            let mut bench =
                Bench::new(service(), protocols, Shape::Messages, None, Limits::default());
            bench.give(&case.input);
            let messages = bench.take();
            let end = end_of(&mut bench, case, wire, &wire::probe(wire));
            // There is no HTTP where messages are delimited, but nothing says so to the session.
            report.check(case, "as a message", &messages, end);
        }
    }
    report.finish(30);
}

/// Whoever lets two members through leaves the choice to whoever reads on: every way in refuses
/// them, and answers alike.
#[test]
fn duplicates_at_every_entry() {
    type Frame = fn(&[u8]) -> Vec<u8>;
    let framings: [(Arc<dyn Framing>, Frame); 4] = [
        (Arc::new(Length), wire::with_length),
        (Arc::new(NetString), wire::as_netstring),
        (Arc::new(ContentLength), wire::with_header),
        (Arc::new(Lines), |message| wire::on_stream(Wire::Json, message.to_vec())),
    ];
    let ways = framings.iter().map(|(framing, frame)| (Shape::Stream, Some(framing), *frame));
    let ways: Vec<_> = ways.chain([(Shape::Messages, None, <[u8]>::to_vec as Frame)]).collect();
    let endpoint = Endpoint::new(service(), JsonRpc);
    let mut report = Report::default();
    for case in JSON.read().iter().filter(|case| case.name.contains("duplicate")) {
        let Dispatched::Ready(answer) = endpoint.dispatch_now(case.input.clone()) else {
            panic!("{} waits", case.name)
        };
        let answer: Vec<_> = answer.into_iter().map(Vec::from).collect();
        report.check(case, "to an endpoint", &answer, case.end);
        for (shape, framing, frame) in &ways {
            let protocols = vec![bench::protocol(Wire::Json)];
            let framing = framing.cloned();
            let how = format!("{shape:?} {framing:?}");
            let mut bench = Bench::new(service(), protocols, *shape, framing, Limits::default());
            bench.give(&frame(&case.input));
            let messages = bench.take();
            let end = end_of(&mut bench, case, Wire::Json, &frame(&wire::probe(Wire::Json)));
            report.check(case, &how, &messages, end);
        }
    }
    report.finish(6 * 40);
}

/// A server for streams and one for frames.
async fn servers(wire: Wire) -> (ServerHandle, ServerHandle) {
    let name = match wire {
        Wire::Json => "jsonrpc",
        Wire::MessagePack => "msgpack",
    };
    let framed = format!("{name}+tcp://127.0.0.1:0?framing=length");
    (
        Server::new(service()).listen("tcp://127.0.0.1:0").await.expect("a free port"),
        Server::new(service()).listen(framed).await.expect("a free port"),
    )
}

async fn over_tcp(file: &File, step: usize, longest: usize) {
    let wire = file.wire;
    let (streams, frames) = servers(wire).await;
    let mut report = Report::default();
    let mut left_out = 0;
    for case in file.read().iter().filter(|case| case.input.len() <= longest) {
        if is_http(case) {
            left_out += 1;
            continue;
        }
        let server = if case.place == Place::Frame { &frames } else { &streams };
        let probe = probe(case, wire);
        let address = server.addresses().concat();
        let mut peer = Raw::connect(&address).await.expect("it listens");
        let mut bytes = input(case, wire);
        if case.end == End::Lives {
            bytes.extend(&probe);
        }
        let enough = |messages: &[Vec<u8>]| match case.end {
            // A large answer may be overtaken by the small one behind it.
            End::Lives => {
                messages.len() > case.answers.len()
                    && messages.iter().any(|one| wire::is_probed(wire, one))
            }
            End::Closes => false,
            End::Waits => messages.len() >= case.answers.len(),
        };
        let Heard { mut messages, closed } = peer.exchange(&bytes, step, enough).await;
        let end = match case.end {
            _ if closed => End::Closes,
            End::Waits if !is_silent(&mut peer, &address, &probe, wire).await => End::Closes,
            End::Lives => match messages.iter().position(|one| wire::is_probed(wire, one)) {
                Some(at) => {
                    messages.remove(at);
                    End::Lives
                }
                None => End::Waits,
            },
            _ => End::Waits,
        };
        report.check(case, &format!("over TCP in steps of {step}"), &messages, end);
    }
    // Few are too long to be sent byte by byte.
    report.finish(file.cases * 9 / 10 - left_out);
}

/// True where a port for everything takes a case for HTTP: what must hold then is in `web_pages`.
fn is_http(case: &Case) -> bool {
    let first = case.input.first().is_some_and(u8::is_ascii_uppercase);
    let header = case.input.starts_with(b"Co") || case.input.starts_with(b"CONT");
    cfg!(feature = "http") && first && !header
}

/// True when nothing more came, and no end, after the server had several turns.
async fn is_silent(peer: &mut Raw<TcpStream>, address: &str, probe: &[u8], wire: Wire) -> bool {
    let mut other = Raw::connect(address).await.expect("it listens");
    for _ in 0..3 {
        other.send(probe).await.expect("it is served");
        let answer = soon(other.message()).await.expect("an answer");
        assert!(wire::is_probed(wire, &answer));
    }
    let read = peer.stream.try_read(&mut [0]);
    read.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}

#[tokio::test]
async fn jsonrpc_over_tcp_whole() {
    over_tcp(&JSON, usize::MAX, usize::MAX).await;
}

#[tokio::test]
async fn jsonrpc_over_tcp_byte_by_byte() {
    over_tcp(&JSON, 1, 4 << 10).await;
}

#[tokio::test]
async fn msgpack_over_tcp_whole() {
    over_tcp(&MSGPACK, usize::MAX, usize::MAX).await;
}

#[tokio::test]
async fn msgpack_over_tcp_byte_by_byte() {
    over_tcp(&MSGPACK, 1, 4 << 10).await;
}

#[tokio::test]
async fn framing_over_tcp_whole() {
    over_tcp(&FRAMING, usize::MAX, usize::MAX).await;
}

#[tokio::test]
async fn framing_over_tcp_byte_by_byte() {
    over_tcp(&FRAMING, 1, 4 << 10).await;
}
