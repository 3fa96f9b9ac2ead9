//! `Argument`: what one ARG means.

use crate::{failure::Failure, json, parts::json_text};

/// One ARG of the command line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Argument<'a> {
    /// `VALUE`.
    Positional {
        /// JSON text in one line.
        json: String,
        /// Why it is text although it begins like JSON.
        broken: Option<String>,
    },
    /// `NAME=TEXT` or `NAME:=JSON`.
    Named {
        name: &'a str,
        /// JSON text in one line.
        json: String,
    },
    /// `-` or `@FILE`.
    Whole(Source<'a>),
}

/// Where all params are read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source<'a> {
    Stdin,
    File(&'a str),
}

impl<'a> Argument<'a> {
    /// Reads an ARG.
    ///
    /// # Errors
    ///
    /// It says that it is JSON, and is not.
    pub(super) fn parse(arg: &'a str) -> Result<Self, Failure> {
        if arg == "-" {
            return Ok(Self::Whole(Source::Stdin));
        }
        if let Some(path) = arg.strip_prefix('@') {
            return Ok(Self::Whole(Source::File(path)));
        }
        let Some((left, right)) = arg.split_once('=') else { return Ok(Self::value(arg)) };
        match left.strip_suffix(':') {
            Some(name) if is_name(name) => match json_text(right.as_bytes()) {
                Ok(text) => Ok(Self::Named { name, json: json::COMPACT.apply(text) }),
                Err(why) => Err(Failure::usage(format!("`{arg}`: {right:?} is no JSON: {why}"))
                    .hint(format!("{name}={right} gives it as text"))),
            },
            None if is_name(left) => Ok(Self::Named { name: left, json: quoted(right) }),
            _ => Ok(Self::value(arg)),
        }
    }

    fn value(arg: &str) -> Self {
        match json_text(arg.as_bytes()) {
            Ok(text) => Self::Positional { json: json::COMPACT.apply(text), broken: None },
            Err(why) => {
                let broken = arg.starts_with(['[', '{', '"']).then_some(why);
                Self::Positional { json: quoted(arg), broken }
            }
        }
    }
}

/// True for what can be the name of a param: a letter or `_`, then letters, digits, `_` and `-`.
fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_alphabetic() || first == '_')
        && text.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}

/// Text as JSON.
pub(super) fn quoted(text: &str) -> String {
    // INVARIANT: text always has a form in JSON.
    serde_json::to_string(text).unwrap_or_default()
}
