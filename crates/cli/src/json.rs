//! `Layout`: JSON text laid out anew, with every value left as it was written.
//!
//! Numbers and text are never decoded, so that no digit and no escape is lost on the way.

use std::fmt::Write as _;

use crate::plain::is_hidden;

/// How JSON text is laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Layout {
    /// A line for each element, indented; otherwise all in one line without white space.
    pub(crate) pretty: bool,
    /// Characters that a terminal obeys or hides are escaped. The values stay the same.
    pub(crate) harmless: bool,
}

/// All in one line, every byte of the values as it was.
pub(crate) const COMPACT: Layout = Layout { pretty: false, harmless: false };

impl Layout {
    /// Lays out one JSON value. `text` is well-formed.
    pub(crate) fn apply(self, text: &str) -> String {
        let mut writer = Writer { layout: self, out: String::with_capacity(text.len()), depth: 0 };
        let (mut in_text, mut escaped) = (false, false);
        let mut opened = false;
        for c in text.chars() {
            if in_text {
                match c {
                    _ if escaped => escaped = false,
                    '\\' => escaped = true,
                    '"' => in_text = false,
                    _ => {}
                }
                writer.text(c);
                continue;
            }
            if matches!(c, ' ' | '\t' | '\n' | '\r') {
                continue;
            }
            let closes = matches!(c, ']' | '}');
            if std::mem::take(&mut opened) && !closes {
                writer.depth += 1;
                writer.new_line();
            } else if closes && !writer.out.ends_with(['[', '{']) {
                writer.depth = writer.depth.saturating_sub(1);
                writer.new_line();
            }
            in_text = c == '"';
            opened = matches!(c, '[' | '{');
            writer.token(c);
        }
        writer.out
    }
}

struct Writer {
    layout: Layout,
    out: String,
    depth: usize,
}

impl Writer {
    /// A character between quotes.
    fn text(&mut self, c: char) {
        if self.layout.harmless && is_hidden(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                _ = write!(self.out, "\\u{unit:04x}");
            }
        } else {
            self.out.push(c);
        }
    }

    /// A character of anything else.
    fn token(&mut self, c: char) {
        self.out.push(c);
        match c {
            ',' => self.new_line(),
            ':' if self.layout.pretty => self.out.push(' '),
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
}
