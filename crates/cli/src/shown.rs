//! `Shown`: a payload as JSON text, and notes on what had to take another form.

#[cfg(feature = "msgpack")]
mod msgpack;

use tinyrpc::Payload;

use crate::{json, parts::json_text};

/// What the command shows of a value.
#[derive(Debug)]
pub(crate) struct Shown {
    /// The value as JSON text in one line.
    pub(crate) json: String,
    /// What a reader should know about it, a line each.
    pub(crate) notes: Vec<String>,
}

/// How values without a form in JSON are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// As the library's own services would say them in JSON, with notes.
    Plain,
    /// So that each can be told from everything else, and sent back. See `typed.rs`.
    Typed,
}

impl Form {
    /// The form that the option `--typed` asks for.
    pub(crate) fn new(typed: bool) -> Self {
        if typed { Self::Typed } else { Self::Plain }
    }
}

impl Shown {
    /// Shows a value; `name` is what notes call it.
    ///
    /// # Errors
    ///
    /// The value cannot be read, in words.
    pub(crate) fn new(payload: &Payload, name: &'static str, form: Form) -> Result<Self, String> {
        if payload.format.is_text() {
            let json = json::COMPACT.apply(json_text(&payload.bytes)?);
            return Ok(Self { json, notes: Vec::new() });
        }
        #[cfg(feature = "msgpack")]
        return msgpack::show(&payload.bytes, name, form);
        #[cfg(not(feature = "msgpack"))]
        return Err(format!("{name} ({form:?}) is in a format that is not known here"));
    }
}
