//! MessagePack as JSON text, in the forms that the library's own data model has for JSON.

mod notes;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rmpv::{Utf8StringRef, ValueRef};
use serde::Serialize;

use self::notes::Notes;
use super::{Form, Shown};
use crate::typed;

/// Shows one MessagePack value.
///
/// # Errors
///
/// Bytes that are not one value.
pub(super) fn show(bytes: &[u8], name: &'static str, form: Form) -> Result<Shown, String> {
    let mut notes = Notes::new(name);
    let json = to_json(bytes, form, &mut notes)?;
    Ok(Shown { json, notes: notes.into_lines() })
}

fn to_json(bytes: &[u8], form: Form, notes: &mut Notes) -> Result<String, String> {
    let mut rest = bytes;
    let value = rmpv::decode::read_value_ref(&mut rest).map_err(|error| error.to_string())?;
    if !rest.is_empty() {
        return Err("unexpected bytes after the value".into());
    }
    let mut writer = Writer { out: String::with_capacity(bytes.len()), form, notes };
    writer.value(&value);
    Ok(writer.out)
}

struct Writer<'n> {
    out: String,
    form: Form,
    notes: &'n mut Notes,
}

impl Writer<'_> {
    fn value(&mut self, value: &ValueRef<'_>) {
        match value {
            ValueRef::Nil => self.out.push_str("null"),
            ValueRef::Boolean(value) => self.scalar(value),
            ValueRef::Integer(number) => self.out.push_str(&number.to_string()),
            ValueRef::F32(number) if number.is_finite() && self.form == Form::Plain => {
                self.scalar(number);
            }
            // As many digits as its value has, so that it is read back as that.
            ValueRef::F32(number) if number.is_finite() => self.scalar(&f64::from(*number)),
            ValueRef::F64(number) if number.is_finite() => self.scalar(number),
            ValueRef::F32(number) => self.not_finite(f64::from(*number)),
            ValueRef::F64(number) => self.not_finite(*number),
            ValueRef::String(text) => self.text(*text),
            ValueRef::Binary(bytes) => self.binary("bin", "binary", bytes),
            ValueRef::Array(values) => self.sequence(values),
            ValueRef::Map(entries) => self.map(entries),
            ValueRef::Ext(tag, data) => self.extension(*tag, data),
        }
    }

    /// A value that serde_json writes.
    fn scalar<T: Serialize + ?Sized>(&mut self, value: &T) {
        // INVARIANT: text, booleans and finite numbers always have a form in JSON.
        self.out.push_str(&serde_json::to_string(value).unwrap_or_default());
    }

    fn base64(&mut self, bytes: &[u8]) {
        self.out.push('"');
        STANDARD.encode_string(bytes, &mut self.out);
        self.out.push('"');
    }

    fn binary(&mut self, key: &str, what: &str, bytes: &[u8]) {
        if self.form == Form::Typed {
            self.out.push_str(&format!(r#"{{"{key}":"#));
            self.base64(bytes);
            return self.out.push('}');
        }
        self.notes.add(&format!("{what} ({} bytes), shown as base64", bytes.len()));
        self.base64(bytes);
    }

    fn text(&mut self, text: Utf8StringRef<'_>) {
        match text.as_str() {
            Some(text) => self.scalar(text),
            None => self.binary("str", "text, but not UTF-8", text.as_bytes()),
        }
    }

    /// JSON has no number for it, so that it gets a form of its own, like an extension.
    fn not_finite(&mut self, number: f64) {
        let name = match number {
            f64::INFINITY => "Infinity",
            f64::NEG_INFINITY => "-Infinity",
            _ => "NaN",
        };
        self.out.push_str(r#"{"float":""#);
        self.out.push_str(name);
        self.out.push_str("\"}");
    }

    fn sequence(&mut self, values: &[ValueRef<'_>]) {
        self.out.push('[');
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            self.notes.enter(index);
            self.value(value);
            self.notes.leave();
        }
        self.out.push(']');
    }

    fn map(&mut self, entries: &[(ValueRef<'_>, ValueRef<'_>)]) {
        let Some(keys) = keys(entries, self.form) else { return self.pairs(entries) };
        if entries.iter().any(|(key, _)| !is_text(key)) {
            self.notes.add("a map with keys that are no text, shown as text");
        }
        self.out.push('{');
        for (index, (key, (_, value))) in keys.iter().zip(entries).enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            self.scalar(key);
            self.out.push(':');
            self.notes.enter_key(key);
            self.value(value);
            self.notes.leave();
        }
        self.out.push('}');
    }

    /// A map whose keys have no text that tells them apart.
    fn pairs(&mut self, entries: &[(ValueRef<'_>, ValueRef<'_>)]) {
        if self.form == Form::Plain {
            self.notes.add("a map with keys that are no text, shown as a list of pairs");
        }
        self.out.push_str(r#"{"map":["#);
        for (index, (key, value)) in entries.iter().enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            self.notes.enter(index);
            self.out.push('[');
            self.value(key);
            self.out.push(',');
            self.value(value);
            self.out.push(']');
            self.notes.leave();
        }
        self.out.push_str("]}");
    }

    fn extension(&mut self, tag: i8, data: &[u8]) {
        let size = data.len();
        let note = match timestamp(tag, data) {
            Some((seconds, nanos)) => {
                format!("an extension, a timestamp: {seconds}.{nanos:09} seconds since 1970")
            }
            None => format!("an extension of type {tag} ({size} bytes), its data shown as base64"),
        };
        if self.form == Form::Plain {
            self.notes.add(&note);
        }
        self.out.push_str(&format!(r#"{{"ext":{tag},"data":"#));
        self.base64(data);
        self.out.push('}');
    }
}

fn is_text(key: &ValueRef<'_>) -> bool {
    matches!(key, ValueRef::String(text) if text.is_str())
}

/// The keys of a map as text; `None` where that would be mistaken for something else.
fn keys(entries: &[(ValueRef<'_>, ValueRef<'_>)], form: Form) -> Option<Vec<String>> {
    let keys: Vec<String> = entries.iter().map(|(key, _)| key_text(key)).collect::<Option<_>>()?;
    let all_text = entries.iter().all(|(key, _)| is_text(key));
    if form == Form::Typed {
        let keeps = all_text && !typed::is_form(keys.iter().map(String::as_str));
        return keeps.then_some(keys);
    }
    if all_text {
        return Some(keys);
    }
    let mut sorted: Vec<&String> = keys.iter().collect();
    sorted.sort_unstable();
    let unique = sorted.windows(2).all(|pair| pair[0] != pair[1]);
    unique.then_some(keys)
}

fn key_text(key: &ValueRef<'_>) -> Option<String> {
    match key {
        ValueRef::String(text) => text.as_str().map(String::from),
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Boolean(value) => Some(value.to_string()),
        ValueRef::Binary(bytes) => Some(STANDARD.encode(bytes)),
        ValueRef::F32(number) if number.is_finite() => serde_json::to_string(number).ok(),
        ValueRef::F64(number) if number.is_finite() => serde_json::to_string(number).ok(),
        _ => None,
    }
}

/// Seconds and nanoseconds of MessagePack's own timestamp type, in its three sizes.
fn timestamp(tag: i8, data: &[u8]) -> Option<(i64, u32)> {
    if tag != -1 {
        return None;
    }
    let (seconds, nanos) = match *data {
        [a, b, c, d] => (i64::from(u32::from_be_bytes([a, b, c, d])), 0),
        [a, b, c, d, e, f, g, h] => {
            let both = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
            // 30 bits of nanoseconds, then 34 bits of seconds.
            (i64::try_from(both & 0x3_ffff_ffff).ok()?, u32::try_from(both >> 34).ok()?)
        }
        [n0, n1, n2, n3, a, b, c, d, e, f, g, h] => {
            let nanos = u32::from_be_bytes([n0, n1, n2, n3]);
            (i64::from_be_bytes([a, b, c, d, e, f, g, h]), nanos)
        }
        _ => return None,
    };
    (nanos < 1_000_000_000 && seconds >= 0).then_some((seconds, nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], json: &str, notes: &[&str]) {
        let shown = show(bytes, "result", Form::Plain).expect("one value");
        assert_eq!(shown.json, json);
        assert_eq!(shown.notes, notes);
    }

    #[test]
    fn scalars() {
        check(b"\xc0", "null", &[]);
        check(b"\xc3", "true", &[]);
        check(b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff", "18446744073709551615", &[]);
        check(b"\xd3\x80\0\0\0\0\0\0\0", "-9223372036854775808", &[]);
        check(b"\xca\x3d\xcc\xcc\xcd", "0.1", &[]);
        check(b"\xcb\x3f\xb9\x99\x99\x99\x99\x99\x9a", "0.1", &[]);
        check(b"\xcb\x3f\xf0\0\0\0\0\0\0", "1.0", &[]);
        check(b"\xcb\x7f\xf8\0\0\0\0\0\0", r#"{"float":"NaN"}"#, &[]);
        check(b"\xcb\x7f\xf0\0\0\0\0\0\0", r#"{"float":"Infinity"}"#, &[]);
        check(b"\xca\xff\x80\0\0", r#"{"float":"-Infinity"}"#, &[]);
        check(b"\xa3\x1b\"\n", r#""\u001b\"\n""#, &[]);
    }

    #[test]
    fn binary() {
        check(b"\xc4\x02\xde\xad", r#""3q0=""#, &["result is binary (2 bytes), shown as base64"]);
        let note = "result[1] is text, but not UTF-8 (1 bytes), shown as base64";
        check(b"\x92\x01\xa1\xff", r#"[1,"/w=="]"#, &[note]);
        let notes: Vec<String> = (0..8)
            .map(|index| format!("result[{index}] is binary (0 bytes), shown as base64"))
            .collect();
        let mut notes: Vec<&str> = notes.iter().map(String::as_str).collect();
        notes.push("and 2 more values like these");
        let json = format!("[{}]", [r#""""#; 10].join(","));
        check(&[&[0x9a][..], &b"\xc4\0".repeat(10)].concat(), &json, &notes);
    }

    #[test]
    fn extensions() {
        check(
            b"\x81\xa1x\xd5\x05\x01\x02",
            r#"{"x":{"ext":5,"data":"AQI="}}"#,
            &["result.x is an extension of type 5 (2 bytes), its data shown as base64"],
        );
        let stamps: [(&[u8], &str, &str); 3] = [
            (b"\xd6\xff\0\0\0\x09", "AAAACQ==", "9.000000000"),
            (b"\xd7\xff\0\0\0\x04\0\0\0\x09", "AAAABAAAAAk=", "9.000000001"),
            (b"\xc7\x0c\xff\0\0\0\x01\0\0\0\0\0\0\0\x09", "AAAAAQAAAAAAAAAJ", "9.000000001"),
        ];
        for (bytes, data, seconds) in stamps {
            let note = format!("result is an extension, a timestamp: {seconds} seconds since 1970");
            check(bytes, &format!(r#"{{"ext":-1,"data":"{data}"}}"#), &[&note]);
        }
    }

    #[test]
    fn keys_that_are_no_text() {
        let as_text = "result is a map with keys that are no text, shown as text";
        let as_pairs = "result is a map with keys that are no text, shown as a list of pairs";
        check(b"\x82\xa1a\x01\xa1a\x02", r#"{"a":1,"a":2}"#, &[]);
        check(b"\x82\x01\xa1x\xc3\xa1y", r#"{"1":"x","true":"y"}"#, &[as_text]);
        check(b"\x81\xc4\x01\xff\x01", r#"{"/w==":1}"#, &[as_text]);
        check(b"\x82\x01\xa1x\xa11\xa1y", r#"{"map":[[1,"x"],["1","y"]]}"#, &[as_pairs]);
        check(b"\x81\xc0\x01", r#"{"map":[[null,1]]}"#, &[as_pairs]);
        check(b"\x81\x91\x01\x90", r#"{"map":[[[1],[]]]}"#, &[as_pairs]);
    }

    #[test]
    fn typed() {
        for (bytes, json) in [
            (&b"\xc4\x02\xde\xad"[..], r#"{"bin":"3q0="}"#),
            (b"\xa1\xff", r#"{"str":"/w=="}"#),
            (b"\xca\x3d\xcc\xcc\xcd", "0.10000000149011612"),
            (b"\xd4\x05\x01", r#"{"ext":5,"data":"AQ=="}"#),
            (b"\x81\x01\x02", r#"{"map":[[1,2]]}"#),
            (b"\x81\xa1a\x02", r#"{"a":2}"#),
            (b"\x81\xa3bin\xa1x", r#"{"map":[["bin","x"]]}"#),
            (b"\x82\xa4data\x01\xa3ext\x02", r#"{"map":[["data",1],["ext",2]]}"#),
            (b"\x82\xa3bin\x01\xa1x\x02", r#"{"bin":1,"x":2}"#),
        ] {
            let shown = show(bytes, "result", Form::Typed).expect("one value");
            assert_eq!((shown.json.as_str(), shown.notes.len()), (json, 0));
        }
    }

    #[test]
    fn one_value_and_nothing_else() {
        for bytes in [&b"\x01\x02"[..], b"\x91", b""] {
            assert!(show(bytes, "result", Form::Plain).is_err(), "{bytes:02x?}");
        }
    }
}
