//! Floats, and what JSON has no form for.

use super::*;

#[test]
fn floats() {
    check(0.1_f64, "0.1", b"\xcb\x3f\xb9\x99\x99\x99\x99\x99\x9a");
    check(0.5_f32, "0.5", b"\xca\x3f\x00\x00\x00");
    check(1.0_f64, "1.0", b"\xcb\x3f\xf0\0\0\0\0\0\0");
    check(-0.0_f64, "-0.0", b"\xcb\x80\0\0\0\0\0\0\0");
    check_error::<f64>(Json, b"1e999", Kind::Data, "number out of range");
    check_error::<f64>(Json, b"null", Kind::Data, "invalid type: null, expected f64");
    for bits in [f64::NAN.to_bits(), f64::NAN.to_bits() | 1, f64::INFINITY.to_bits()] {
        let bytes = encode(MsgPack, &f64::from_bits(bits));
        assert_eq!(MsgPack.decode::<f64>(&bytes).map(f64::to_bits), Ok(bits));
    }
    let bits = f32::NAN.to_bits() | 5;
    let bytes = encode(MsgPack, &f32::from_bits(bits));
    assert_eq!(MsgPack.decode::<f32>(&bytes).map(f32::to_bits), Ok(bits));
}

/// Wherever a float can be, JSON refuses what is not finite and keeps what is.
#[test]
fn nan_is_refused_in_json() {
    #[derive(Serialize)]
    struct S<T> {
        a: u8,
        f: T,
    }
    #[derive(Serialize)]
    struct T2<T>(u8, T);
    #[derive(Serialize)]
    struct N<T>(T);
    #[derive(Serialize)]
    enum E<T> {
        Newtype(T),
        Tuple(u8, T),
        Struct { f: T },
    }
    #[derive(Serialize)]
    #[serde(tag = "t")]
    enum Tagged<T> {
        V(S<T>),
    }
    #[derive(Serialize)]
    #[serde(tag = "t", content = "c")]
    enum Adjacent<T> {
        V(T),
    }
    #[derive(Serialize)]
    #[serde(untagged)]
    enum Untagged<T> {
        V(T),
    }
    #[derive(Serialize)]
    struct Flat<T> {
        #[serde(flatten)]
        s: S<T>,
    }

    #[track_caller]
    fn same(value: impl Serialize) {
        let plain = serde_json::to_vec(&value).expect("encodable");
        assert_eq!(String::from_utf8_lossy(&encode(Json, &value)), String::from_utf8_lossy(&plain));
    }

    #[track_caller]
    fn refused(value: impl Serialize, name: &str) {
        let mut out = b"before".to_vec();
        let error = Json.encode(&value, &mut out).expect_err("not finite");
        assert_eq!(error.kind(), Kind::Encode);
        assert_eq!(error.to_string(), format!("JSON has no form for {name}"));
        assert_eq!(out, b"before");
    }

    macro_rules! everywhere {
        ($check:ident, $f:expr $(, $name:expr)?) => {
            $check($f $(, $name)?);
            $check(Some($f) $(, $name)?);
            $check(vec![1.0, $f] $(, $name)?);
            $check((1, $f) $(, $name)?);
            $check([$f; 2] $(, $name)?);
            $check(Box::new($f) $(, $name)?);
            $check(N($f) $(, $name)?);
            $check(T2(1, $f) $(, $name)?);
            $check(S { a: 1, f: $f } $(, $name)?);
            $check(E::Newtype($f) $(, $name)?);
            $check(E::Tuple(1, $f) $(, $name)?);
            $check(E::Struct { f: $f } $(, $name)?);
            $check(Tagged::V(S { a: 1, f: $f }) $(, $name)?);
            $check(Adjacent::V($f) $(, $name)?);
            $check(Untagged::V($f) $(, $name)?);
            $check(Flat { s: S { a: 1, f: $f } } $(, $name)?);
            $check(HashMap::from([(1, $f)]) $(, $name)?);
            $check(vec![Some(N(E::Tuple(1, S { a: 1, f: [$f] })))] $(, $name)?);
        };
    }

    everywhere!(refused, f64::NAN, "NaN");
    everywhere!(refused, f32::NAN, "NaN");
    everywhere!(refused, f64::INFINITY, "inf");
    everywhere!(refused, f64::NEG_INFINITY, "-inf");
    everywhere!(refused, f32::INFINITY, "inf");
    everywhere!(same, 0.1_f64);
    everywhere!(same, 0.1_f32);
    everywhere!(same, f64::MAX);
    everywhere!(same, f64::MIN_POSITIVE);
}
