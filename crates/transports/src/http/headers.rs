//! Headers that may be there once, and those of a handshake.

use http::{HeaderMap, HeaderValue, header::AsHeaderName};
#[cfg(feature = "ws")]
use tinyrpc_core::{Headers, Lane};

/// The value of a header.
///
/// # Errors
///
/// It is there more than once: whoever is between us and the peer may have read another one.
pub(crate) fn single(
    headers: &HeaderMap,
    name: impl AsHeaderName,
) -> Result<Option<&HeaderValue>, ()> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        _ => Err(()),
    }
}

/// The text of a header that is there once.
pub(crate) fn text_of(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = single(headers, name).ok()??;
    value.to_str().ok().map(str::to_owned)
}

/// The headers with which a connection began: they stand for all its messages.
#[cfg(feature = "ws")]
#[derive(Debug)]
pub(crate) struct Handshake(pub(crate) HeaderMap);

#[cfg(feature = "ws")]
impl Headers for Handshake {
    fn get(&self, _lane: Lane, name: &str) -> Option<String> {
        text_of(&self.0, name)
    }
}
