//! Structs, enums, numbers and keys.

use std::net::IpAddr;

use super::*;

#[test]
fn structs_and_sequences() {
    let point = Point { x: -1, name: "a".into() };
    check(point.clone(), r#"{"x":-1,"name":"a"}"#, b"\x82\xa1x\xff\xa4name\xa1a");
    check((1_u8, "b".to_owned()), r#"[1,"b"]"#, b"\x92\x01\xa1b");
    check([1_u8, 2], "[1,2]", b"\x92\x01\x02");
    check(vec![1_u8, 200], "[1,200]", b"\x92\x01\xcc\xc8");
    check(Newtype(7), "7", b"\x07");
    check(Some(7_u8), "7", b"\x07");
    check(None::<u8>, "null", b"\xc0");
    check((), "null", b"\xc0");
    check(Unit, "null", b"\x90");
    check('ß', "\"ß\"", b"\xa2\xc3\x9f");
    check(true, "true", b"\xc3");
    // Also read:
    assert_eq!(Json.decode(br#"[-1,"a"]"#), Ok(point.clone()));
    assert_eq!(MsgPack.decode(b"\x92\xff\xa1a"), Ok(point));
    assert_eq!(MsgPack.decode(b"\xc0"), Ok(Unit));
    assert_eq!(MsgPack.decode(b"\xc4\x02\x01\xff"), Ok(vec![1_u8, 255]));
    assert_eq!(MsgPack.decode(b"\xc4\x02ab"), Ok("ab".to_owned()));
    assert_eq!(Json.decode(b" \r\n\t7 "), Ok(7));
    assert_eq!(Json.decode::<&str>(br#""borrowed""#), Ok("borrowed"));
    assert_eq!(MsgPack.decode::<&str>(b"\xa8borrowed"), Ok("borrowed"));
}

#[test]
fn enums_are_tagged_externally() {
    check(Choice::Unit, r#""Unit""#, b"\xa4Unit");
    check(Choice::Newtype(1), r#"{"Newtype":1}"#, b"\x81\xa7Newtype\x01");
    check(Choice::Tuple(1, true), r#"{"Tuple":[1,true]}"#, b"\x81\xa5Tuple\x92\x01\xc3");
    check(Choice::Struct { x: 1 }, r#"{"Struct":{"x":1}}"#, b"\x81\xa6Struct\x81\xa1x\x01");
    assert_eq!(Json.decode(br#"{"Unit":null}"#), Ok(Choice::Unit));
    assert_eq!(MsgPack.decode(b"\x81\xa4Unit\xc0"), Ok(Choice::Unit));
}

#[test]
fn human_readable_on_both() {
    let address: IpAddr = [127, 0, 0, 1].into();
    check(address, r#""127.0.0.1""#, b"\xa9127.0.0.1");
    // Also where rmp-serde writes into a buffer of its own, because of an unknown length.
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Outer {
        #[serde(flatten)]
        map: BTreeMap<String, (IpAddr, Point)>,
    }
    let map = BTreeMap::from([("k".into(), (address, Point { x: 0, name: String::new() }))]);
    check(
        Outer { map },
        r#"{"k":["127.0.0.1",{"x":0,"name":""}]}"#,
        b"\x81\xa1k\x92\xa9127.0.0.1\x82\xa1x\x00\xa4name\xa0",
    );
}

#[test]
fn integers_are_exact() {
    check(i64::MIN, "-9223372036854775808", b"\xd3\x80\0\0\0\0\0\0\0");
    check(i64::MAX, "9223372036854775807", b"\xcf\x7f\xff\xff\xff\xff\xff\xff\xff");
    check(u64::MAX, "18446744073709551615", b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff");
    check((1_i64 << 53) + 1, "9007199254740993", b"\xcf\x00\x20\0\0\0\0\0\x01");
    for format in BOTH {
        let error = format.decode::<i64>(&encode(format, &u64::MAX)).expect_err("too large");
        assert!(error.to_string().starts_with("invalid value: integer `1844"), "{error}");
        assert!(format.decode::<u8>(&encode(format, &256)).is_err());
        assert!(format.decode::<u8>(&encode(format, &-1)).is_err());
        assert!(format.decode::<i64>(&encode(format, &1.0)).is_err());
        assert_eq!(format.decode::<f64>(&encode(format, &1_i64)), Ok(1.0));
    }
}

#[test]
fn integers_of_128_bits() {
    let max = [&b"\xc4\x10"[..], &[0xff; 16]].concat();
    check(u128::MAX, "340282366920938463463374607431768211455", &max);
    let min = [&b"\xc4\x10\x80"[..], &[0; 15]].concat();
    check(i128::MIN, "-170141183460469231731687303715884105728", &min);
    let one = [&b"\xc4\x10"[..], &[0; 15], &[1]].concat();
    check(1_u128, "1", &one);
    // Integers of other peers are read; a negative one wraps, which is rmp-serde's doing.
    assert_eq!(MsgPack.decode(b"\x07"), Ok(7_u128));
    assert_eq!(MsgPack.decode(b"\xff"), Ok(-1_i128));
    assert_eq!(MsgPack.decode(b"\xff"), Ok(u128::MAX));
    check_error::<u128>(Json, b"-1", Kind::Data, "number out of range");
    check_error::<u128>(MsgPack, b"\xc4\x01\x01", Kind::Data, "wrong number of elements");
    let text = "invalid type: string, expected a number or a boolean";
    check_error::<u128>(MsgPack, b"\xa1x", Kind::Data, text);
}

#[test]
fn keys_of_maps() {
    check(BTreeMap::from([("k".to_owned(), 1_u8)]), r#"{"k":1}"#, b"\x81\xa1k\x01");
    check(
        BTreeMap::from([(-1_i64, 1_u8), (300, 2)]),
        r#"{"-1":1,"300":2}"#,
        b"\x82\xff\x01\xcd\x01\x2c\x02",
    );
    check(
        BTreeMap::from([(u64::MAX, 1_u8)]),
        r#"{"18446744073709551615":1}"#,
        b"\x81\xcf\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    );
    check(BTreeMap::from([(true, 1_u8)]), r#"{"true":1}"#, b"\x81\xc3\x01");
    check(BTreeMap::from([('k', 1_u8)]), r#"{"k":1}"#, b"\x81\xa1k\x01");
    check(BTreeMap::from([(Key::North, 1_u8)]), r#"{"North":1}"#, b"\x81\xa5North\x01");
    check(
        BTreeMap::from([(Blob::from(vec![0xff]), 1_u8)]),
        r#"{"/w==":1}"#,
        b"\x81\xc4\x01\xff\x01",
    );
    check(BTreeMap::from([(1_u128, 1_u8)]), r#"{"1":1}"#, &{
        [&b"\x81\xc4\x10"[..], &[0; 15], b"\x01\x01"].concat()
    });
}

#[test]
fn null_and_shapes() {
    for format in BOTH {
        assert!(format.is_null(format.null()));
        assert_eq!(format.decode(format.null()), Ok(()));
        assert_eq!(encode(format, &()), format.null());
        assert_eq!(format.shape(format.null()), Shape::Null);
        assert!(!format.is_null(b""));
        for scalar in [encode(format, &1), encode(format, "n["), encode(format, &true)] {
            assert!(!format.is_null(&scalar));
            assert_eq!(format.shape(&scalar), Shape::Scalar);
        }
        assert_eq!(format.shape(&encode(format, &inner().blob)), Shape::Scalar);
        assert_eq!(format.shape(b""), Shape::Scalar);
    }
    assert!(Json.is_null(b" null\n"));
    assert!(!Json.is_null(b"nul"));
    assert_eq!(Json.shape(b"\t[1]"), Shape::Sequence { len: None });
    assert_eq!(Json.shape(b" {}"), Shape::Map { len: None });
    for len in [0_u32, 15, 16, 65_535, 65_536] {
        let list = vec![(); len as usize];
        let map: BTreeMap<u32, ()> = (0..len).map(|key| (key, ())).collect();
        assert_eq!(MsgPack.shape(&encode(MsgPack, &list)), Shape::Sequence { len: Some(len) });
        assert_eq!(MsgPack.shape(&encode(MsgPack, &map)), Shape::Map { len: Some(len) });
    }
    assert_eq!((Json.name(), MsgPack.name()), ("JSON", "MessagePack"));
}

/// What rmp-serde reads although our peers never write it; recorded so that a change is noticed.
#[test]
fn leniency_of_messagepack() {
    // Variants and fields by number.
    assert_eq!(MsgPack.decode(b"\x00"), Ok(Choice::Unit));
    let point = Point { x: 7, name: "a".into() };
    assert_eq!(MsgPack.decode(b"\x82\x00\x07\x01\xa1a"), Ok(point));
    // A tuple takes what it needs of a bin.
    assert_eq!(MsgPack.decode(b"\xc4\x03\x01\x02\x03"), Ok((1_u8, 2_u8)));
    assert!(Json.decode::<Choice>(b"0").is_err());
}

/// Limits of serde's buffers that the documentation names.
#[test]
fn what_serde_cannot_do() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Buffered {
        Wide(u128),
        Keys(BTreeMap<i32, u8>),
    }
    let keys = Buffered::Keys(BTreeMap::from([(1, 2)]));
    assert_eq!(encode(Json, &keys), br#"{"1":2}"#);
    assert!(Json.decode::<Buffered>(br#"{"1":2}"#).is_err());
    assert_eq!(MsgPack.decode(&encode(MsgPack, &keys)), Ok(keys));
    for format in BOTH {
        let bytes = encode(format, &Buffered::Wide(u128::MAX));
        assert!(format.decode::<Buffered>(&bytes).is_err(), "{format:?}");
        assert_eq!(format.decode(&encode(format, &Some(()))), Ok(None::<()>));
    }
}
