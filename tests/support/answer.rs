//! Answers that must come back, and what it means that one is the same: see `tests/data/README.md`.

use serde_json::Value;

/// One message that must come back.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    Json { text: String, unordered: bool },
    MessagePack(Vec<Piece>),
}

/// A part of a MessagePack answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Piece {
    Bytes(Vec<u8>),
    /// Any text that is not empty.
    Text,
    /// This integer, however wide it is written.
    Int(i128),
    /// The id of the request that is answered.
    Id,
}

impl Answer {
    /// True when `got` says the same.
    pub(crate) fn matches(&self, got: &[u8]) -> bool {
        match self {
            Self::Json { text, unordered } => {
                std::str::from_utf8(got).is_ok_and(|got| same_json(text, got, *unordered))
            }
            Self::MessagePack(pieces) => {
                let rest = pieces.iter().try_fold(got, |got, piece| match piece {
                    Piece::Bytes(bytes) => got.strip_prefix(bytes.as_slice()),
                    Piece::Text => take_text(got),
                    Piece::Int(int) => {
                        take_int(got).filter(|(i, _)| i == int).map(|(_, rest)| rest)
                    }
                    Piece::Id => take_int(got).map(|(_, rest)| rest),
                });
                rest == Some(&[])
            }
        }
    }

    /// The message itself, as the answer to the request whose id is encoded in `id`.
    pub(crate) fn to_bytes(&self, id: &[u8]) -> Vec<u8> {
        match self {
            Self::Json { text, .. } => text.clone().into_bytes(),
            Self::MessagePack(pieces) => pieces
                .iter()
                .flat_map(|piece| match piece {
                    Piece::Bytes(bytes) => bytes.as_slice(),
                    Piece::Id => id,
                    Piece::Text | Piece::Int(_) => {
                        panic!("an answer with a placeholder is not sent")
                    }
                })
                .copied()
                .collect(),
        }
    }
}

/// True when every answer that must come back is there, and no other.
pub(crate) fn same(expected: &[Answer], got: &[Vec<u8>], unordered: bool) -> bool {
    same_list(expected, got, unordered, |answer, got| answer.matches(got))
}

fn same_list<E, G>(
    expected: &[E],
    got: &[G],
    unordered: bool,
    same: impl Fn(&E, &G) -> bool,
) -> bool {
    if expected.len() != got.len() || !unordered {
        return expected.len() == got.len() && expected.iter().zip(got).all(|(e, g)| same(e, g));
    }
    let mut left: Vec<_> = got.iter().collect();
    expected.iter().all(|e| {
        let found = left.iter().position(|g| same(e, g));
        found.map(|at| left.swap_remove(at)).is_some()
    })
}

/// Compares two responses or batches of them: the id as text, an error by its code and by having a
/// message, anything else as a value.
fn same_json(expected: &str, got: &str, unordered: bool) -> bool {
    let (Some(mut e), Some(mut g)) = (members(expected), members(got)) else {
        return false;
    };
    match (expected.trim().starts_with('['), got.trim().starts_with('[')) {
        (true, true) => return same_list(&e, &g, unordered, |e, g| same_json(e, g, false)),
        (false, false) => {}
        _ => return false,
    }
    // By key: a key is the beginning of its member.
    e.sort_unstable();
    g.sort_unstable();
    same_list(&e, &g, false, |e, g| {
        let (Some((key, e)), Some((got_key, g))) = (e.split_once(':'), g.split_once(':')) else {
            return false;
        };
        if key.trim() != got_key.trim() || key.trim() == r#""id""# {
            return key.trim() == got_key.trim() && e.trim() == g.trim();
        }
        let (Ok(e), Ok(g)) = (serde_json::from_str::<Value>(e), serde_json::from_str::<Value>(g))
        else {
            return false;
        };
        if key.trim() == r#""error""# {
            let message = g["message"].as_str().is_some_and(|message| !message.is_empty());
            return message && e["code"].is_i64() && e["code"] == g["code"];
        }
        e == g
    })
}

