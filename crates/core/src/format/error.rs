//! `FormatError`: why a value could not be encoded or decoded.

#![cfg_attr(
    not(any(feature = "json", feature = "msgpack")),
    expect(dead_code, reason = "only codecs make errors")
)]

use std::{error, fmt};

use serde_path_to_error::Path;

/// Why a value could not be encoded or decoded.
///
/// Shows where in the value the fault is, and what it is, such as
/// ``[1].name: invalid type: integer `5`, expected a string``.
/// Both texts are one line and bounded, so that they can be logged or sent back to the peer; they
/// hold at most a short excerpt of the payload.
#[derive(Clone, PartialEq, Eq)]
pub struct FormatError(Box<Inner>);

#[derive(Clone, PartialEq, Eq)]
struct Inner {
    kind: FormatErrorKind,
    message: String,
    path: Option<String>,
}

/// What sort of fault a [`FormatError`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FormatErrorKind {
    /// The bytes are not well-formed, or end too early.
    Syntax,
    /// The bytes are well-formed and of another type than expected, or refused by the type.
    Data,
    /// There are bytes after the value.
    Trailing,
    /// The value is nested too deeply to be decoded safely.
    Depth,
    /// The value cannot be encoded: the format has no form for it, or its `Serialize` failed.
    Encode,
}

impl FormatError {
    #[cold]
    pub(super) fn new(kind: FormatErrorKind, message: &str, path: Option<&str>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: excerpt(message, MAX_MESSAGE),
            path: path.map(|path| excerpt(path, MAX_PATH)),
        }))
    }

    /// What sort of fault it is.
    pub fn kind(&self) -> FormatErrorKind {
        self.0.kind
    }

    /// What is wrong, without the path.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Where in the value, such as `[1].name`.
    ///
    /// Empty for the whole value, and `None` where the place is not known.
    pub fn path(&self) -> Option<&str> {
        self.0.path.as_deref()
    }

    /// Names the value that the path starts from: under `params`, `[1].name` becomes
    /// `params[1].name`.
    #[must_use]
    pub fn under(mut self, root: &str) -> Self {
        let path = self.0.path.take().unwrap_or_default();
        let separator = if path.is_empty() || path.starts_with('[') { "" } else { "." };
        self.0.path = Some(format!("{root}{separator}{path}"));
        self
    }
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path() {
            None | Some("") => f.write_str(self.message()),
            Some(path) => write!(f, "{path}: {}", self.message()),
        }
    }
}

impl fmt::Debug for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FormatError")
            .field("kind", &self.kind())
            .field("message", &self.message())
            .field("path", &self.path())
            .finish()
    }
}

impl error::Error for FormatError {}

/// The path as we write it: nothing for the whole value.
pub(super) fn path_text(path: Path) -> String {
    if path.iter().len() == 0 { String::new() } else { path.to_string() }
}

/// One line of at most `max` characters: what is in the middle of a longer text is left out,
/// because serde's messages begin with what was found and end with what was expected.
fn excerpt(text: &str, max: usize) -> String {
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    if text.len() <= max || text.chars().count() <= max {
        return text.chars().map(clean).collect();
    }
    let head = text.chars().take(max / 2);
    let mut tail: Vec<char> = text.chars().rev().take(max / 2).collect();
    tail.reverse();
    head.chain(['…']).chain(tail).map(clean).collect()
}

/// Characters of a message: enough for a type error that quotes a word or two, and a log line
/// stays a line.
const MAX_MESSAGE: usize = 240;

/// Characters of a path: the keys in it are the peer's.
const MAX_PATH: usize = 160;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: Option<&str>, root: &str, expected: &str) {
        let error = FormatError::new(FormatErrorKind::Data, "bad", path);
        assert_eq!(error.under(root).to_string(), expected);
    }

    #[test]
    fn a_root_is_put_before_the_path() {
        check(None, "params", "params: bad");
        check(Some(""), "params", "params: bad");
        check(Some("[1].name"), "params", "params[1].name: bad");
        check(Some("name[0]"), "params", "params.name[0]: bad");
    }

    #[test]
    fn texts_are_one_bounded_line() {
        let long = format!("invalid type: string {:?}, expected i64", "ä\n".repeat(100_000));
        let error = FormatError::new(FormatErrorKind::Data, &long, Some(&"k\n".repeat(1000)));
        assert_eq!(error.message().chars().count(), MAX_MESSAGE + 1);
        assert!(error.message().starts_with("invalid type: string \"ä"), "{error}");
        assert!(error.message().ends_with("\", expected i64"), "{error}");
        assert_eq!(error.path().map(|path| path.chars().count()), Some(MAX_PATH + 1));
        assert!(!error.to_string().contains('\n'));
        assert_eq!(excerpt("ab", 2), "ab");
        assert_eq!(excerpt("äöü", 3), "äöü");
        assert_eq!(excerpt("abcde", 4), "ab…de");
        assert_eq!(excerpt("", 4), "");
    }
}
