//! What holds for all ids, names and inputs.

use proptest::prelude::*;

use super::{Id, Message, frame, open, read};

fn ids() -> impl Strategy<Value = Id<'static>> {
    prop_oneof![
        Just(Id::Null),
        any::<u64>().prop_map(Id::Number),
        (0_u32..64, any::<u64>()).prop_map(|(shift, number)| Id::Number(number >> shift)),
        (i64::MIN..0).prop_map(Id::Negative),
        "[^\"\\\\\\x00-\\x1f]{0,60}".prop_map(|text| Id::Text(text.into())),
        "-?[1-9][0-9]{20,60}".prop_map(|digits| Id::Token(digits.into_bytes().into())),
    ]
}

proptest! {
    #[test]
    fn requests_are_read_as_they_were_written(
        id in proptest::option::of(ids()),
        method in "\\PC{0,40}|[\\x00-\\x7f]{0,40}",
        params in "(\\[[0-9]\\]|\\{\\}|)",
    ) {
        let mut codec = open();
        let mut out = Vec::new();
        prop_assert!(codec.encoder.request(&mut out, id.as_ref(), &method, params.as_bytes()).is_ok());
        let Ok(Message::Request(request)) = codec.decoder.decode(frame(&out)) else {
            panic!("no request: {}", String::from_utf8_lossy(&out))
        };
        prop_assert_eq!(request.id, id);
        prop_assert_eq!(&*request.method, &*method);
        prop_assert_eq!(request.params.bytes, params.as_bytes());
    }

    #[test]
    fn results_are_read_as_they_were_written(id in ids(), result in "[1-9][0-9]{0,9}|\"[a-z]*\"") {
        let mut codec = open();
        let mut out = Vec::new();
        codec.encoder.begin_result(&mut out, &id);
        out.extend_from_slice(result.as_bytes());
        codec.encoder.end_result(&mut out, &id);
        let Ok(Message::Response(response)) = codec.decoder.decode(frame(&out)) else {
            panic!("no response: {}", String::from_utf8_lossy(&out))
        };
        prop_assert_eq!(response.id, id);
        prop_assert_eq!(response.outcome.map(|read| read.bytes).ok(), Some(result.as_bytes()));
    }

    #[test]
    fn errors_are_read_as_they_were_written(code: i64, message: String, data: Option<i64>) {
        let mut codec = open();
        let mut error = crate::RpcError::new(code, message.clone());
        if let Some(data) = data {
            error = error.with_data(data);
        }
        let mut out = Vec::new();
        codec.encoder.error(&mut out, &Id::Number(1), &error);
        let Ok(Message::Response(response)) = codec.decoder.decode(frame(&out)) else {
            panic!("no response: {}", String::from_utf8_lossy(&out))
        };
        let read = response.outcome.expect_err("it was an error");
        prop_assert_eq!(read.code.0, code);
        prop_assert_eq!(&*read.message, &*message);
        prop_assert_eq!(read.data::<i64>().ok(), Some(data));
    }

    /// No input panics, and how it is cut into pieces changes nothing.
    #[test]
    fn pieces_change_nothing(
        stream in "([ \\n\\[\\]{},:01a\"]|\\{\"jsonrpc\":\"2.0\"|\"id\"|\"method\":\"x\"|GET |\\{\\}|\\[1\\]|nul|e){0,40}",
        step in 1_usize..9,
    ) {
        let whole = read(&mut open(), stream.as_bytes(), stream.len().max(1));
        prop_assert_eq!(read(&mut open(), stream.as_bytes(), step), whole);
    }

    #[test]
    fn no_bytes_panic(bytes: Vec<u8>, step in 1_usize..9) {
        read(&mut open(), &bytes, step);
        let _ = open().decoder.decode(frame(&bytes));
    }
}