/// The members of an array or object of valid JSON, as they are written.
fn members(text: &str) -> Option<Vec<&str>> {
    let text = text.trim();
    let inside = text.strip_prefix(['[', '{'])?.strip_suffix([']', '}'])?;
    let (mut parts, mut start, mut depth, mut in_string, mut escaped) =
        (Vec::new(), 0, 0, false, false);
    for (at, byte) in inside.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth -= 1,
            b',' if depth == 0 => {
                parts.push(inside[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    if !inside.trim().is_empty() {
        parts.push(inside[start..].trim());
    }
    Some(parts)
}

/// What follows the text at the beginning of `got`, where there is one that is not empty.
fn take_text(got: &[u8]) -> Option<&[u8]> {
    let (&first, rest) = got.split_first()?;
    let (length, rest) = match first {
        0xa1..=0xbf => (usize::from(first - 0xa0), rest),
        0xd9..=0xdb => {
            let (length, rest) = rest.split_at_checked(1 << (first - 0xd9))?;
            (usize::try_from(big_endian(length)).ok()?, rest)
        }
        _ => return None,
    };
    let (text, rest) = rest.split_at_checked(length)?;
    (length > 0 && std::str::from_utf8(text).is_ok()).then_some(rest)
}

/// The integer at the beginning of `got`, and what follows.
fn take_int(got: &[u8]) -> Option<(i128, &[u8])> {
    let (&first, rest) = got.split_first()?;
    match first {
        0..=0x7f => Some((first.into(), rest)),
        0xe0..=0xff => Some((i128::from(first) - 256, rest)),
        0xcc..=0xd3 => {
            let (bytes, rest) = rest.split_at_checked(1 << (first & 3))?;
            let unused = 128 - 8 * bytes.len();
            let int = big_endian(bytes);
            Some((if first < 0xd0 { int } else { int << unused >> unused }, rest))
        }
        _ => None,
    }
}

fn big_endian(bytes: &[u8]) -> i128 {
    bytes.iter().fold(0, |int, byte| int << 8 | i128::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str, unordered: bool) -> Answer {
        Answer::Json { text: text.to_owned(), unordered }
    }

    #[test]
    fn json_is_compared_as_values() {
        let answer = json(r#"{"jsonrpc":"2.0","result":{"a":[1,"x,]"]},"id":1}"#, false);
        assert!(answer.matches(br#" {"id" : 1, "result":{ "a":[1, "x,\u005d"]},"jsonrpc":"2.0"}"#));
        for other in [
            r#"{"jsonrpc":"2.0","result":{"a":[1,"x"]},"id":1}"#,
            r#"{"jsonrpc":"2.0","result":{"a":[1,"x,]"]},"id":1.0}"#,
            r#"{"jsonrpc":"2.0","result":{"a":[1,"x,]"]},"id":1,"x":1}"#,
            r#"{"result":{"a":[1,"x,]"]},"id":1}"#,
            r#"[{"jsonrpc":"2.0","result":{"a":[1,"x,]"]},"id":1}]"#,
            "{}",
            "",
        ] {
            assert!(!answer.matches(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn ids_are_compared_as_text_and_errors_by_code() {
        let answer = json(
            r#"{"jsonrpc":"2.0","error":{"code":-32600,"message":"any"},"id":"\u0061"}"#,
            false,
        );
        assert!(answer.matches(
            br#"{"jsonrpc":"2.0","id":"\u0061","error":{"message":"no","code":-32600,"data":1}}"#
        ));
        for other in [
            r#"{"jsonrpc":"2.0","id":"a","error":{"message":"no","code":-32600}}"#,
            r#"{"jsonrpc":"2.0","id":"\u0061","error":{"message":"","code":-32600}}"#,
            r#"{"jsonrpc":"2.0","id":"\u0061","error":{"message":"no","code":-32601}}"#,
        ] {
            assert!(!answer.matches(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn order_is_free_only_where_it_is_said() {
        let (text, other) = (r#"[{"id":1},{"id":2}]"#, br#"[{"id":2},{"id":1}]"#);
        assert!(json(text, true).matches(other));
        assert!(!json(text, false).matches(other));
        assert!(!json(text, true).matches(br#"[{"id":1},{"id":1}]"#));
        let (one, two) = (json("{}", false), json(r#"{"id":1}"#, false));
        let got = [br#"{"id":1}"#.to_vec(), b"{}".to_vec()];
        assert!(same(&[one.clone(), two.clone()], &got, true));
        assert!(!same(&[one.clone(), two], &got, false));
        assert!(!same(&[one], &got, true));
    }

    #[test]
    fn placeholders_stand_for_one_value() {
        let bytes = |bytes: &[u8]| Piece::Bytes(bytes.to_vec());
        let answer = Answer::MessagePack(vec![
            bytes(&[0x94, 1]),
            Piece::Id,
            bytes(&[0x92]),
            Piece::Int(-32600),
            Piece::Text,
            bytes(&[0xc0]),
        ]);
        assert!(answer.matches(b"\x94\x01\x05\x92\xd1\x80\xa8\xa1x\xc0"));
        assert!(answer.matches(b"\x94\x01\xcd\x00\x05\x92\xd2\xff\xff\x80\xa8\xda\x00\x01x\xc0"));
        assert!(!answer.matches(b"\x94\x01\x05\x92\xd1\x80\xa8\xa0\xc0"), "an empty text");
        assert!(!answer.matches(b"\x94\x01\x05\x92\xd1\x80\xa8\xa1\xff\xc0"), "not UTF-8");
        assert!(!answer.matches(b"\x94\x01\x05\x92\xd1\x80\xa8\xa1x\xc0\xc0"), "too long");
        assert!(!answer.matches(b"\x94\x01\x05\x92\xd1\x80\xa8\xa1x"), "too short");
        let answer = Answer::MessagePack(vec![bytes(&[0x94, 1]), Piece::Id, bytes(&[0xc0, 5])]);
        assert_eq!(answer.to_bytes(&[0xcc, 0x80]), [0x94, 1, 0xcc, 0x80, 0xc0, 5]);
        assert_eq!(
            take_int(&[0xcf, 255, 255, 255, 255, 255, 255, 255, 255]),
            Some((u64::MAX.into(), &[][..]))
        );
        assert_eq!(take_int(&[0xff]), Some((-1, &[][..])));
    }
}
