//! What holds for all messages of the extension, and for bytes that are nearly ones.
#![cfg(all(feature = "jsonrpc", feature = "msgpack"))]

use std::time::Duration;

use proptest::{collection::vec, option, prelude::*, sample::Index};
use tinyrpc_protocols::{
    Allowance, Answer, Chunk, Codec, Credit, Format, FrameRef, Id, Invalid, JsonRpc, Lane, Limits,
    Message, Meta, MsgPackRpc, Payload, Protocol, Response, RpcError, Scan, StreamEnd, StreamItem,
    Way,
};

/// A message of the extension that is not encoded yet.
#[derive(Clone, Debug)]
enum Told {
    Item(Id<'static>, Way, Number),
    Close(Id<'static>, Option<Failure>),
    Credit(Id<'static>, Way, Allowance),
    Stop(Id<'static>),
    Cancel(Id<'static>),
    Chunk(u32, bool, Vec<u8>),
    Window(u32),
}

/// A value that is the same in both formats.
type Number = Option<Vec<i64>>;
/// Code, message and data.
type Failure = (i64, String, Option<Number>);

#[derive(Clone, Copy, Debug)]
enum Speaks {
    Json,
    MsgPack,
}

impl Speaks {
    fn open(self) -> Codec {
        match self {
            Self::Json => JsonRpc.open(&Limits::default()),
            Self::MsgPack => MsgPackRpc.open(&Limits::default()),
        }
    }

    fn format(self) -> Format {
        match self {
            Self::Json => Format::Json,
            Self::MsgPack => Format::MsgPack,
        }
    }

    fn value(self, value: &Number) -> Payload {
        Payload::encode(value, self.format()).expect("it can be encoded")
    }

    /// The bytes of a message, without the end of its line.
    fn encode(self, told: &Told) -> Vec<u8> {
        let value;
        let message = match told.clone() {
            Told::Item(id, way, number) => {
                value = self.value(&number);
                let value = value.as_ref();
                Message::StreamItem(StreamItem { id, way, value, meta: None })
            }
            Told::Close(id, failure) => {
                let outcome = failure.map_or(Ok(()), |failure| Err(self.error(&failure)));
                Message::StreamEnd(StreamEnd { id, way: Way::ToCallee, outcome, meta: None })
            }
            Told::Credit(id, way, more) => Message::Credit(Credit { id, way, more, meta: None }),
            Told::Stop(id) => Message::Stop(id),
            Told::Cancel(id) => Message::Cancel(id),
            Told::Chunk(message, last, bytes) => {
                Message::Chunk(Chunk { message, last, bytes: bytes.into() })
            }
            Told::Window(amount) => Message::Window(amount),
        };
        let mut out = Vec::new();
        self.open().encoder.message(&mut out, &message).expect("it is sayable");
        out
    }

    fn error(self, (code, message, data): &Failure) -> RpcError {
        let error = RpcError::new(*code, message.clone());
        match data {
            Some(data) => error.with_payload(self.value(data)),
            None => error,
        }
    }

    /// How the message is shown that these bytes are for a decoder.
    fn expected(self, told: &Told) -> String {
        match told {
            Told::Item(id, way, number) => {
                format!("item {id:?} {way:?} {:?}", self.value(number).bytes)
            }
            Told::Close(id, failure) => {
                let outcome = failure.as_ref().map_or(Ok(()), |failure| Err(self.error(failure)));
                format!("close {id:?} {}", end(&outcome))
            }
            Told::Credit(id, way, more) => format!("credit {id:?} {way:?} {more:?}"),
            Told::Stop(id) => format!("stop {id:?}"),
            Told::Cancel(id) => format!("cancel {id:?}"),
            Told::Chunk(message, last, bytes) => format!("chunk {message} {last} {bytes:?}"),
            Told::Window(amount) => format!("window {amount}"),
        }
    }
}

fn end(outcome: &Result<(), RpcError>) -> String {
    match outcome {
        Ok(()) => "ended".into(),
        Err(error) => {
            let data = error.payload().map(|data| &data.bytes);
            format!("{} {:?} {data:?}", error.code, error.message)
        }
    }
}

fn show(decoded: &Result<Message<'_>, Invalid<'_>>) -> String {
    match decoded {
        Ok(Message::StreamItem(StreamItem { id, way, value, .. })) => {
            format!("item {id:?} {way:?} {:?}", value.to_payload().bytes)
        }
        Ok(Message::StreamEnd(StreamEnd { id, way: Way::ToCallee, outcome, .. })) => {
            format!("close {id:?} {}", end(outcome))
        }
        Ok(Message::Credit(Credit { id, way, more, .. })) => {
            format!("credit {id:?} {way:?} {more:?}")
        }
        Ok(Message::Stop(id)) => format!("stop {id:?}"),
        Ok(Message::Cancel(id)) => format!("cancel {id:?}"),
        Ok(Message::Chunk(Chunk { message, last, bytes })) => {
            format!("chunk {message} {last} {:?}", bytes.to_vec())
        }
        Ok(Message::Window(amount)) => format!("window {amount}"),
        Ok(Message::Unknown) => "unknown".into(),
        Ok(Message::Request(request)) => {
            let params = request.params.to_payload().bytes;
            format!("call {:?} {:?} {params:?} {:?}", request.id, request.method, request.meta)
        }
        Ok(Message::Response(Response { id, outcome, .. })) => {
            let result = outcome.as_ref().map(|result| result.to_payload().bytes);
            format!("response {id:?} {result:?}")
        }
        Ok(Message::Batch(members)) => {
            format!("{:?}", members.iter().map(show).collect::<Vec<_>>())
        }
        Ok(other) => panic!("neither protocol can say {other:?}"),
        Err(Invalid { error, answer }) => format!("wrong {error} {answer:?}"),
    }
}

/// All that a stream holds, fed in pieces of `step` bytes.
fn read(codec: &mut Codec, stream: &[u8], step: usize) -> Vec<String> {
    let (mut seen, mut start, mut end) = (Vec::new(), 0, 0);
    while end < stream.len() {
        end = stream.len().min(end + step);
        while start < end {
            let buffer = &stream[start..end];
            match codec.decoder.find(buffer) {
                Scan::Need(_) => break,
                Scan::Skip(count) => start += count,
                Scan::Frame { start: from, end: to, consumed } => {
                    seen.push(show(&codec.decoder.decode(frame(&buffer[from..to]))));
                    start += consumed;
                }
                Scan::Bad { consumed, error, fatal } => {
                    seen.push(format!("bad {:?}", error.map(|error| error.to_string())));
                    if fatal {
                        return seen;
                    }
                    start += consumed;
                }
            }
        }
    }
    seen
}

fn frame(bytes: &[u8]) -> FrameRef<'_> {
    FrameRef { lane: Lane::DUPLEX, bytes, block: None }
}

fn numbers() -> impl Strategy<Value = u64> {
    (0_u32..64, any::<u64>()).prop_map(|(shift, number)| number >> shift)
}

fn amounts() -> impl Strategy<Value = u32> {
    (1_u32..32, any::<u32>()).prop_map(|(shift, number)| number >> shift)
}

/// Ids that requests of the protocol have.
fn ids(speaks: Speaks) -> BoxedStrategy<Id<'static>> {
    match speaks {
        Speaks::MsgPack => numbers().prop_map(Id::Number).boxed(),
        Speaks::Json => prop_oneof![
            4 => numbers().prop_map(Id::Number),
            1 => Just(Id::Null),
            1 => (i64::MIN..0).prop_map(Id::Negative),
            1 => "[^\"\\\\\\x00-\\x1f]{0,40}".prop_map(|text| Id::Text(text.into())),
            1 => "-?[1-9][0-9]{20,60}|\"\\\\\\\\\"|\"\\\\u00[0-7]b\""
                .prop_map(|token| Id::Token(token.into_bytes().into())),
        ]
        .boxed(),
    }
}

fn values() -> impl Strategy<Value = Number> {
    option::of(vec(any::<i64>(), 0..5))
}

fn told(speaks: Speaks) -> impl Strategy<Value = Told> {
    let ways = || prop_oneof![Just(Way::ToCaller), Just(Way::ToCallee)];
    // An error without a message is read as one with another.
    let failures = (any::<i64>(), "\\PC{1,40}", option::of(values()));
    prop_oneof![
        (ids(speaks), ways(), values()).prop_map(|(id, way, value)| Told::Item(id, way, value)),
        (ids(speaks), option::of(failures)).prop_map(|(id, error)| Told::Close(id, error)),
        (ids(speaks), ways(), amounts(), amounts()).prop_map(|(id, way, items, bytes)| {
            Told::Credit(id, way, Allowance { items, bytes })
        }),
        ids(speaks).prop_map(Told::Stop),
        ids(speaks).prop_map(Told::Cancel),
        (any::<u32>(), any::<bool>(), vec(any::<u8>(), 0..300))
            .prop_map(|(number, last, bytes)| Told::Chunk(number, last, bytes)),
        amounts().prop_map(Told::Window),
    ]
}

fn speakers() -> impl Strategy<Value = Speaks> {
    prop_oneof![Just(Speaks::Json), Just(Speaks::MsgPack)]
}

fn metas() -> impl Strategy<Value = Meta> {
    let allowances = (amounts(), amounts()).prop_map(|(items, bytes)| Allowance { items, bytes });
    let deadlines = (0_u32..53, 0_u64..1 << 53)
        .prop_map(|(shift, number)| Duration::from_millis(number >> shift));
    let texts = || option::of("\\PC{0,60}|[\\x00-\\x7f]{0,40}");
    (option::of(allowances), any::<bool>(), option::of(deadlines), amounts(), texts(), texts())
        .prop_map(|(stream, sends, deadline, depth, trace, idempotency_key)| Meta {
            stream,
            sends,
            deadline,
            depth,
            trace,
            idempotency_key,
            ..Meta::default()
        })
}

/// One change of some bytes.
#[derive(Clone, Debug)]
enum Change {
    Put(Index, u8),
    Insert(Index, u8),
    Remove(Index),
    Cut(Index),
    Twice(Index, Index),
}

impl Change {
    fn make(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let length = bytes.len();
        match self {
            Self::Put(at, byte) => bytes[at.index(length)] = *byte,
            Self::Insert(at, byte) => bytes.insert(at.index(length), *byte),
            Self::Remove(at) => _ = bytes.remove(at.index(length)),
            Self::Cut(at) => bytes.truncate(at.index(length)),
            Self::Twice(from, to) => {
                let (from, to) = (from.index(length), to.index(length));
                let part = bytes[from.min(to)..from.max(to)].to_vec();
                bytes.splice(from.max(to)..from.max(to), part);
            }
        }
    }
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let bytes = || {
        prop_oneof![
            any::<u8>(),
            proptest::sample::select(b"\"\\{}[],:.0-9eE \n".to_vec()),
            proptest::sample::select(b"\x00\x03\x0b\x0c\x7f\x90\x94\x95\xc0\xc1\xc4\xcf".to_vec()),
        ]
    };
    let change = prop_oneof![
        4 => (any::<Index>(), bytes()).prop_map(|(at, byte)| Change::Put(at, byte)),
        2 => (any::<Index>(), bytes()).prop_map(|(at, byte)| Change::Insert(at, byte)),
        2 => any::<Index>().prop_map(Change::Remove),
        1 => any::<Index>().prop_map(Change::Cut),
        1 => (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Change::Twice(from, to)),
    ];
    vec(change, 1..4)
}

/// True for what was a message of the extension or may still be one: no peer is ever answered to
/// that. Told by parsers of another make.
fn is_never_answered(speaks: Speaks, bytes: &[u8]) -> bool {
    match speaks {
        // An array that does not begin with a zero is no request.
        Speaks::MsgPack => {
            let first = match bytes {
                [0x90..=0x9f, rest @ ..] | [0xdc, _, _, rest @ ..] => rest,
                [0xdd, _, _, _, _, rest @ ..] => rest,
                _ => return true,
            };
            let zero = |rest: &[u8]| rest.iter().take_while(|byte| **byte == 0).count();
            match first {
                [0x00, ..] => false,
                [0xcc | 0xd0, rest @ ..] => zero(rest) < 1,
                [0xcd | 0xd1, rest @ ..] => zero(rest) < 2,
                [0xce | 0xd2, rest @ ..] => zero(rest) < 4,
                [0xcf | 0xd3, rest @ ..] => zero(rest) < 8,
                _ => true,
            }
        }
        Speaks::Json => {
            let Ok(serde_json::Value::Object(object)) = serde_json::from_slice(bytes) else {
                return false;
            };
            let member = |name| object.get(name).and_then(|value| value.as_str());
            member("jsonrpc") == Some("2.0")
                && member("method").is_some_and(|name| name.starts_with("rpc."))
                && !["id", "result", "error"].iter().any(|name| object.contains_key(*name))
                // A member that came twice is one for that parser, and none for ours.
                && ["\"jsonrpc\"", "\"method\"", "\"params\""].iter().all(|name| {
                    bytes.windows(name.len()).filter(|part| *part == name.as_bytes()).count() < 2
                })
        }
    }
}

proptest! {
    #[test]
    fn messages_are_read_as_they_were_written(
        (speaks, messages) in speakers().prop_flat_map(|speaks| {
            (Just(speaks), vec(told(speaks), 1..6))
        }),
        step in 1_usize..40,
    ) {
        let mut codec = speaks.open();
        let mut stream = Vec::new();
        let mut expected = Vec::new();
        for message in &messages {
            let bytes = speaks.encode(message);
            expected.push(speaks.expected(message));
            let decoded = codec.decoder.decode(frame(&bytes));
            prop_assert_eq!(&show(&decoded), expected.last().expect("one"));
            stream.extend(bytes);
            codec.encoder.terminate(&mut stream);
        }
        for step in [1, step, stream.len()] {
            prop_assert_eq!(&read(&mut speaks.open(), &stream, step), &expected);
        }
    }

    #[test]
    fn what_is_beside_a_request_is_read_as_it_was_written(
        (speaks, id) in speakers().prop_flat_map(|speaks| (Just(speaks), ids(speaks))),
        meta in metas(),
        step in 1_usize..40,
    ) {
        let mut codec = speaks.open();
        let params = speaks.value(&Some(vec![1, -1]));
        let mut out = Vec::new();
        let written =
            codec.encoder.request_with(&mut out, Some(&id), "some.method", &params.bytes, &meta);
        prop_assert!(written.is_ok());
        let decoded = codec.decoder.decode(frame(&out));
        let shown = show(&decoded);
        let Ok(Message::Request(request)) = decoded else { panic!("no request: {shown}") };
        prop_assert_eq!(request.id, Some(id));
        prop_assert_eq!(&*request.method, "some.method");
        prop_assert_eq!(request.params.bytes, &*params.bytes);
        prop_assert_eq!(request.meta.map(|meta| *meta).unwrap_or_default(), meta);
        codec.encoder.terminate(&mut out);
        for step in [1, step] {
            prop_assert_eq!(read(&mut speaks.open(), &out, step), std::slice::from_ref(&shown));
        }
    }

    /// Whatever becomes of the bytes of a message: nothing panics, no answer is given to what needs
    /// none, and what is still read is read again from what is written of it.
    #[test]
    fn changed_messages_are_never_answered(
        (speaks, message) in speakers().prop_flat_map(|speaks| (Just(speaks), told(speaks))),
        changes in changes(),
        step in 1_usize..9,
    ) {
        let mut bytes = speaks.encode(&message);
        changes.iter().for_each(|change| change.make(&mut bytes));
        let mut codec = speaks.open();
        let decoded = codec.decoder.decode(frame(&bytes));
        if is_never_answered(speaks, &bytes) {
            if let Err(Invalid { answer, .. }) = &decoded {
                prop_assert!(matches!(answer, Answer::Nothing), "{:?} {:?}", answer, bytes);
            }
            if let Ok(Message::Request(request)) = &decoded {
                // What MessagePack-RPC calls so, and `rpc.auth`.
                prop_assert!(request.id.is_none(), "{:?}", request);
            }
        }
        if let Ok(Message::Credit(Credit { more: Allowance { items, bytes }, .. })) = &decoded {
            prop_assert!((*items).max(*bytes) <= i32::MAX as u32);
        }
        if let Ok(message) = &decoded {
            let mut again = Vec::new();
            if codec.encoder.message(&mut again, message).is_ok() {
                let shown = show(&decoded);
                let decoded_again = speaks.open().decoder.decode(frame(&again)).map(|_| ());
                prop_assert!(decoded_again.is_ok());
                prop_assert_eq!(show(&speaks.open().decoder.decode(frame(&again))), shown);
            }
        }
        let whole = read(&mut speaks.open(), &bytes, bytes.len().max(1));
        prop_assert_eq!(read(&mut speaks.open(), &bytes, step), whole);
    }

    /// The same for what is beside a request: it is read, or refused under its id, or no request.
    #[test]
    fn changed_requests_have_one_answer(
        speaks in speakers(),
        meta in metas(),
        changes in changes(),
        step in 1_usize..9,
    ) {
        let codec = speaks.open();
        let mut bytes = Vec::new();
        let id = Id::Number(7);
        let written = codec.encoder.request_with(&mut bytes, Some(&id), "m", &[], &meta);
        prop_assert!(written.is_ok());
        let head = bytes.len();
        let (mut open, mut tail) = (speaks.open(), bytes.clone());
        // The envelope stays as it is: only what is beside it changes.
        let from = match speaks {
            Speaks::Json => br#"{"jsonrpc":"2.0","id":7,"method":"m""#.len(),
            Speaks::MsgPack => b"\x95\x00\x07\xa1m\x90".len(),
        };
        let mut beside = tail.split_off(from.min(head));
        changes.iter().for_each(|change| change.make(&mut beside));
        let bytes = [tail, beside].concat();
        match open.decoder.decode(frame(&bytes)) {
            Ok(Message::Request(request)) => {
                let read = request.meta.as_deref().cloned().unwrap_or_default();
                let mut again = Vec::new();
                let id = request.id.as_ref();
                let params = request.params.bytes;
                let written =
                    codec.encoder.request_with(&mut again, id, &request.method, params, &read);
                prop_assert!(written.is_ok());
                let decoded = open.decoder.decode(frame(&again));
                let shown = show(&decoded);
                let Ok(Message::Request(request)) = decoded else { panic!("{shown}") };
                prop_assert_eq!(request.meta.map(|meta| *meta).unwrap_or_default(), read);
            }
            Ok(other) => prop_assert!(false, "{:?}", other),
            Err(Invalid { answer: Answer::Error(to), .. }) => {
                prop_assert!(matches!(to, Id::Number(7) | Id::Null), "{:?}", to);
            }
            Err(Invalid { answer: Answer::Nothing, .. }) => {
                prop_assert!(matches!(speaks, Speaks::MsgPack), "{:?}", bytes);
            }
            Err(other) => prop_assert!(false, "{:?}", other),
        }
        let whole = read(&mut speaks.open(), &bytes, bytes.len().max(1));
        prop_assert_eq!(read(&mut speaks.open(), &bytes, step), whole);
    }
}
