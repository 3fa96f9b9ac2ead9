//! Deep messages, and the stack that they may take: J1 and M2.

use std::thread;

use tinyrpc::{Dispatcher, Endpoint, protocols::JsonRpc, protocols::MsgPackRpc};

use crate::{
    BOTH,
    answer::Answer,
    bench::Bench,
    beside,
    value::Value,
    wire::{self, Wire},
};

/// The stack on which a message of any depth must be survived, in a debug build too.
const STACK: usize = 256 << 10;

fn service() -> Dispatcher {
    Dispatcher::new().method("add", |a: i64, b: i64| a + b).method("echo", |value: Value| value)
}

/// `echo` of lists in each other, such that the whole message is so deep.
fn deep_call(wire: Wire, depth: usize) -> Vec<u8> {
    let lists = depth - 2;
    let value = match wire {
        Wire::Json => ["[".repeat(lists), "]".repeat(lists)].concat().into_bytes(),
        Wire::MessagePack => [vec![0x91; lists - 1], vec![0x90]].concat(),
    };
    wire::call(wire, Some(1), "echo", &[&value])
}

fn on_small_stack(test: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new().stack_size(STACK).spawn(test).expect("a thread");
    thread.join().expect("it survives");
}

#[track_caller]
fn assert_refused(wire: Wire, bench: &mut Bench, depth: usize) {
    match wire {
        // The value is skipped, and what follows it is served.
        Wire::Json => {
            let refusal = r#"{"jsonrpc":"2.0","error":{"code":-32600},"id":null}"#.to_owned();
            let refusal = Answer::Json { text: refusal, unordered: false };
            assert!(matches!(bench.take().as_slice(), [one] if refusal.matches(one)), "{depth}");
            bench.give(&wire::on_stream(wire, wire::probe(wire)));
            assert!(wire::is_probed(wire, &bench.take()[0]), "{depth}");
        }
        Wire::MessagePack => {
            assert!(bench.take().is_empty(), "{depth}");
            assert!(bench.is_closed(), "{depth}");
        }
    }
}

#[test]
fn depths_63_64_65_and_a_million() {
    beside(|| {
        for wire in BOTH {
            on_small_stack(move || {
                for depth in [63, 64] {
                    let mut bench = Bench::stream(service());
                    bench.give(&wire::on_stream(wire, deep_call(wire, depth)));
                    let got = bench.take();
                    assert!(got.len() == 1 && !bench.is_closed(), "{depth}");
                    // The value comes back: the answer is as long as the call was deep.
                    let levels = got[0].iter().filter(|byte| matches!(byte, b'[' | 0x91)).count();
                    assert!(levels + 4 > depth, "{depth}: {got:x?}");
                }
                for depth in [65, 66, 1000, 1_000_000] {
                    for step in [usize::MAX, 4096] {
                        let mut bench = Bench::stream(service());
                        bench.give_in_steps(&wire::on_stream(wire, deep_call(wire, depth)), step);
                        assert_refused(wire, &mut bench, depth);
                    }
                }
            });
        }
    });
}

#[test]
fn the_same_without_a_connection() {
    beside(|| {
        on_small_stack(|| {
            let json = Endpoint::new(service(), JsonRpc);
            let msgpack = Endpoint::new(service(), MsgPackRpc);
            for (depth, fine) in [(63, true), (64, true), (65, false), (1_000_000, false)] {
                let answer = answer(&json, deep_call(Wire::Json, depth)).expect("an answer");
                assert_eq!(answer.starts_with(br#"{"jsonrpc":"2.0","id":1,"result":[["#), fine);
                let answer = self::answer(&msgpack, deep_call(Wire::MessagePack, depth));
                assert_eq!(answer.is_some(), fine, "{depth}");
            }
        });
    });
}

fn answer(endpoint: &Endpoint, message: Vec<u8>) -> Option<Vec<u8>> {
    match endpoint.dispatch_now(message) {
        tinyrpc::Dispatched::Ready(answer) => answer.map(Vec::from),
        tinyrpc::Dispatched::Pending(_) => panic!("nothing waits"),
    }
}

/// Every place of a message, not only its params.
#[test]
fn a_million_levels_anywhere() {
    const MILLION: usize = 1_000_000;
    beside(|| {
        on_small_stack(|| {
            let lists = ["[".repeat(MILLION), "]".repeat(MILLION)].concat();
            let maps = ["{\"a\":".repeat(MILLION), "1".into(), "}".repeat(MILLION)].concat();
            for deep in [&lists, &maps] {
                for text in [
                    deep.clone(),
                    format!(r#"{{"jsonrpc":"2.0","method":"add","params":{deep},"id":1}}"#),
                    format!(r#"{{"jsonrpc":"2.0","method":"add","params":[1,2],"id":{deep}}}"#),
                    format!(r#"{{"jsonrpc":"2.0","method":{deep},"id":1}}"#),
                    format!(r#"{{"jsonrpc":"2.0","x":{deep},"method":"add","id":1}}"#),
                    format!(r#"{{"jsonrpc":"2.0","result":{deep},"id":1}}"#),
                    format!(r#"{{"jsonrpc":"2.0","error":{deep},"id":1}}"#),
                    format!(r#"[{{"jsonrpc":"2.0","method":"add","params":{deep},"id":1}}]"#),
                ] {
                    // Maps of a million levels are more than a message may have bytes.
                    let too_large = text.len() > 4 << 20;
                    let mut bench = Bench::stream(service());
                    bench.give(&wire::on_stream(Wire::Json, text.into_bytes()));
                    match too_large {
                        true => assert!(bench.take().len() == 1 && bench.is_closed()),
                        false => assert_refused(Wire::Json, &mut bench, MILLION),
                    }
                }
            }
            for header in [0x91, 0x81, 0x94] {
                let deep = vec![header; MILLION];
                for before in [
                    &b"\x94\x00\x01\xa3add"[..],
                    b"\x94\x00",
                    b"\x94",
                    b"\x94\x01\x01",
                    b"\x93\x02",
                ] {
                    let mut bench = Bench::stream(service());
                    bench.give(&[before, &deep].concat());
                    assert_refused(Wire::MessagePack, &mut bench, MILLION);
                }
            }
        });
    });
}
