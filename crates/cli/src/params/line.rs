//! `Line`: a value that is sent into a call, as it stands on one line.

use serde_json::value::RawValue;
use tinyrpc::Format;

use super::{Encoded, argument};
use crate::{json, parts::json_text, shown::Form};

/// JSON text of one value in one line.
#[derive(Debug)]
pub(crate) struct Line(Box<RawValue>);

impl Line {
    /// Reads a line: JSON, or any text where it is taken as that.
    ///
    /// # Errors
    ///
    /// It is no JSON, in words.
    pub(crate) fn new(line: &str, as_text: bool) -> Result<Self, String> {
        let text = match as_text {
            true => argument::quoted(line),
            false => json::COMPACT.apply(json_text(line.as_bytes())?),
        };
        RawValue::from_string(text).map(Self).map_err(|error| error.to_string())
    }

    /// The value as a connection's format wants it; `form` says what maps may mean.
    ///
    /// # Errors
    ///
    /// The format cannot say it, in words.
    #[cfg_attr(
        not(feature = "msgpack"),
        expect(unused_variables, reason = "in JSON every form is itself")
    )]
    pub(crate) fn encoded(
        &self,
        format: Option<Format>,
        form: Form,
    ) -> Result<Encoded<'_>, String> {
        #[cfg(feature = "msgpack")]
        if format.is_some_and(|format| !format.is_text()) {
            // Only inside of something a value may have a form.
            let inside = format!("[{}]", self.0.get());
            let rmpv::Value::Array(values) =
                super::msgpack::from_json(&inside, form == Form::Typed)?
            else {
                return Err("it is no value".into());
            };
            let value = values.into_iter().next();
            return value.map(Encoded::MsgPack).ok_or_else(|| "it is no value".into());
        }
        Ok(Encoded::Json(&self.0))
    }
}
