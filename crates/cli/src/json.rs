//! `Layout`: JSON text laid out anew, with every value left as it was written.
//!
//! Numbers are never decoded, and text only for people, so that no digit and no escape is lost.

use std::fmt::Write as _;

use crate::plain::is_hidden;

/// How JSON text is laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Layout {
    /// A line for each element, indented; otherwise all in one line without white space.
    pub(crate) pretty: bool,
    /// For the eyes of a person: characters that a terminal obeys or hides are escaped, and no others.
    /// The values stay the same.
    pub(crate) harmless: bool,
}

/// All in one line, every byte of the values as it was.
pub(crate) const COMPACT: Layout = Layout { pretty: false, harmless: false };

impl Layout {
    /// Lays out one JSON value. `text` is well-formed.
    pub(crate) fn apply(self, text: &str) -> String {
        let mut writer = Writer { layout: self, out: String::with_capacity(text.len()), depth: 0 };
        let mut rest = text;
        let mut opened = false;
        while let Some(first) = rest.chars().next() {
            let token;
            (token, rest) = rest.split_at(token_len(rest, first));
            if matches!(first, ' ' | '\t' | '\n' | '\r') {
                continue;
            }
            let closes = matches!(first, ']' | '}');
            match (std::mem::take(&mut opened), closes) {
                (true, false) => {
                    writer.depth += 1;
                    writer.new_line();
                }
                (false, true) => {
                    writer.depth = writer.depth.saturating_sub(1);
                    writer.new_line();
                }
                // An empty one stays in its line.
                (true, true) | (false, false) => {}
            }
            opened = matches!(first, '[' | '{');
            if first == '"' {
                writer.text(token);
            } else {
                writer.token(token);
            }
        }
        writer.out
    }
}

/// The length of what comes first: a text with its quotes, or one character of anything else.
fn token_len(text: &str, first: char) -> usize {
    if first != '"' {
        return first.len_utf8();
    }
    let mut escaped = false;
    let end = text.char_indices().skip(1).find(|(_, c)| {
        let ends = *c == '"' && !escaped;
        escaped = *c == '\\' && !escaped;
        ends
    });
    end.map_or(text.len(), |(index, quote)| index + quote.len_utf8())
}

struct Writer {
    layout: Layout,
    out: String,
    depth: usize,
}

impl Writer {
    /// A text with its quotes.
    fn text(&mut self, text: &str) {
        if !self.layout.harmless {
            return self.out.push_str(text);
        }
        // Escapes that nobody needs are taken away, and those added that a terminal needs. Half a
        // surrogate pair is no text, and stays as it is.
        let decoded = serde_json::from_str::<String>(text);
        let plain = decoded.and_then(|text| serde_json::to_string(&text));
        for c in plain.as_deref().unwrap_or(text).chars() {
            if is_hidden(c) {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    _ = write!(self.out, "\\u{unit:04x}");
                }
            } else {
                self.out.push(c);
            }
        }
    }

    /// Anything else.
    fn token(&mut self, token: &str) {
        self.out.push_str(token);
        match token {
            "," => self.new_line(),
            ":" if self.layout.pretty => self.out.push(' '),
            _ => {}
        }
    }

    fn new_line(&mut self) {
        if self.layout.pretty {
            self.out.push('\n');
            self.out.extend(std::iter::repeat_n("  ", self.depth));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, compact: &str, pretty: &str) {
        assert_eq!(COMPACT.apply(text), compact);
        let layout = Layout { pretty: true, ..COMPACT };
        assert_eq!(layout.apply(text), pretty);
        assert_eq!(COMPACT.apply(pretty), compact);
        assert_eq!(layout.apply(pretty), pretty);
    }

    #[test]
    fn layouts() {
        check("1.50", "1.50", "1.50");
        check(" null\n", "null", "null");
        check("[ ]", "[]", "[]");
        check("{ }", "{}", "{}");
        check("[1 ,[ ],{}]", "[1,[],{}]", "[\n  1,\n  [],\n  {}\n]");
        check("[[[0]]]", "[[[0]]]", "[\n  [\n    [\n      0\n    ]\n  ]\n]");
        check(
            r#"{"a" : 1e999, "a":"[x, \"{\\"}"#,
            r#"{"a":1e999,"a":"[x, \"{\\"}"#,
            "{\n  \"a\": 1e999,\n  \"a\": \"[x, \\\"{\\\\\"\n}",
        );
    }

    #[test]
    fn values_stay_the_same_when_they_are_made_harmless() {
        let text = "\"\u{9b}2J \u{202e} \u{e0041} ü\"";
        let harmless = Layout { harmless: true, ..COMPACT }.apply(text);
        assert_eq!(harmless, r#""\u009b2J \u202e \udb40\udc41 ü""#);
        let value = |text| serde_json::from_str::<String>(text).expect("JSON text");
        assert_eq!(value(&harmless), value(text));
        assert_eq!(COMPACT.apply(text), text);
    }

    #[test]
    fn people_read_characters() {
        let layout = Layout { harmless: true, ..COMPACT };
        for (text, shown) in [
            (r#""gr\u00fc\u00dfe \ud83d\ude00""#, "\"grüße 😀\""),
            (r#""\/\u0041\u0022\\\n\u001b""#, r#""/A\"\\\n\u001b""#),
            (r#"["\ud800\u0041"]"#, r#"["\ud800\u0041"]"#),
            (r#"{"\u00e4":"\""}"#, r#"{"ä":"\""}"#),
        ] {
            assert_eq!(layout.apply(text), shown);
            assert_eq!(COMPACT.apply(text), text);
        }
    }
}
