//! JSON text as MessagePack values, exactly or not at all.

use rmpv::Value;

use crate::{parts::Parts, typed};

/// Turns params from JSON into MessagePack. Where they are `typed`, what looks like a form of a value
/// inside of them is that value.
///
/// # Errors
///
/// MessagePack cannot say it, in words.
pub(super) fn from_json(text: &str, typed: bool) -> Result<Value, String> {
    convert(text, typed, MAX_DEPTH)
}

fn convert(text: &str, typed: bool, levels: usize) -> Result<Value, String> {
    let Some(levels) = levels.checked_sub(1) else {
        return Err(format!("they are nested deeper than {MAX_DEPTH} levels"));
    };
    let convert = |part: &[u8]| match std::str::from_utf8(part) {
        Ok(text) => convert(text, typed, levels),
        Err(error) => Err(error.to_string()),
    };
    match Parts::of_json(text.as_bytes()).ok_or("they are no JSON")? {
        Parts::Sequence(elements) => {
            elements.into_iter().map(convert).collect::<Result<_, _>>().map(Value::Array)
        }
        Parts::Map(entries) => {
            let entries = entries.into_iter().map(|(key, value)| {
                let key = key.ok_or(HALF_A_PAIR)?;
                Ok((Value::from(key.into_owned()), convert(value)?))
            });
            let entries: Vec<(Value, Value)> = entries.collect::<Result<_, String>>()?;
            // The params themselves are never a form: one of them may have its name.
            let inside = levels < MAX_DEPTH - 1;
            if typed && inside { typed::read(entries) } else { Ok(Value::Map(entries)) }
        }
        Parts::Scalar => scalar(text.trim()),
    }
}

fn scalar(text: &str) -> Result<Value, String> {
    match text {
        "null" => Ok(Value::Nil),
        "true" | "false" => Ok(Value::Boolean(text == "true")),
        _ if text.starts_with('"') => {
            let text: String = serde_json::from_str(text).map_err(|_| HALF_A_PAIR)?;
            Ok(Value::from(text))
        }
        _ => number(text),
    }
}

fn number(text: &str) -> Result<Value, String> {
    if text.contains(['.', 'e', 'E']) {
        let number: f64 = text.parse().map_err(|_| format!("`{text}` is no number"))?;
        return match number.is_finite() {
            true => Ok(Value::F64(number)),
            false => Err(format!("{text} is too large")),
        };
    }
    let signed = text.parse::<i64>().map(Value::from);
    let number = signed.or_else(|_| text.parse::<u64>().map(Value::from));
    number.map_err(|_| format!("{text} has more than 64 bits; {text}.0 is a float"))
}

/// As deep as the library encodes.
const MAX_DEPTH: usize = 64;
const HALF_A_PAIR: &str = "a text holds half a surrogate pair";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values() {
        let cases: [(&str, Value); 12] = [
            ("null", Value::Nil),
            (" true", Value::from(true)),
            ("0", Value::from(0)),
            ("-0", Value::from(0)),
            ("-9223372036854775808", Value::from(i64::MIN)),
            ("18446744073709551615", Value::from(u64::MAX)),
            ("1.0", Value::F64(1.0)),
            ("1e2", Value::F64(100.0)),
            (r#""\u00e4\n""#, Value::from("ä\n")),
            ("[1,[]]", Value::Array(vec![Value::from(1), Value::Array(vec![])])),
            (
                r#"{"b":1,"a":{"a":null}}"#,
                Value::Map(vec![
                    (Value::from("b"), Value::from(1)),
                    (Value::from("a"), Value::Map(vec![(Value::from("a"), Value::Nil)])),
                ]),
            ),
            ("18446744073709551616.0", Value::F64(18_446_744_073_709_551_616.0)),
        ];
        for (text, value) in cases {
            assert_eq!(from_json(text, false), Ok(value), "{text}");
        }
    }

    #[test]
    fn typed_values() {
        let blob = || Value::Binary(vec![1]);
        for (text, value) in [
            (r#"[{"bin":"AQ=="}]"#, Value::Array(vec![blob()])),
            (r#"{"bin":{"bin":"AQ=="}}"#, Value::Map(vec![("bin".into(), blob())])),
        ] {
            assert_eq!(from_json(text, true), Ok(value), "{text}");
        }
        assert!(from_json(r#"[{"bin":1}]"#, true).is_err());
        assert!(from_json(r#"[{"bin":1}]"#, false).is_ok());
    }

    #[test]
    fn what_cannot_be_said_exactly_is_not_said() {
        let deep = format!("{}{}", "[".repeat(65), "]".repeat(65));
        for (text, why) in [
            ("18446744073709551616", "18446744073709551616 has more than 64 bits"),
            ("[-9223372036854775809]", "-9223372036854775809 has more than 64 bits"),
            ("1e999", "1e999 is too large"),
            (r#"["\ud800"]"#, "a text holds half a surrogate pair"),
            (r#"{"\ud800":1}"#, "a text holds half a surrogate pair"),
            (&deep, "they are nested deeper than 64 levels"),
        ] {
            let error = from_json(text, true).expect_err(text);
            assert!(error.starts_with(why), "{error}");
        }
    }
}
