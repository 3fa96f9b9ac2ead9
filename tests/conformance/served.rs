//! Our server in the place of the recorded ones: what their clients sent, and what they got.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use tinyrpc::{Dispatcher, Format, RpcError};

use crate::{
    recordings::{JOINT, MPRPC, PYTHON, System, TINYRPC_JSON, TINYRPC_MSGPACK, Vector},
    server::Way,
    transcript::{Answer, exchanges, same},
    value::Value,
    wire::Wire,
};

/// What we answer in place of the recorded answer.
#[derive(Clone, Copy, Debug)]
enum Ours {
    /// As a transcript has it.
    Answer(&'static str),
    Nothing,
    /// The connection is closed, with at most an answer in JSON.
    Closes,
}
use Ours::{Answer as Is, Closes, Nothing};

/// Where our answer is another one, and why.
#[rustfmt::skip]
const DIFFERENCES: &[(&str, &str, Ours, &str)] = &[
    ("tinyrpc-jsonrpc", "raw_extra_key", Is(r#"{"jsonrpc":"2.0","result":3,"id":1}"#),
     "the real server refuses members that it does not know"),
    ("tinyrpc-jsonrpc", "raw_params_scalar", Is(r#"{"jsonrpc":"2.0","error":{"code":-32600},"id":1}"#),
     "params that are no structure make no request object; the real server says -32602"),
    ("tinyrpc-jsonrpc", "raw_method_missing", Is(r#"{"jsonrpc":"2.0","error":{"code":-32600},"id":1}"#),
     "the real server hangs"),
    ("tinyrpc-jsonrpc", "raw_null_id", Is(r#"{"jsonrpc":"2.0","result":3,"id":null}"#),
     "the real server hangs: it takes a null id for none"),
    ("tinyrpc-jsonrpc", "raw_batch_invalid_member",
     Is(r#"[{"jsonrpc":"2.0","result":3,"id":1},{"jsonrpc":"2.0","error":{"code":-32600},"id":null}]"#),
     "the real server hangs"),
    ("tinyrpc-jsonrpc", "raw_batch_all_invalid",
     Is(r#"[{"jsonrpc":"2.0","error":{"code":-32600},"id":null}]"#), "the real server hangs"),
    ("tinyrpc-msgpackrpc", "error_invalid_params", Is("94 01 05 92 d180a6 {text} c0"),
     "the real server says -32000 and nothing else"),
    ("tinyrpc-msgpackrpc", "raw_parse_error", Nothing,
     "the real server answers under the id nil, which is none"),
    ("tinyrpc-msgpackrpc", "raw_params_nil", Is("94 01 01 c0 c0"),
     "nil is how some peers say that there are no params"),
    ("tinyrpc-msgpackrpc", "raw_bad_type", Nothing,
     "a message of an extension; the real server answers under the id nil"),
    ("tinyrpc-msgpackrpc", "raw_not_list", Nothing, "the real server answers under the id nil"),
    ("tinyrpc-msgpackrpc", "raw_id_zero_error", Is("94 01 00 92 d180a7 {text} c0"),
     "the real server hangs: it takes the id 0 for none"),
    ("tinyrpc-msgpackrpc", "raw_method_raw_bin", Is("94 01 01 c0 03"),
     "names as bin are what pynvim sends; the real server refuses them"),
    ("msgpack-rpc-python", "raw_bin", Is("94 01 06 c0 c403616263"),
     "bin stays bin; the real server knows only raw"),
    ("msgpack-rpc-python", "raw_garbage", Closes, "so does the real server, without a word"),
    ("msgpack-rpc-python", "raw_bad_type", Nothing,
     "a message of an extension; the real server closes the connection"),
    ("mprpc", "unknown", Is("94 01 06 92 d180a7 {text} c0"), "the real server closes the connection"),
    ("mprpc", "raw_pipelined", Is("94 01 01 c0 03\n<-- 94 01 02 c0 07"),
     "the real server answers one call for each read of its socket"),
    ("mprpc", "raw_id_max", Is("94 01 ce ffffffff c0 03"), "the real server closes the connection"),
    ("mprpc", "raw_id_64bit", Is("94 01 cf 0000010000000000 c0 03"),
     "the real server closes the connection"),
    ("mprpc", "raw_garbage", Closes, "so does the real server, without a word"),
    ("mprpc", "raw_bad_type", Nothing,
     "a message of an extension; the real server closes the connection"),
];

fn difference(system: System, vector: &Vector) -> Option<Ours> {
    let mut found = DIFFERENCES.iter();
    let found = found.find(|(file, name, ..)| (*file, *name) == (system.file, &*vector.name));
    found.map(|(_, _, ours, _)| *ours)
}

/// The methods of all recorded services.
fn service() -> Dispatcher {
    let doer = Dispatcher::new().method("do_it", |n: i64| 2 * n);
    Dispatcher::new()
        .method("add", |a: i64, b: i64| a + b)
        .params(["a", "b"])
        .alias("sum", "add")
        .method("none", || {})
        .method("echo", |value: Value| value)
        .nest("inst.", doer)
        .method("boom", || Err::<(), _>(RpcError::server("bad thing")))
        .method("boom2", || Err::<(), _>(RpcError::server("bad thing").with_data([("k", 1)])))
        .method("custom", || Err::<(), _>(RpcError::new(99, "custom message")))
}

/// True when both are errors, or the same result, under the same id.
fn equivalent(wire: Wire, recorded: &[u8], ours: &[u8]) -> bool {
    if wire == Wire::Json {
        let text = String::from_utf8_lossy(recorded).into_owned();
        return Answer::Json { text, unordered: true }.matches(ours);
    }
    let value = |bytes| Format::MsgPack.decode::<Value>(bytes).expect("a message");
    let (recorded, ours) = (value(recorded), value(ours));
    let ([Value::Int(1), id, error, result], [Value::Int(1), our_id, our_error, our_result]) =
        (recorded.list(), ours.list())
    else {
        return false;
    };
    let errors = match (error, our_error) {
        (Value::Null, Value::Null) => true,
        (Value::Text(_), Value::List(ours)) => ours.len() == 2 && !ours[1].text().is_empty(),
        // A code of its own does not travel with tinyrpc's MessagePack: all are -32000.
        (Value::List(theirs), Value::List(ours)) => {
            let own = theirs[1].text() == "custom message" && ours[0] == Value::Int(99);
            theirs[0] == ours[0] || own
        }
        _ => false,
    };
    id == our_id && errors && result == our_result
}

fn check(system: System, ways: &[Way]) {
    let (wire, vectors) = (system.wire, system.read());
    let mut different = 0;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        for (vector, way) in
            vectors.iter().flat_map(|vector| ways.iter().map(move |way| (vector, *way)))
        {
            let at = format!("{} {} over {way:?}", system.file, vector.name);
            let mut served = way.serve(wire, service()).await;
            let (got, closed) = served.exchange(wire, &vector.sent).await;
            let shown: Vec<_> = got.iter().map(|one| String::from_utf8_lossy(one)).collect();
            let ours = difference(system, vector);
            different += usize::from(ours.is_some());
            assert_eq!(closed, matches!(ours, Some(Closes)), "{at}: closed, {shown:?}");
            match ours {
                None => {
                    let same = got.len() == vector.answers.len()
                        && vector.answers.iter().zip(&got).all(|(r, o)| equivalent(wire, r, o));
                    assert!(same, "{at}: {shown:?}, recorded {:?}", vector.answers);
                }
                Some(Nothing) => assert!(got.is_empty(), "{at}: {shown:?}"),
                Some(Closes) => assert!(got.iter().all(|one| one[0] == b'{'), "{at}: {shown:?}"),
                Some(Is(text)) => {
                    let expected = exchanges(&format!("<-- {text}\n"), wire).expect("an answer");
                    let answers = &expected[0].answers;
                    assert!(same(answers, &got, true), "{at}: {shown:?}, expected {answers:?}");
                }
            }
        }
    });
    let listed = DIFFERENCES.iter().filter(|(file, ..)| *file == system.file).count();
    assert_eq!(different, listed * ways.len(), "a difference that is none, or of no vector");
}

#[test]
fn tinyrpc_jsonrpc() {
    check(TINYRPC_JSON, &Way::FRAMED);
}

#[test]
fn tinyrpc_msgpackrpc() {
    check(TINYRPC_MSGPACK, &Way::FRAMED);
}

#[test]
fn msgpack_rpc_python() {
    check(PYTHON, &Way::STREAMS);
}

#[test]
fn mprpc() {
    check(MPRPC, &Way::STREAMS);
}

/// The one documented call, its answer and the one notification.
#[tokio::test]
async fn joint() {
    let vectors = JOINT.read();
    let find = |name: &str| vectors.iter().find(|vector| vector.name == name).expect("a vector");
    for way in Way::ALL {
        let shut_down = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&shut_down);
        let service = Dispatcher::new()
            .method("add", |a: i64, b: i64| a + b)
            .method("multiply", |n: i64| 2 * n)
            .method("shutdown", move || _ = count.fetch_add(1, SeqCst));
        let mut served = way.serve(JOINT.wire, service).await;
        let (got, _) = served.exchange(JOINT.wire, &find("request").sent).await;
        assert_eq!(got, find("reply").answers, "{way:?}");
        let (got, _) = served.exchange(JOINT.wire, &find("notification").sent).await;
        assert!(got.is_empty(), "{way:?}");
        assert_eq!(shut_down.load(SeqCst), 1, "{way:?}");
    }
}
