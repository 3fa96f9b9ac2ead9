//! MessagePack that is cut anywhere: M3. A head whose length or value is missing must neither be
//! read beyond its end nor taken for something shorter.

use tinyrpc::{
    Dispatcher, Limits,
    protocols::{Blob, Ext, Format},
    transports::Shape,
};

use crate::{
    bench::{self, Bench},
    beside,
    value::Value,
    wire::{self, Wire},
};

fn service() -> Dispatcher {
    // Anything is accepted, and nothing of it is looked at.
    Dispatcher::new()
        .method("add", |a: i64, b: i64| a + b)
        .method("look", |_: serde::de::IgnoredAny| true)
}

/// A value of every format of the specification but the byte that is never used, some of them
/// empty and some with something inside.
fn values() -> Vec<Vec<u8>> {
    let mut values: Vec<Vec<u8>> = [
        &b"\x07"[..],
        b"\xff",
        b"\xc0",
        b"\xc2",
        b"\xc3",
        b"\x80",
        b"\x82\xa1a\x01\x02\xc0",
        b"\x90",
        b"\x93\x01\x91\x02\xa1c",
        b"\xa0",
        b"\xa5hello",
        b"\xc4\x00",
        b"\xc4\x03abc",
        b"\xc5\x00\x03abc",
        b"\xc6\x00\x00\x00\x03abc",
        b"\xc7\x00\x05",
        b"\xc7\x03\x05abc",
        b"\xc8\x00\x03\x05abc",
        b"\xc9\x00\x00\x00\x03\x05abc",
        b"\xca\x3f\x80\x00\x00",
        b"\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00",
        b"\xcc\x80",
        b"\xcd\x80\x00",
        b"\xce\x80\x00\x00\x00",
        b"\xcf\x80\x00\x00\x00\x00\x00\x00\x00",
        b"\xd0\x80",
        b"\xd1\x80\x00",
        b"\xd2\x80\x00\x00\x00",
        b"\xd3\x80\x00\x00\x00\x00\x00\x00\x00",
        b"\xd4\x01a",
        b"\xd5\x01ab",
        b"\xd6\x01abcd",
        b"\xd7\x01abcdefgh",
        b"\xd8\x01abcdefghabcdefgh",
        b"\xd9\x03abc",
        b"\xda\x00\x03abc",
        b"\xdb\x00\x00\x00\x03abc",
        b"\xdc\x00\x02\x01\x02",
        b"\xdd\x00\x00\x00\x02\x01\x02",
        b"\xde\x00\x01\xa1a\x01",
        b"\xdf\x00\x00\x00\x01\xa1a\x01",
    ]
    .map(Vec::from)
    .to_vec();
    let all = [&[0xdc, 0, values.len() as u8], &values.concat()[..]].concat();
    values.push(all);
    values
}

#[test]
fn every_message_cut_at_every_byte() {
    beside(|| {
        let mut cuts = 0;
        for value in values() {
            let message = wire::call(Wire::MessagePack, Some(9), "look", &[&value]);
            for cut in 1..message.len() {
                let (head, rest) = message.split_at(cut);
                // A stream waits for the rest, and serves it.
                let mut bench = Bench::stream(service());
                bench.give(head);
                assert!(bench.take().is_empty() && !bench.is_closed(), "{head:02x?}");
                bench.give(rest);
                assert_eq!(bench.take(), [b"\x94\x01\x09\xc0\xc3"], "{head:02x?} {rest:02x?}");
                // A frame ends where it ends: no request in it is executed.
                let protocols = vec![bench::protocol(Wire::MessagePack)];
                let limits = Limits::default();
                let mut bench = Bench::new(service(), protocols, Shape::Messages, None, limits);
                bench.give(head);
                assert!(bench.take().is_empty(), "{head:02x?}");
                bench.give(&wire::probe(Wire::MessagePack));
                let served = bench.take();
                assert!(wire::is_probed(Wire::MessagePack, &served[0]), "{head:02x?}");
                cuts += 1;
            }
        }
        assert!(cuts > 900, "only {cuts}");
    });
}

#[test]
fn every_value_cut_at_every_byte() {
    beside(|| {
        for value in values() {
            for cut in 0..value.len() {
                let head = &value[..cut];
                let format = Format::MsgPack;
                assert!(format.decode::<Value>(head).is_err(), "{head:02x?}");
                assert!(format.decode::<serde::de::IgnoredAny>(head).is_err(), "{head:02x?}");
                assert!(format.decode::<Ext>(head).is_err(), "{head:02x?}");
                assert!(format.decode::<Blob>(head).is_err(), "{head:02x?}");
                assert!(format.decode::<String>(head).is_err(), "{head:02x?}");
                assert!(format.decode::<Vec<Value>>(head).is_err(), "{head:02x?}");
                assert!(format.decode::<f64>(head).is_err(), "{head:02x?}");
                assert!(format.decode::<i128>(head).is_err(), "{head:02x?}");
            }
        }
    });
}
