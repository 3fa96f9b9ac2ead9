//! Small inputs that ask for much memory or time: J2, J3 and M1.

use std::sync::Arc;

use serde::de::IgnoredAny;
use tinyrpc::{
    Dispatcher, Limits,
    protocols::{ContentLength, Framing, Length, Lines, NetString, Protocol},
    transports::Shape,
};

use crate::{
    BOTH, alone,
    bench::{self, Bench},
    meter::{Meter, processor_time},
    value::Value,
    wire::{self, Wire},
};

/// What a session takes for itself, whatever it is sent.
const OWN: usize = 64 << 10;

fn service() -> Dispatcher {
    Dispatcher::new()
        .method("add", |a: i64, b: i64| a + b)
        // The message as a tree of values.
        .method("tree", |value: Value| drop(value))
        // The message without any memory of its handler.
        .method("look", |_: Vec<IgnoredAny>| {})
}

/// A list of `count` times `item`, which in JSON stands between commas.
fn list(wire: Wire, item: &str, count: usize) -> Vec<u8> {
    match wire {
        Wire::Json => format!("[{}]", vec![item; count].join(",")).into_bytes(),
        Wire::MessagePack => {
            let head =
                [&[0xdd], &u32::try_from(count).expect("a count").to_be_bytes()[..]].concat();
            let item: Vec<u8> = item.chars().map(|byte| byte as u8).collect();
            [head, item.repeat(count)].concat()
        }
    }
}

/// J2: what one message makes this side allocate, all in all and given back or not, is at most four
/// times its own size. With a handler that keeps a tree of 32 bytes a value it is 48 times for JSON,
/// where the least value has two bytes, and never more than 64 MiB.
#[test]
fn amplification_is_bounded() {
    const MOST: usize = 99_000;
    let json: &[&str] = &["[]", "{}", "\"\"", "0", "null", "[[]]", "{\"\":0}", "\"a\"", "-1.5e3"];
    let msgpack: &[&str] = &["\u{90}", "\u{80}", "\u{a0}", "\0", "\u{c0}", "\u{c4}\0", "\u{91}\0"];
    alone(|| {
        for (wire, method, items, most) in [
            (Wire::Json, "look", json, 4),
            (Wire::Json, "tree", json, 48),
            (Wire::MessagePack, "look", msgpack, 4),
        ] {
            for item in items {
                // As many as may be, twice as many, and as many as fit into 4 MiB.
                let fill = (4 << 20) / (item.chars().count() + 1);
                for count in [MOST / 2 - 1, MOST, 2 * MOST, fill] {
                    let input = wire::call(wire, Some(1), method, &[&list(wire, item, count)]);
                    let input = wire::on_stream(wire, input);
                    for step in [usize::MAX, 64 << 10] {
                        let mut bench = Bench::stream(service());
                        let meter = Meter::new();
                        bench.give_in_steps(&input, step);
                        let (total, bound) = (meter.total(), most * input.len() + OWN);
                        assert!(
                            total <= bound && total <= 64 << 20,
                            "{count} times {item:?} for {method}: {total} bytes, over {bound}"
                        );
                    }
                }
            }
        }
    });
}

/// J2 for batches: each member costs a message of its own.
#[test]
fn batches_are_bounded() {
    alone(|| {
        for count in [1, 99, 100, 101, 10_000, 90_000, 1_000_000] {
            let input = wire::on_stream(Wire::Json, list(Wire::Json, "1", count));
            let mut bench = Bench::stream(service());
            let meter = Meter::new();
            bench.give(&input);
            let (total, answers) = (meter.total(), bench.take());
            // Up to 100 members are answered, each by more bytes than it had.
            assert_eq!(answers.len(), 1);
            assert!(total <= 40 * input.len() + OWN, "{count} members: {total} bytes");
        }
    });
}

/// J3: a message in pieces is never looked at from its start again: eight times the bytes take eight
/// times the memory, and about eight times the time, where it would be 64 times if each byte made
/// the scan begin again. Smaller than the 4 MiB of the limit, because a step for each byte takes its
/// time in a debug build.
#[test]
fn bytes_that_come_one_by_one() {
    const N: usize = if cfg!(debug_assertions) { 32 << 10 } else { 512 << 10 };
    let text = |wire, n: usize| match wire {
        Wire::Json => format!("\"{}\"", "a".repeat(n)).into_bytes(),
        Wire::MessagePack => {
            [&[0xdb], &u32::try_from(n).expect("short").to_be_bytes()[..], &vec![b'a'; n]].concat()
        }
    };
    let values = |wire, n| list(wire, if wire == Wire::Json { "1" } else { "\u{1}" }, n);
    let (lines, lengths): (Arc<dyn Framing>, Arc<dyn Framing>) =
        (Arc::new(Lines), Arc::new(Length));
    let (headers, netstrings): (Arc<dyn Framing>, Arc<dyn Framing>) =
        (Arc::new(ContentLength), Arc::new(NetString));
    let (json, msgpack) =
        (|| vec![bench::protocol(Wire::Json)], || vec![bench::protocol(Wire::MessagePack)]);
    alone(|| {
        // Those of `auto` are recognised by their first message, which may take as long to come.
        for (wire, framing, protocols) in [
            (Wire::Json, None, json as fn() -> _),
            (Wire::Json, Some(&lines), json),
            (Wire::Json, Some(&lines), bench::auto),
            (Wire::Json, Some(&headers), json),
            (Wire::Json, Some(&headers), bench::auto),
            (Wire::MessagePack, None, msgpack),
            (Wire::MessagePack, Some(&lengths), msgpack),
            (Wire::MessagePack, Some(&lengths), bench::auto),
            (Wire::MessagePack, Some(&netstrings), msgpack),
            (Wire::MessagePack, Some(&netstrings), bench::auto),
        ] {
            let cost = |params: &[u8]| cost(wire, framing, protocols, params);
            let texts = [text(wire, N - 100), text(wire, 8 * N - 100)];
            for [small, large] in [texts, [values(wire, 10_000), values(wire, 80_000)]] {
                let (small, large) = (cost(&small), cost(&large));
                let shown = format!("{wire:?} {framing:?}: {small:?}, then {large:?}");
                assert!(large.0 <= small.0 * 9 + OWN, "bytes of {shown}");
                // Three times what it should be: the other programs of the machine are in it. The
                // clock may be behind by a tick.
                assert!(large.1 <= small.1 * 24 + 10_000_000, "nanoseconds of {shown}");
            }
        }
    });
}

