//! What holds for all ids, names and inputs.

use proptest::prelude::*;

use super::{Id, Limits, Message, Protocol, frame, open, read};
use crate::{
    MsgPackRpc, RpcError,
    msgpack::{
        flat,
        scan::{ScanLimits, Scanner},
    },
};

fn ids() -> impl Strategy<Value = u64> {
    (0_u32..64, any::<u64>()).prop_map(|(shift, number)| number >> shift)
}

proptest! {
    #[test]
    fn requests_are_read_as_they_were_written(
        id in proptest::option::of(ids()),
        method in "\\PC{0,70}|[\\x00-\\x7f]{0,70}",
        old: bool,
    ) {
        let mut codec = open();
        if old {
            codec = MsgPackRpc::old().open(&Limits::default());
        }
        let mut out = Vec::new();
        let id = id.map(Id::Number);
        prop_assert!(codec.encoder.request(&mut out, id.as_ref(), &method, b"\x91\x05").is_ok());
        let Ok(Message::Request(request)) = codec.decoder.decode(frame(&out)) else {
            panic!("no request: {out:x?}")
        };
        prop_assert_eq!(request.id, id);
        prop_assert_eq!(&*request.method, &*method);
        prop_assert_eq!(request.params.bytes, b"\x91\x05");
    }

    #[test]
    fn results_are_read_as_they_were_written(id in ids()) {
        let mut codec = open();
        let mut out = Vec::new();
        codec.encoder.begin_result(&mut out, &Id::Number(id));
        out.push(0x05);
        codec.encoder.end_result(&mut out, &Id::Number(id));
        let Ok(Message::Response(response)) = codec.decoder.decode(frame(&out)) else {
            panic!("no response: {out:x?}")
        };
        prop_assert_eq!(response.id, Id::Number(id));
        prop_assert_eq!(response.outcome.map(|read| read.bytes).ok(), Some(b"\x05".as_slice()));
    }

    #[test]
    fn errors_are_read_as_they_were_written(code: i64, message: String, data: Option<i64>) {
        let mut codec = open();
        let mut error = RpcError::new(code, message.clone());
        if let Some(data) = data {
            error = error.with_data(data);
        }
        let mut out = Vec::new();
        codec.encoder.error(&mut out, &Id::Number(1), &error);
        let Ok(Message::Response(response)) = codec.decoder.decode(frame(&out)) else {
            panic!("no response: {out:x?}")
        };
        let read = response.outcome.expect_err("it was an error");
        prop_assert_eq!(read.code.0, code);
        prop_assert_eq!(&*read.message, &*message);
        prop_assert_eq!(read.data::<i64>().ok(), Some(data));
    }

    /// No input panics, and how it is cut into pieces changes nothing.
    #[test]
    fn pieces_change_nothing(
        stream in proptest::collection::vec(
            prop_oneof![
                Just(vec![0x94, 0x00, 0x01, 0xa1, 0x61, 0x90]),
                Just(vec![0x93, 0x02]),
                Just(vec![0x94, 0x01, 0x05, 0xc0]),
                Just(vec![0xdc, 0x00, 0x02]),
                proptest::collection::vec(any::<u8>(), 0..3),
            ],
            0..12,
        ),
        step in 1_usize..9,
    ) {
        let stream = stream.concat();
        let whole = read(&mut open(), &stream, stream.len().max(1));
        prop_assert_eq!(read(&mut open(), &stream, step), whole);
    }

    /// Where the sum finds an end, the scanner finds the same.
    #[test]
    fn sums_agree_with_the_scanner(
        stream in proptest::collection::vec(
            prop_oneof![any::<u8>(), 0x80_u8..0xa8, Just(0xc0)],
            0..40,
        ),
        depth in 1_u32..8,
        values in 1_u32..40,
    ) {
        let limits = ScanLimits { depth, values, length: 64 };
        if let Some(end) = flat::end(&stream, &limits) {
            prop_assert_eq!(Scanner::new(limits).resume(&stream), Ok(Some(end)));
        }
    }

    #[test]
    fn no_bytes_panic(
        head in prop_oneof![
            Just(vec![]), Just(vec![0x94, 0x00, 0x01]), Just(vec![0x94, 0x01, 0x01]),
            Just(vec![0x93, 0x02]), Just(vec![0x94]),
        ],
        rest: Vec<u8>,
        step in 1_usize..9,
    ) {
        let bytes = [head, rest].concat();
        read(&mut open(), &bytes, step);
        let _ = open().decoder.decode(frame(&bytes));
    }
}
