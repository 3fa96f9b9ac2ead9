//! JSON right inside of params, kind by kind (`tests/data/json`): what is accepted comes back as
//! exactly the same value, what is not costs one answer, and the connection serves the next call.
//!
//! | over | how |
//! |---|---|
//! | memory | whole, byte by byte, as a member of a batch |
//! | an endpoint | as one message |
//! | TCP | one connection for a whole file |

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

use std::{collections::HashSet, fs, path::Path};

use bench::Bench;
use raw::{Raw, soon};
use tinyrpc::{Dispatched, Dispatcher, Endpoint, Server, protocols::JsonRpc};
use transcript::{Answer, Case, End, cases};
use value::Value;
use wire::Wire;

/// Each file, and how many kinds of text it has at least.
const FILES: [(&str, usize); 3] = [("accept", 170), ("reject", 340), ("free", 66)];

fn service() -> Dispatcher {
    Dispatcher::new().method("add", |a: i64, b: i64| a + b).method("echo", |value: Value| value)
}

fn read(file: &str) -> Vec<Case> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/json");
    let text = fs::read_to_string(data.join(format!("{file}.txt"))).expect("the data is there");
    cases(&text, Wire::Json).expect("the data is valid")
}

/// The call of `echo` with a text in its params.
fn call(case: &Case) -> Vec<u8> {
    let (head, tail) = (br#"{"jsonrpc":"2.0","id":1,"method":"echo","params":["#, b"]}");
    [head, case.input.as_slice(), tail].concat()
}

/// The value that comes back, as it is written; `None` where the answer is an error.
fn value(case: &Case) -> Option<Vec<u8>> {
    let Answer::Json { text, .. } = &case.answers[0] else { return None };
    let value = text.strip_prefix(r#"{"jsonrpc":"2.0","result":"#)?.strip_suffix(r#","id":1}"#)?;
    Some(transcript::decode(value, Wire::Json).expect("the data is valid"))
}

/// True for the expected value, to the last bit and in the same order; how a double is written is
/// left open.
fn is_answer(case: &Case, got: &[u8]) -> bool {
    let Some(value) = value(case) else { return case.answers[0].matches(got) };
    let got = got.strip_prefix(br#"{"jsonrpc":"2.0","id":1,"result":"#);
    let Some(got) = got.and_then(|got| got.strip_suffix(b"}")) else { return false };
    // Unlike `==`, this tells the two zeros apart.
    let read = |text| serde_json::from_slice::<Value>(text).map(|value| format!("{value:?}"));
    matches!((read(got), read(&value)), (Ok(got), Ok(expected)) if got == expected)
}

#[track_caller]
fn check(case: &Case, how: &str, got: &[Vec<u8>]) {
    let right = matches!(got, [one] if is_answer(case, one));
    let shown: Vec<_> = got.iter().map(|one| format!("{:.300}", one.escape_ascii())).collect();
    assert!(right, "line {} {} {how}: {shown:?}", case.line, case.name);
}

/// A call behind it is served, so nothing of it is left.
#[track_caller]
fn check_alive(case: &Case, how: &str, bench: &mut Bench) {
    bench.give(&wire::on_stream(Wire::Json, wire::probe(Wire::Json)));
    let served = matches!(&bench.take()[..], [one] if wire::is_probed(Wire::Json, one));
    assert!(served, "line {} {} {how}: the next call is not served", case.line, case.name);
}

#[test]
fn in_memory() {
    for (file, _) in FILES {
        for case in &read(file) {
            let stream = wire::on_stream(Wire::Json, call(case));
            for (how, step) in [("whole", usize::MAX), ("byte by byte", 1)] {
                let mut bench = Bench::stream(service());
                bench.give_in_steps(&stream, step);
                check(case, how, &bench.take());
                check_alive(case, how, &mut bench);
            }
        }
    }
}

#[test]
fn in_a_batch() {
    for (file, _) in FILES {
        for case in &read(file) {
            let mut bench = Bench::stream(service());
            let stream = [&b"["[..], &call(case), b"]\n"].concat();
            bench.give(&stream);
            let mut got = bench.take();
            // A batch of one answer, unless the batch as a whole was no JSON.
            if let [one] = got.as_mut_slice()
                && let Some(inner) = one.strip_prefix(b"[").and_then(|one| one.strip_suffix(b"]"))
            {
                *one = inner.to_vec();
            }
            // The batch takes a level, and an array of it a value.
            if case.name != "array-of-62-levels" {
                check(case, "in a batch", &got);
            }
            check_alive(case, "in a batch", &mut bench);
        }
    }
}

#[test]
fn to_an_endpoint() {
    let endpoint = Endpoint::new(service(), JsonRpc);
    for (file, _) in FILES {
        for case in &read(file) {
            let Dispatched::Ready(Some(answer)) = endpoint.dispatch_now(call(case)) else {
                panic!("line {} {}: no answer", case.line, case.name)
            };
            check(case, "to an endpoint", &[answer.to_vec()]);
        }
    }
}

#[tokio::test]
async fn over_tcp() {
    let server = Server::new(service()).listen("tcp://127.0.0.1:0").await.expect("a free port");
    for (file, _) in FILES {
        let mut peer = Raw::connect(&server.addresses().concat()).await.expect("it listens");
        for case in &read(file) {
            let both = [call(case), wire::probe(Wire::Json)];
            peer.send(&both.map(|one| wire::on_stream(Wire::Json, one)).concat())
                .await
                .expect("it is served");
            // A small answer overtakes a large one.
            let mut got = Vec::new();
            for _ in 0..2 {
                got.push(soon(peer.message()).await.expect("the connection lives"));
            }
            let probed = got.iter().position(|one| wire::is_probed(Wire::Json, one));
            got.remove(probed.expect("the next call is served"));
            check(case, "over TCP", &got);
        }
    }
}

/// The table is about JSON, and not about this implementation: another one says the same.
#[test]
fn another_parser_agrees() {
    for (file, at_least) in FILES {
        let cases = read(file);
        assert!(cases.len() >= at_least, "only {} in {file}", cases.len());
        let names: HashSet<_> = cases.iter().map(|case| &case.name).collect();
        assert_eq!(names.len(), cases.len(), "a name comes twice in {file}");
        for case in &cases {
            assert!(case.answers.len() == 1 && case.end == End::Lives, "{}", case.name);
            let call = call(case);
            let parsed = serde_json::from_slice::<serde_json::Value>(&call).is_ok();
            match file {
                "accept" => {
                    assert!(parsed, "{} is no JSON", case.name);
                    let value = value(case).expect("it is accepted");
                    let written = serde_json::from_slice::<serde_json::Value>(&value);
                    let sent = serde_json::from_slice::<serde_json::Value>(&call).expect("JSON");
                    // Where a key comes twice this parser keeps the last.
                    assert_eq!(written.expect("JSON"), sent["params"][0], "{}", case.name);
                }
                "reject" => {
                    assert!(!parsed, "{} is JSON", case.name);
                    assert_eq!(value(case), None, "{}", case.name);
                }
                _ => {}
            }
        }
    }
}