/// The bytes and the nanoseconds for one call whose bytes come one by one.
fn cost(
    wire: Wire,
    framing: Option<&Arc<dyn Framing>>,
    protocols: fn() -> Vec<Arc<dyn Protocol>>,
    params: &[u8],
) -> (usize, u64) {
    let call = wire::call(wire, Some(1), "tree", &[params]);
    let input = match framing {
        Some(framing) => {
            let mut framed = Vec::new();
            let start = framing.open(&mut framed);
            framed.extend(call);
            framing.close(start, &mut framed);
            framed
        }
        None => wire::on_stream(wire, call),
    };
    let run = || {
        let (framing, limits) = (framing.cloned(), Limits::default());
        let mut bench = Bench::new(service(), protocols(), Shape::Stream, framing, limits);
        let (meter, begin) = (Meter::new(), processor_time().unwrap_or_default());
        bench.give_in_steps(&input, 1);
        let cost = (meter.total(), processor_time().unwrap_or_default() - begin);
        assert_eq!(bench.take().len(), 1, "it is answered");
        cost
    };
    // The least of three: the others were disturbed.
    (0..3).map(|_| run()).min_by_key(|(_, time)| *time).unwrap_or_default()
}

/// M1: nothing is reserved for a length that was only announced, in any place of a message.
#[test]
fn announced_lengths_reserve_nothing() {
    const LENGTHS: [u64; 12] = [
        0,
        1,
        31,
        254,
        255,
        65_534,
        65_535,
        4 << 20,
        (4 << 20) - 100,
        1 << 31,
        (1 << 32) - 2,
        (1 << 32) - 1,
    ];
    const PLACES: [&[u8]; 8] = [
        b"",
        b"\x94",
        b"\x94\x00",
        b"\x94\x00\x01",
        b"\x94\x00\x01\xa4tree",
        b"\x94\x00\x01\xa4tree\x91",
        b"\x94\x01\x01",
        b"\x94\x01\x01\xc0",
    ];
    alone(|| {
        let mut tried = 0;
        for (place, first) in PLACES.iter().flat_map(|place| (0..=255_u8).map(move |b| (place, b)))
        {
            let width = match first {
                0xc4 | 0xc7 | 0xd9 => 1,
                0xc5 | 0xc8 | 0xda | 0xdc | 0xde => 2,
                0xc6 | 0xc9 | 0xdb | 0xdd | 0xdf => 4,
                _ => 0,
            };
            for length in LENGTHS.iter().filter(|length| **length >> (8 * width) == 0) {
                let head = [&[first], &length.to_be_bytes()[8 - width..]].concat();
                let input = [place, head.as_slice(), b"\x01abc"].concat();
                check_small(Bench::stream(service()), &input);
                tried += 1;
            }
        }
        assert!(tried > 2000, "only {tried}");
        // A length before the message, to servers that recognise it and that were told of it.
        for length in LENGTHS {
            let Ok(length) = u32::try_from(length) else { continue };
            let input = [&length.to_be_bytes()[..], b"{\"jsonrpc\":"].concat();
            check_small(Bench::stream(service()), &input);
            let framing: Option<Arc<dyn Framing>> = Some(Arc::new(Length));
            for wire in BOTH {
                let protocols = vec![bench::protocol(wire)];
                let limits = Limits::default();
                let bench =
                    Bench::new(service(), protocols, Shape::Stream, framing.clone(), limits);
                check_small(bench, &input);
            }
        }
    });
}

#[track_caller]
fn check_small(mut bench: Bench, input: &[u8]) {
    let meter = Meter::new();
    bench.give(input);
    let total = meter.total();
    assert!(total <= input.len() + OWN, "{input:02x?}: {total} bytes");
}

/// A message over the limit ends the connection before much more than the limit is kept, and a
/// flood behind it is not kept either.
#[test]
fn endless_messages_are_not_kept() {
    const MIB: usize = 1 << 20;
    let begins: [&[u8]; 6] = [
        b"{\"jsonrpc\":\"2.0\",\"method\":\"",
        b"[1,",
        b"  ",
        b"\x94\x00\x01\xa4tree\x91\xdb\x00\x3f\xff\xff",
        b"\x00\x3f\xff\xff{",
        b"{\"a\":\"\\u",
    ];
    alone(|| {
        for begin in begins {
            let mut bench = Bench::stream(service());
            let mut most = 0;
            let meter = Meter::new();
            bench.give(begin);
            let chunk = vec![b'1'; 64 << 10];
            for _ in 0..64 * MIB / chunk.len() {
                bench.give(&chunk);
                most = most.max(meter.held());
                bench.take();
            }
            // The buffer doubles while it grows.
            assert!(most <= 9 * MIB, "{begin:x?}: {most} bytes are held");
        }
    });
}
