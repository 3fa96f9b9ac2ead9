//! Secrets in messages: where they are, by the keys that they have.

use std::ops::Range;

use crate::parts::Parts;

/// The places of all values whose keys say that they are secret, in their order.
///
/// A positional param has no key, so it is never one of them. Bytes that are no message are one
/// secret where a word for secrets is in them.
pub(crate) fn find(message: &[u8]) -> Vec<Range<usize>> {
    let mut search = Search { message, places: Vec::new() };
    match open(message, message) {
        None | Some(Parts::Scalar) if is_secret(&String::from_utf8_lossy(message)) => {
            search.cut(message);
        }
        _ => search.walk(message, MAX_DEPTH),
    }
    search.places
}

struct Search<'m> {
    message: &'m [u8],
    places: Vec<Range<usize>>,
}

impl<'m> Search<'m> {
    fn walk(&mut self, value: &'m [u8], levels: usize) {
        let Some(levels) = levels.checked_sub(1) else {
            // Nobody looks further, so nothing further is shown.
            return self.cut(value);
        };
        match open(self.message, value) {
            Some(Parts::Sequence(elements)) => {
                elements.into_iter().for_each(|element| self.walk(element, levels));
            }
            Some(Parts::Map(entries)) => {
                for (key, value) in entries {
                    match key {
                        Some(key) if is_secret(&key) => self.cut(value),
                        _ => self.walk(value, levels),
                    }
                }
            }
            Some(Parts::Scalar) | None => {}
        }
    }

    /// INVARIANT: every part of a message is a slice of it.
    fn cut(&mut self, value: &[u8]) {
        let start = (value.as_ptr() as usize).saturating_sub(self.message.as_ptr() as usize);
        self.places.push(start..start + value.len());
    }
}

/// Opens a value of a message; JSON by its first byte, as servers tell the protocols apart.
fn open<'m>(message: &[u8], value: &'m [u8]) -> Option<Parts<'m>> {
    if is_json(message) {
        return Parts::of_json(value);
    }
    #[cfg(feature = "msgpack")]
    return Parts::of_msgpack(value);
    #[cfg(not(feature = "msgpack"))]
    return None;
}

/// True for what can be a message in JSON.
pub(crate) fn is_json(message: &[u8]) -> bool {
    matches!(message.trim_ascii_start(), [b'{' | b'[', ..])
}

/// True for keys whose values are not shown.
pub(crate) fn is_secret(key: &str) -> bool {
    let key: String =
        key.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    WORDS.iter().any(|word| key.contains(word)) || NAMES.contains(&key.as_str())
}

/// A key with one of these in it is secret, whatever its case and its `_` and `-`.
const WORDS: [&str; 10] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "authorization",
    "apikey",
    "privatekey",
    "credential",
    "cookie",
];
/// A key that is one of these is secret; in longer ones they mean something else.
const NAMES: [&str; 4] = ["auth", "pass", "pwd", "pin"];
/// As deep as a message can be.
const MAX_DEPTH: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(message: &[u8], secrets: &[&[u8]]) {
        let found: Vec<&[u8]> = find(message).into_iter().map(|place| &message[place]).collect();
        assert_eq!(found, secrets);
    }

    #[test]
    fn json() {
        check(br#"{"method":"m","params":["password","x"]}"#, &[]);
        check(br#" {"params":{"user":"a","password": "x y" }}"#, &[br#""x y""#]);
        check(
            br#"[{"X-Api-Key":1,"access_token":["t"]},{"a":{"pin":{"b":2},"spin":3}}]"#,
            &[b"1", br#"["t"]"#, br#"{"b":2}"#],
        );
        check(br#"{"pass\u0077ord":"x"}"#, &[br#""x""#]);
        check(br#"{"password":"x""#, &[br#"{"password":"x""#]);
        check(br#"{"user":"x""#, &[]);
    }

    #[cfg(feature = "msgpack")]
    #[test]
    fn msgpack() {
        check(b"\x94\0\x01\xa1m\x91\x81\xa5token\xa2xy", &[b"\xa2xy"]);
        check(b"\x93\x02\xa1m\x91\x82\xc4\x03PWD\xcd\x01\0\x01\xa1x", &[b"\xcd\x01\0"]);
        check(b"\x93\x02\xa1m", &[]);
        check(b"\0\0\0\x0d{\"Token\":\"x\"}", &[b"\0\0\0\x0d{\"Token\":\"x\"}"]);
    }

    #[test]
    fn what_nobody_looks_at_is_not_shown() {
        let deep = format!("{}{}", "[".repeat(70), "]".repeat(70));
        check(deep.as_bytes(), &[&deep.as_bytes()[64..76]]);
    }
}
