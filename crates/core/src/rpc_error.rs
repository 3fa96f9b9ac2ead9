//! `RpcError`: the error that travels from the side that serves to the side that calls.

use std::{borrow::Cow, fmt, sync::Arc};

use serde::{Serialize, de::DeserializeOwned};

use crate::{Code, Format, FormatError, Payload};

/// An error as it crosses the wire: code, message and optional data.
///
/// It is never `Serialize`, so that an `Err` cannot be sent as a result by mistake: a handler that
/// can fail returns `Result<T, E>` with `E: Into<RpcError>`.
///
/// ```
/// use tinyrpc_core::{Code, RpcError};
///
/// let error = RpcError::new(Code(17), "no such account").with_data(("account", 4711));
/// assert_eq!(error.to_string(), "no such account (code 17)");
/// ```
#[derive(Clone)]
pub struct RpcError {
    /// What kind of error it is.
    pub code: Code,
    /// One sentence for a person.
    pub message: Cow<'static, str>,
    data: Option<Data>,
}

/// Data of an error: received (encoded) or given by a handler (not yet encoded, because a handler
/// does not know the format of its caller).
#[derive(Clone)]
enum Data {
    Encoded(Payload),
    Value(Arc<dyn EncodeValue>),
}

trait EncodeValue: Send + Sync {
    fn encode(&self, format: Format, out: &mut Vec<u8>) -> Result<(), FormatError>;
}

impl<T: Serialize + Send + Sync> EncodeValue for T {
    fn encode(&self, format: Format, out: &mut Vec<u8>) -> Result<(), FormatError> {
        format.encode(self, out)
    }
}

impl RpcError {
    /// An error without data.
    pub fn new(code: impl Into<Code>, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code: code.into(), message: message.into(), data: None }
    }

    /// The general error of an application: code -32000 and a message.
    pub fn server(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::SERVER_ERROR, message)
    }

    /// The params do not fit.
    pub fn invalid_params(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::INVALID_PARAMS, message)
    }

    /// There is no such method. The name is cut and its control characters are escaped.
    pub fn method_not_found(name: &str) -> Self {
        let shown: String = name.chars().take(64).flat_map(char::escape_debug).collect();
        Self::new(Code::METHOD_NOT_FOUND, format!("method not found: {shown}"))
    }

    /// An error whose cause stays on this side: the peer learns only that there was one.
    ///
    /// The cause is not kept either; log it before, where it should not be lost.
    pub fn internal<E: fmt::Display>(_cause: E) -> Self {
        Self::new(Code::INTERNAL_ERROR, "internal error")
    }

    /// Refused before it began, with the mark by which our clients know that it was not executed.
    pub fn refused(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::REFUSED, message).with_data(Self::NOT_EXECUTED)
    }

    /// The data of an error that promises that the call was not executed.
    ///
    /// Only this mark makes a refusal *certainly not executed*: the code alone could be an
    /// application's own.
    pub const NOT_EXECUTED: &'static str = "rpc.not_executed";

    /// The words of a refusal by a side that shuts down, by which clients over several addresses
    /// know that they need not ask there again.
    pub const SHUTTING_DOWN: &'static str = "this side is shutting down";

    /// Adds data: any value, encoded in the format of whoever receives the error.
    pub fn with_data<T: Serialize + Send + Sync + 'static>(mut self, data: T) -> Self {
        self.data = Some(Data::Value(Arc::new(data)));
        self
    }

    /// Adds data that is encoded already.
    pub fn with_payload(mut self, data: Payload) -> Self {
        self.data = Some(Data::Encoded(data));
        self
    }

    /// True when there is data.
    pub fn has_data(&self) -> bool {
        self.data.is_some()
    }

    /// The data as it was received; `None` where there is none or this side made the error.
    pub fn payload(&self) -> Option<&Payload> {
        match &self.data {
            Some(Data::Encoded(payload)) => Some(payload),
            _ => None,
        }
    }

    /// Decodes the data that was received.
    ///
    /// # Errors
    ///
    /// Data of another type. Absent data gives `Ok(None)`.
    pub fn data<T: DeserializeOwned>(&self) -> Result<Option<T>, FormatError> {
        self.payload().map(Payload::decode).transpose()
    }

    /// Appends the data in `format`; false where there is none or it cannot be said in `format`.
    pub fn encode_data(&self, format: Format, out: &mut Vec<u8>) -> bool {
        match &self.data {
            None => false,
            Some(Data::Value(value)) => value.encode(format, out).is_ok(),
            Some(Data::Encoded(payload)) if payload.format == format => {
                out.extend_from_slice(&payload.bytes);
                true
            }
            Some(Data::Encoded(_)) => false,
        }
    }

    /// True when the peer marked the error as *certainly not executed*.
    pub fn is_not_executed(&self) -> bool {
        self.payload().is_some_and(|payload| {
            // The mark is text in every format: compare its tail, so that no decoder is needed.
            payload.bytes.len() <= Self::NOT_EXECUTED.len() + 2
                && payload.decode::<&str>().is_ok_and(|mark| mark == Self::NOT_EXECUTED)
        })
    }
}

impl fmt::Display for RpcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (code {})", self.message, self.code)
    }
}

impl fmt::Debug for RpcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RpcError")
            .field("code", &self.code.0)
            .field("message", &self.message)
            .field("has_data", &self.has_data())
            .finish()
    }
}

impl std::error::Error for RpcError {}
