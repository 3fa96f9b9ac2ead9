//! `--typed`: JSON forms of what MessagePack has and JSON has not, which can be sent as well.
//!
//! | value | form |
//! |---|---|
//! | binary data | `{"bin": base64}` |
//! | an extension | `{"ext": type, "data": base64}` |
//! | NaN, infinities | `{"float": "NaN"}`, `"Infinity"`, `"-Infinity"` |
//! | a map whose keys are not all text, or which looks like one of these forms | `{"map": [[key, value], …]}` |
//! | text that is not UTF-8 (shown only) | `{"str": base64}` |

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rmpv::Value;

/// True for the keys of a form.
pub(crate) fn is_form<'k>(keys: impl ExactSizeIterator<Item = &'k str>) -> bool {
    let mut keys: Vec<&str> = keys.collect();
    keys.sort_unstable();
    matches!(keys[..], ["bin" | "str" | "float" | "map"] | ["data", "ext"])
}

/// The value that a map means: what it is a form of, or itself.
///
/// # Errors
///
/// It is no good form, in words.
pub(crate) fn read(entries: Vec<(Value, Value)>) -> Result<Value, String> {
    if !is_form(entries.iter().map(|(key, _)| key.as_str().unwrap_or_default())) {
        return Ok(Value::Map(entries));
    }
    let find = |name: &str| {
        entries.iter().find(|(key, _)| key.as_str() == Some(name)).map(|(_, value)| value)
    };
    if let Some(tag) = find("ext") {
        let tag = tag.as_i64().and_then(|tag| i8::try_from(tag).ok());
        let tag = tag.ok_or("the type of an `ext` is a number from -128 to 127")?;
        return Ok(Value::Ext(tag, base64("data", find("data"))?));
    }
    if let Some(bytes) = find("bin") {
        return base64("bin", Some(bytes)).map(Value::Binary);
    }
    if let Some(name) = find("float") {
        return match name.as_str() {
            Some("NaN") => Ok(Value::F64(f64::NAN)),
            Some("Infinity") => Ok(Value::F64(f64::INFINITY)),
            Some("-Infinity") => Ok(Value::F64(f64::NEG_INFINITY)),
            _ => Err("a `float` is \"NaN\", \"Infinity\" or \"-Infinity\"".into()),
        };
    }
    if let Some(pairs) = find("map") {
        let pairs = pairs.as_array().and_then(|pairs| pairs.iter().map(pair).collect());
        return pairs.map(Value::Map).ok_or_else(|| "a `map` is a list of pairs".into());
    }
    Err("text that is not UTF-8 cannot be sent".into())
}

fn base64(name: &str, value: Option<&Value>) -> Result<Vec<u8>, String> {
    let text = value.and_then(Value::as_str).ok_or_else(|| format!("`{name}` is base64 text"))?;
    STANDARD.decode(text).map_err(|error| format!("`{name}` is no base64: {error}"))
}

fn pair(pair: &Value) -> Option<(Value, Value)> {
    match pair.as_array()?.as_slice() {
        [key, value] => Some((key.clone(), value.clone())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(entries: &[(&str, Value)]) -> Vec<(Value, Value)> {
        entries.iter().map(|(key, value)| (Value::from(*key), value.clone())).collect()
    }

    #[test]
    fn forms() {
        let pairs = Value::Array(vec![Value::Array(vec![Value::from(1), Value::from("x")])]);
        let cases = [
            (map(&[("bin", "AP8=".into())]), Value::Binary(vec![0, 255])),
            (map(&[("data", "AQ==".into()), ("ext", (-1).into())]), Value::Ext(-1, vec![1])),
            (map(&[("float", "-Infinity".into())]), Value::F64(f64::NEG_INFINITY)),
            (map(&[("map", pairs)]), Value::Map(vec![(Value::from(1), Value::from("x"))])),
            (
                map(&[("bin", 1.into()), ("x", 2.into())]),
                Value::Map(map(&[("bin", 1.into()), ("x", 2.into())])),
            ),
            (map(&[]), Value::Map(vec![])),
        ];
        for (entries, value) in cases {
            assert_eq!(read(entries), Ok(value));
        }
    }

    #[test]
    fn bad_forms() {
        for (entries, why) in [
            (map(&[("bin", 1.into())]), "`bin` is base64 text"),
            (map(&[("bin", "?".into())]), "`bin` is no base64"),
            (map(&[("ext", 200.into()), ("data", "".into())]), "the type of an `ext`"),
            (map(&[("float", 1.into())]), "a `float` is"),
            (map(&[("map", Value::Array(vec![1.into()]))]), "a `map` is a list of pairs"),
            (map(&[("str", "".into())]), "text that is not UTF-8"),
        ] {
            let error = read(entries).expect_err(why);
            assert!(error.starts_with(why), "{error}");
        }
    }
}
