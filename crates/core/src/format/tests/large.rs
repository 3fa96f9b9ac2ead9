//! Large binary values: base64 that is written and read in the quick way, values that an encoding
//! refers to, and values that stay a part of the block they came in.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;

use super::*;
use crate::{PayloadRef, format::Pieces};

/// Around every border: of the ways of base64, and of what is never copied.
const SIZES: [usize; 10] = [0, 1, 254, 255, 256, 257, 32_767, 32_768, 32_769, 100_000];

fn blob(size: usize) -> Blob {
    Blob::from((0..size).map(|at| (at * 7 + at / 251) as u8).collect::<Vec<_>>())
}

#[test]
fn base64_is_the_same_in_both_ways() {
    for size in SIZES {
        let blob = blob(size);
        let text = format!("\"{}\"", STANDARD.encode(&blob));
        assert_eq!(encode(Json, &blob), text.as_bytes(), "{size}");
        assert_eq!(Json.decode::<Blob>(text.as_bytes()), Ok(blob.clone()));
        // In whatever stands between it and its buffer.
        let flat = Flat { a: 1, rest: BTreeMap::from([("b".into(), blob.clone())]) };
        assert_eq!(encode(Json, &flat), format!("{{\"a\":1,\"b\":{text}}}").as_bytes());
        assert_eq!(encode(Json, &Untagged::Blob(blob.clone())), text.as_bytes());
        let foreign = serde_json::to_value(&blob).expect("a text");
        assert_eq!(foreign.to_string(), text);
        assert_eq!(encode(Json, &Foreign(blob)), format!("[{text},{text}]").as_bytes());
    }
}

/// Is encoded by another serializer while it is.
struct Foreign(Blob);

impl Serialize for Foreign {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value = serde_json::to_value(&self.0).map_err(serde::ser::Error::custom)?;
        (value, &self.0).serialize(serializer)
    }
}

#[test]
fn long_base64_is_read_as_strictly_as_short() {
    let good = STANDARD.encode(blob(1000));
    let bad = [
        good.replacen('A', "-", 1),
        good.replacen('A', " ", 1),
        good.trim_end_matches('=').into(),
        format!("{good}\\n"),
        format!("{}R==", &good[..good.len() - 3]),
        format!("{good}===="),
    ];
    assert!(good.ends_with("=="), "it has bits to spare");
    for text in bad {
        let error = Json.decode::<Blob>(format!("\"{text}\"").as_bytes()).expect_err("strict");
        assert!(error.message().starts_with("invalid base64 for binary data: "), "{error}");
    }
}

#[test]
fn pieces_are_put_where_they_were_left_out() {
    for (one, other) in [(10, 10), (10, 40_000), (40_000, 10), (40_000, 70_000)] {
        let value = (1, blob(one), "between", blob(other), vec![Some(blob(one))]);
        for format in BOTH {
            let whole = [b"head".to_vec(), encode(format, &value)].concat();
            let encode = || {
                let (mut out, mut pieces) = (b"head".to_vec(), Pieces::new(32_768));
                format.encode_in_pieces(&value, &mut out, &mut pieces).expect("it encodes");
                let large = [one, other, one].into_iter().filter(|size| *size > 32_768);
                let left_out = if format == MsgPack { large.sum() } else { 0 };
                assert_eq!((pieces.len(), out.len()), (left_out, whole.len() - left_out));
                (out, pieces)
            };
            let (mut out, pieces) = encode();
            pieces.join(4, &mut out);
            assert!(out == whole, "{format:?}");
            let (mut out, pieces) = encode();
            assert!(pieces.cut(4, &mut out).concat() == whole[4..], "{format:?}");
            assert_eq!(out, b"head");
        }
    }
}

#[test]
fn a_large_value_is_a_part_of_its_block() {
    for (size, beside, shares) in [(40_000, 10, true), (40_000, 50_000, false), (10, 10, false)] {
        let value = (blob(size), blob(beside));
        let block = Bytes::from(encode(MsgPack, &value));
        let payload = PayloadRef { bytes: &block, block: Some(&block), format: MsgPack };
        let read: (Blob, Blob) = payload.decode().expect("it is one");
        assert_eq!(read, value);
        let inside = block.as_ptr_range().contains(&read.0.as_ptr());
        assert_eq!(inside, shares, "{size} beside {beside}");
        // Without a block, or in another one, it is a copy.
        let read: (Blob, Blob) = MsgPack.decode(&block).expect("it is one");
        assert!(!block.as_ptr_range().contains(&read.0.as_ptr()));
        let other = Bytes::from(block.to_vec());
        let payload = PayloadRef { block: Some(&other), ..payload };
        assert_eq!(payload.decode::<(Blob, Blob)>().expect("it is one"), value);
    }
}
