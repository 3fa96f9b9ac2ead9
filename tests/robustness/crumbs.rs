//! Messages in chunks that cost more than they bring: `docs/extensions.md`, section 5.

use tinyrpc::Dispatcher;

use crate::{BOTH, alone, bench::Bench, meter::Meter, wire, wire::Wire};

fn service() -> Dispatcher {
    Dispatcher::new().method("size", |text: String| text.len())
}

fn hello(wire: Wire) -> Vec<u8> {
    wire::on_stream(
        wire,
        match wire {
            Wire::Json => {
                br#"{"jsonrpc":"2.0","id":1,"method":"rpc.hello","params":[{"version":1}]}"#
                    .to_vec()
            }
            Wire::MessagePack => b"\x94\x00\x01\xa9rpc.hello\x91\x81\xa7version\x01".to_vec(),
        },
    )
}

/// A chunk of so many times `x`.
fn chunk(wire: Wire, message: u8, last: bool, size: u16) -> Vec<u8> {
    let bytes = vec![b'x'; size.into()];
    wire::on_stream(
        wire,
        match wire {
            Wire::Json => {
                // Three of them are `eHh4`.
                let text = "eHh4".repeat(bytes.len() / 3);
                let params = format!(r#"[{message},{last},"{text}"]"#);
                format!(r#"{{"jsonrpc":"2.0","method":"rpc.chunk","params":{params}}}"#)
                    .into_bytes()
            }
            Wire::MessagePack => {
                let head = [0x94, 10, message, if last { 0xc3 } else { 0xc2 }, 0xc5];
                [&head[..], &size.to_be_bytes(), &bytes].concat()
            }
        },
    )
}

#[test]
fn chunks_that_are_too_small_end_the_connection() {
    for wire in BOTH {
        for (size, last, closed) in
            [(0, false, true), (1023, false, true), (1026, false, false), (0, true, false)]
        {
            let mut bench = Bench::stream(service());
            bench.give(&hello(wire));
            assert_eq!(bench.take().len(), 1, "the answer to hello");
            bench.give(&chunk(wire, 1, last, size));
            let what = format!("{wire:?}: {size} bytes, last: {last}");
            assert_eq!(bench.session().is_closing(), closed, "{what}");
            if closed {
                let reason = bench.session().reason().to_string();
                assert!(reason.contains("into chunks of less than 1024 bytes"), "{reason}");
            }
        }
    }
}

/// The last chunk may be empty: messages without anything in them, again and again.
#[test]
fn empty_messages_cost_nothing() {
    alone(|| {
        for wire in BOTH {
            let mut bench = Bench::stream(service());
            bench.give(&hello(wire));
            bench.take();
            let empty = chunk(wire, 1, true, 0).repeat(1000);
            let meter = Meter::new();
            for _ in 0..100 {
                bench.give(&empty);
                bench.take();
                if bench.session().is_closing() {
                    break;
                }
            }
            // The buffer of complaints about them, which is kept.
            let held = meter.held();
            assert!(held <= 512 << 10, "{wire:?}: {held} bytes are held");
        }
    });
}
