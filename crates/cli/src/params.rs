//! `Params`: what a call gives its method, read from the command line, a file or standard input.

mod argument;
mod line;
#[cfg(feature = "msgpack")]
mod msgpack;

use std::{fs, io, io::Read as _};

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use tinyrpc::Format;

use self::argument::{Argument, Source};
pub(crate) use self::line::Line;
use crate::{command::Request, failure::Failure, json, output, parts::json_text, shown::Form};

/// JSON text of an array or an object in one line, or nothing.
#[derive(Debug)]
pub(crate) struct Params(Option<Box<RawValue>>);

impl Params {
    /// The params that the command line says.
    ///
    /// # Errors
    ///
    /// They make no sense, or cannot be read.
    pub(crate) fn new(request: &Request) -> Result<Self, Failure> {
        let text = match &request.params {
            Some(params) => Some(whole(params.as_bytes(), "--params")?),
            None if request.text => sequence(request.args.iter().map(|arg| argument::quoted(arg))),
            None => from_args(&request.args)?,
        };
        let json = text.map(RawValue::from_string).transpose();
        let json =
            json.map_err(|error| Failure::usage(format!("the params are no JSON: {error}")))?;
        Ok(Self(json))
    }

    /// The params as a connection's format wants them; `form` says what maps may mean.
    ///
    /// # Errors
    ///
    /// The format cannot say them.
    #[cfg_attr(
        not(feature = "msgpack"),
        expect(unused_variables, reason = "in JSON every form is itself")
    )]
    pub(crate) fn encoded(
        &self,
        format: Option<Format>,
        form: Form,
    ) -> Result<Encoded<'_>, Failure> {
        let Some(json) = &self.0 else { return Ok(Encoded::Nothing) };
        if format.is_none_or(Format::is_text) {
            return Ok(Encoded::Json(json));
        }
        #[cfg(feature = "msgpack")]
        return msgpack::from_json(json.get(), form == Form::Typed)
            .map(Encoded::MsgPack)
            .map_err(|why| Failure::usage(format!("MessagePack cannot say these params: {why}")));
        #[cfg(not(feature = "msgpack"))]
        return Ok(Encoded::Json(json));
    }
}

/// The params that ARGs say, as JSON text.
fn from_args(args: &[String]) -> Result<Option<String>, Failure> {
    let mut positional: Vec<(&str, String)> = Vec::new();
    let mut named: Vec<(&str, &str, String)> = Vec::new();
    for (index, arg) in args.iter().enumerate() {
        match Argument::parse(arg)? {
            Argument::Whole(source) if args.len() == 1 => return read(source).map(Some),
            Argument::Whole(_) => {
                return Err(Failure::usage(format!(
                    "`{arg}` is all params, and it is not the only ARG"
                ))
                .hint(format!("give it alone; {}", as_text(arg))));
            }
            Argument::Positional { json, broken } => {
                if let Some(why) = broken {
                    output::tell(&format!(
                        "note: ARG {} is sent as text, it is no JSON: {why}",
                        index + 1
                    ));
                }
                positional.push((arg, json));
            }
            Argument::Named { name, json } => {
                if named.iter().any(|(_, other, _)| *other == name) {
                    return Err(Failure::usage(format!("the param `{name}` is given twice")));
                }
                named.push((arg, name, json));
            }
        }
    }
    match (positional.first(), named.first()) {
        (Some((value, _)), Some((arg, name, _))) => Err(mixed(value, arg, name)),
        (None, Some(_)) => Ok(Some(map(&named))),
        _ => Ok(sequence(positional.into_iter().map(|(_, json)| json))),
    }
}

fn sequence(values: impl Iterator<Item = String>) -> Option<String> {
    let values: Vec<String> = values.collect();
    (!values.is_empty()).then(|| format!("[{}]", values.join(",")))
}

fn map(params: &[(&str, &str, String)]) -> String {
    let entries: Vec<String> =
        params.iter().map(|(_, name, json)| format!("{}:{json}", argument::quoted(name))).collect();
    format!("{{{}}}", entries.join(","))
}

fn read(source: Source<'_>) -> Result<String, Failure> {
    match source {
        Source::Stdin => {
            let mut bytes = Vec::new();
            match io::stdin().lock().read_to_end(&mut bytes) {
                Ok(_) => whole(&bytes, "standard input"),
                Err(error) => {
                    Err(Failure::usage(format!("standard input cannot be read: {error}")))
                }
            }
        }
        Source::File(path) => match fs::read(path) {
            Ok(bytes) => whole(&bytes, path),
            Err(error) => Err(Failure::usage(format!("{path} cannot be read: {error}"))
                .hint(as_text(&format!("@{path}")))),
        },
    }
}

/// All params in one JSON text, in one line.
fn whole(bytes: &[u8], origin: &str) -> Result<String, Failure> {
    let wrong = |why: &str| {
        Failure::usage(format!("{origin}: {why}"))
            .hint("params are one JSON array (positional) or object (named)")
    };
    let text = json_text(bytes).map_err(|why| wrong(&why))?;
    if !text.starts_with(['[', '{']) {
        return Err(wrong("expected an array or an object"));
    }
    Ok(json::COMPACT.apply(text))
}

fn mixed(value: &str, arg: &str, name: &str) -> Failure {
    Failure::usage(format!("`{value}` is positional and `{arg}` is named: a call has one kind"))
        .hint(format!("name all of them, as in {name}=TEXT or {name}:=JSON; {}", as_text(arg)))
}

/// How an ARG that means something is said as text.
fn as_text(arg: &str) -> String {
    format!(
        "if `{arg}` is text, quote it as JSON, as in '{}', or use --text",
        argument::quoted(arg)
    )
}

/// Params on their way into one format.
#[derive(Debug)]
pub(crate) enum Encoded<'a> {
    /// None at all.
    Nothing,
    /// Text that is sent as it is.
    Json(&'a RawValue),
    /// Values.
    #[cfg(feature = "msgpack")]
    MsgPack(rmpv::Value),
}

impl Serialize for Encoded<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Nothing => serializer.serialize_unit(),
            Self::Json(value) => value.serialize(serializer),
            #[cfg(feature = "msgpack")]
            Self::MsgPack(value) => value.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests;
