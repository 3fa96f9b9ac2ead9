//! What became of a post, for whoever made the call.

use std::{io, sync::Arc};

use bytes::Bytes;
use http::{Response, StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_util::client::legacy;
use tinyrpc_core::{Error, LimitReached, Reason};

use super::{Media, collected::Collected, respond};

/// The message in a response; `None` where there is none, as for notifications.
///
/// A message counts whatever the status: many servers answer errors with 4xx or 5xx, and some name
/// another media type. A body that is no message is quoted in the error.
pub(crate) async fn read(
    response: Response<Incoming>,
    media: Media,
    max: usize,
) -> Result<Option<Bytes>, Error> {
    let status = response.status();
    let is_refused = response.headers().get(respond::OUTCOME) == Some(&respond::NOT_EXECUTED);
    let named = response.headers().get(header::CONTENT_TYPE).and_then(Media::from_header);
    let body = collect(response.into_body(), max).await?;
    let is_message = match body.first() {
        None if status.is_success() => return Ok(None),
        None => false,
        Some(&first) => named == Some(media) || begins(first, media),
    };
    if is_message {
        return Ok(Some(body));
    }
    let reason = Reason::Closed(described(status, &body).into());
    Err(match is_refused || certainly_not_executed(status) {
        true => Error::NotExecuted(reason),
        false => Error::Unknown(reason),
    })
}

async fn collect(mut body: Incoming, max: usize) -> Result<Bytes, Error> {
    let mut collected = Collected::new(max);
    while let Some(frame) = body.frame().await {
        let broken = |error| Error::Unknown(Reason::Io(Arc::new(io::Error::other(error))));
        // Trailers say nothing to us.
        let Ok(bytes) = frame.map_err(broken)?.into_data() else { continue };
        if !collected.push(bytes) {
            let limit = LimitReached { name: "max_message", limit: max as u64 };
            return Err(Error::Unknown(Reason::Limit(limit)));
        }
    }
    Ok(collected.take())
}

/// True where a body may be a message although nobody says so.
fn begins(first: u8, media: Media) -> bool {
    match media {
        Media::Json => matches!(first, b'{' | b'[' | b' ' | b'\t' | b'\r' | b'\n'),
        Media::MsgPack => matches!(first, 0x90..=0x9f | 0xdc | 0xdd),
    }
}

/// Statuses by which a server or a proxy says that it never came to the message.
fn certainly_not_executed(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::UNAUTHORIZED
            | StatusCode::FORBIDDEN
            | StatusCode::NOT_FOUND
            | StatusCode::METHOD_NOT_ALLOWED
            | StatusCode::NOT_ACCEPTABLE
            | StatusCode::PROXY_AUTHENTICATION_REQUIRED
            | StatusCode::LENGTH_REQUIRED
            | StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::URI_TOO_LONG
            | StatusCode::UNSUPPORTED_MEDIA_TYPE
            | StatusCode::MISDIRECTED_REQUEST
            | StatusCode::UPGRADE_REQUIRED
            | StatusCode::TOO_MANY_REQUESTS
            | StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
    )
}

fn described(status: StatusCode, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let shown: String = text.trim().chars().take(MOST_SHOWN).flat_map(char::escape_debug).collect();
    match shown.is_empty() {
        true => format!("the server answered {status} and no message"),
        false => format!("the server answered {status} and no message: {shown}"),
    }
}

/// A post without a response. Only where no connection came about, or its server has
/// refused it, it was certainly not executed.
pub(crate) fn failed(error: &legacy::Error) -> Error {
    // Only the last of the causes says what happened.
    let (mut cause, mut refused): (&dyn std::error::Error, _) = (error, error.is_connect());
    while let Some(deeper) = cause.source() {
        cause = deeper;
        let io = cause.downcast_ref::<io::Error>();
        refused |= io.is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
    }
    let cause = io::Error::other(cause.to_string());
    match refused {
        true => Error::NotExecuted(Reason::Connect(Arc::new(cause))),
        false => Error::Unknown(Reason::Io(Arc::new(cause))),
    }
}

/// Characters of a body that are shown: enough for a sentence of an error page.
const MOST_SHOWN: usize = 200;
