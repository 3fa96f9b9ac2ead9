//! Extension types of every code and size: M4. No code means anything here: a handler that asks
//! for an extension gets its bytes, and every other one refuses them.

use tinyrpc::{Dispatched, Dispatcher, Endpoint, protocols::Ext, protocols::MsgPackRpc};

use crate::{
    beside,
    value::Value,
    wire::{self, Wire},
};

/// The shortest form of an extension, which is how it is written.
fn ext(code: u8, size: usize) -> Vec<u8> {
    let length = u32::try_from(size).expect("a small size").to_be_bytes();
    let head = match size {
        1 | 2 | 4 | 8 | 16 => vec![0xd4 + size.trailing_zeros() as u8],
        0..0x100 => vec![0xc7, length[3]],
        0x100..0x1_0000 => vec![0xc8, length[2], length[3]],
        _ => [&[0xc9], &length[..]].concat(),
    };
    [head, vec![code], vec![0x5a; size]].concat()
}

#[test]
fn every_code_and_size() {
    beside(|| {
        let service = Dispatcher::new()
            .method("ext", |value: Ext| value)
            .method("text", |_: String| true)
            .method("integer", |_: i64| true)
            .method("list", |_: Vec<u8>| true)
            .method("any", |_: Value| true);
        let endpoint = Endpoint::new(service, MsgPackRpc);
        let ask = |method, params: &[u8]| {
            let call = wire::call(Wire::MessagePack, Some(7), method, &[params]);
            let Dispatched::Ready(Some(answer)) = endpoint.dispatch_now(call) else {
                panic!("no answer")
            };
            answer
        };
        for code in 0..=255 {
            for size in [0, 1, 2, 3, 4, 8, 15, 16, 17, 255, 256, 70_000] {
                let value = ext(code, size);
                let expected = [&b"\x94\x01\x07\xc0"[..], &value].concat();
                assert!(ask("ext", &value) == expected, "code {code}, {size} bytes");
                for method in ["text", "integer", "list", "any"] {
                    let answer = ask(method, &value);
                    // Invalid params: -32602.
                    let refused = answer.starts_with(b"\x94\x01\x07\x92\xd1\x80\xa6");
                    assert!(refused, "{method} of code {code}, {size} bytes: {answer:02x?}");
                }
            }
        }
    });
}
