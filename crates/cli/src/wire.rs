//! `--verbose`: messages as they travel, a line each on standard error.

use std::fmt::Write as _;

use tinyrpc::{Direction, transports::PeerAddress};

use crate::{output, plain, secrets};

/// Shows one message. It is made for `trace` of servers and clients.
pub(crate) fn show(direction: Direction, peer: &PeerAddress, message: &[u8]) {
    output::tell(&line(direction, peer, message));
}

fn line(direction: Direction, peer: &PeerAddress, message: &[u8]) -> String {
    let preposition = match direction {
        Direction::Sent => "to",
        Direction::Received => "from",
    };
    let size = message.len();
    let mut line = format!("wire: {direction} {size} bytes {preposition} {peer}: ");
    let mut shown = 0;
    for secret in secrets::find(message) {
        append(&mut line, message, shown..secret.start);
        if secret.start < MOST {
            line.push_str("[cut]");
        }
        shown = secret.end;
    }
    append(&mut line, message, shown..size);
    if size > MOST {
        _ = write!(line, "… ({} bytes more)", size - MOST);
    }
    line
}

/// Appends a part of a message, for as far as messages are shown.
fn append(line: &mut String, message: &[u8], part: std::ops::Range<usize>) {
    let part = part.start..part.end.min(MOST);
    let Some(bytes) = message.get(part).filter(|_| !message.is_empty()) else { return };
    match std::str::from_utf8(bytes) {
        Ok(text) if secrets::is_json(message) => line.push_str(&plain::line(text)),
        _ => line.push_str(&plain::bytes(bytes)),
    }
}

/// Bytes of a message that are shown: a screenful or two.
const MOST: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(message: &[u8], shown: &str) {
        let line = line(Direction::Sent, &PeerAddress::Memory, message);
        let size = message.len();
        assert_eq!(line, format!("wire: sent {size} bytes to memory: {shown}"));
    }

    #[test]
    fn messages() {
        check(br#"{"a":"\n"}"#, r#"{"a":"\n"}"#);
        check("{\"ü\":\n\"\u{1b}\"}".as_bytes(), "{\"ü\":\\n\"\\u{1b}\"}");
        check(br#"{"token":"x","b":{"pin":12}}"#, r#"{"token":[cut],"b":{"pin":[cut]}}"#);
        check(b"{\"a\":\"\xff\"}", r#"{\"a\":\"\xff\"}"#);
        check(b"\x93\x02\xa1m\x91\xc4\x01\xff", r"\x93\x02\xa1m\x91\xc4\x01\xff");
        #[cfg(feature = "msgpack")]
        check(b"\x93\x02\xa1m\x91\x81\xa5token\xa1x", r"\x93\x02\xa1m\x91\x81\xa5token[cut]");
        check(b"", "");
    }

    #[test]
    fn long_messages_are_cut_and_secrets_never_come_back() {
        let long = format!(r#"["{}"]"#, "x".repeat(5000));
        check(long.as_bytes(), &format!("[\"{}… (908 bytes more)", "x".repeat(4094)));
        let secret = format!(r#"{{"token":"{}","a":1}}"#, "s".repeat(5000));
        check(secret.as_bytes(), "{\"token\":[cut]… (922 bytes more)");
        let late = format!(r#"{{"a":"{}","token":"s"}}"#, "x".repeat(5000));
        check(late.as_bytes(), &format!("{{\"a\":\"{}… (924 bytes more)", "x".repeat(4090)));
    }

    #[test]
    fn the_direction_is_said() {
        let line = line(Direction::Received, &PeerAddress::Memory, b"[]");
        assert_eq!(line, "wire: received 2 bytes from memory: []");
    }
}
