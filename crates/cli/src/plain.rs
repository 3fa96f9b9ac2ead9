//! Text of a stranger, made harmless: nothing in it moves the cursor, changes colours or hides
//! other text.

use std::fmt::Write as _;

/// True for characters that a terminal obeys or does not show: controls, and marks that turn the
/// direction of writing or have no width.
pub(crate) fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}')
        || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}')
        || matches!(c, '\u{e0000}'..='\u{e007f}')
}

/// One line of text, with hidden characters escaped as in Rust.
pub(crate) fn line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// Bytes, with all but printable ASCII escaped as in Rust.
pub(crate) fn bytes(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    _ = write!(out, "{}", bytes.escape_ascii());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_obeys_nothing() {
        let cases = [
            ("plain ü 😀", "plain ü 😀"),
            ("a\u{1b}[31mb", "a\\u{1b}[31mb"),
            ("a\nb\tc\rd", "a\\nb\\tc\\rd"),
            ("\u{9b}2J\u{7f}", "\\u{9b}2J\\u{7f}"),
            ("\u{202e}evil", "\\u{202e}evil"),
            ("\u{e0041}\u{200b}", "\\u{e0041}\\u{200b}"),
            ("C:\\n", "C:\\n"),
        ];
        for (text, expected) in cases {
            assert_eq!(line(text), expected);
        }
        assert_eq!(bytes(b"\x93\0\"a\xff"), "\\x93\\x00\\\"a\\xff");
    }
}
