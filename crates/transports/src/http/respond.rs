//! Responses: from how a lane ended to a status and its headers.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use tinyrpc_core::Ended;

use super::{AnswerBody, Form, Media, desk::Answer, guard::Refusal, web::Page};

/// What is sent over HTTP.
pub(crate) type Reply = Response<AnswerBody>;

/// The answer of the service.
///
/// | the lane ended | status |
/// |---|---|
/// | answered, with a result or an error | 200: HTTP has done its part |
/// | silent: notifications | 204 |
/// | refused: not executed, try again | 503 |
/// | turned away: somebody decided against the peer | 401 |
/// | failed: the message could not be followed | 400 |
/// | abandoned: the server closes before the answer | 500 |
pub(crate) fn answer(answer: Answer, media: Media, origin: Option<HeaderValue>) -> Reply {
    let Answer { how, body, form, .. } = answer;
    let status = match how {
        Ended::Answered => StatusCode::OK,
        Ended::Silent => StatusCode::NO_CONTENT,
        Ended::Refused => StatusCode::SERVICE_UNAVAILABLE,
        Ended::TurnedAway => StatusCode::UNAUTHORIZED,
        Ended::Abandoned => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::BAD_REQUEST,
    };
    // An answer is what its request was, whatever that was called.
    let media = body.as_deref().map_or(media, Media::guess);
    let content_type = form.map_or_else(|| media.header(), Form::header);
    let is_empty = body.as_ref().is_none_or(Bytes::is_empty);
    let mut reply = reply(status, body.unwrap_or_default());
    if !is_empty {
        reply.headers_mut().insert(header::CONTENT_TYPE, content_type);
    }
    if matches!(how, Ended::Refused | Ended::TurnedAway) {
        reply.headers_mut().insert(OUTCOME, NOT_EXECUTED);
    }
    if how == Ended::TurnedAway {
        reply.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE));
    }
    if let Some(origin) = origin {
        allow_origin(&mut reply, origin);
    }
    reply
}

/// An answer of several messages, of which the first is there.
pub(crate) fn stream(body: AnswerBody, form: Form, origin: Option<HeaderValue>) -> Reply {
    let mut reply = with(StatusCode::OK, body);
    let headers = reply.headers_mut();
    headers.insert(header::CONTENT_TYPE, form.header());
    // Whoever stands between keeps nothing back.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(BUFFERING, HeaderValue::from_static("no"));
    if let Some(origin) = origin {
        allow_origin(&mut reply, origin);
    }
    reply
}

/// Nothing was executed, in words for a person. The connection is closed: what a peer that is not
/// admitted sends next is not read.
pub(crate) fn refusal(refusal: &Refusal) -> Reply {
    let mut reply = text(refusal.status, refusal.words);
    reply.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    reply.headers_mut().insert(OUTCOME, NOT_EXECUTED);
    if let Some(allow) = refusal.allow {
        reply.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
    }
    if refusal.status == StatusCode::UPGRADE_REQUIRED {
        let websocket = HeaderValue::from_static("websocket");
        reply.headers_mut().insert(header::UPGRADE, websocket);
    }
    reply
}

/// A page to look at.
pub(crate) fn page(page: &Page) -> Reply {
    let mut reply = reply(StatusCode::OK, page.body.clone());
    reply.headers_mut().insert(header::CONTENT_TYPE, page.media.clone());
    reply
}

/// A page of this origin may post.
pub(crate) fn preflight(origin: HeaderValue) -> Reply {
    let mut reply = reply(StatusCode::NO_CONTENT, Bytes::new());
    allow_origin(&mut reply, origin);
    let headers = reply.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST"));
    let allowed = HeaderValue::from_static("content-type, authorization");
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, allowed);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(PREFLIGHT_SECONDS));
    reply
}

fn text(status: StatusCode, words: &'static str) -> Reply {
    let mut reply = reply(status, Bytes::from_static(words.as_bytes()));
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    reply.headers_mut().insert(header::CONTENT_TYPE, plain);
    reply
}

fn reply(status: StatusCode, body: Bytes) -> Reply {
    with(status, AnswerBody::whole(body))
}

fn with(status: StatusCode, body: AnswerBody) -> Reply {
    let mut reply = Response::new(body);
    *reply.status_mut() = status;
    let nosniff = HeaderValue::from_static("nosniff");
    reply.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
    reply
}

fn allow_origin(reply: &mut Reply, origin: HeaderValue) {
    let headers = reply.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::VARY, HeaderValue::from_static("origin"));
}

/// By this header our clients know that nothing was executed, whatever the status.
pub(crate) const OUTCOME: HeaderName = HeaderName::from_static("rpc-outcome");
pub(crate) const NOT_EXECUTED: HeaderValue = HeaderValue::from_static("not-executed");

/// By this header nginx and those that follow it pass a body on as it comes.
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// A 401 names a way to log in (RFC 9110 section 15.5.2). Not `Basic`, for which a browser would ask
/// its user, whatever the hook wants.
const CHALLENGE: &str = "Bearer";
/// How long a browser may remember a preflight: ten minutes, so that a change is soon seen.
const PREFLIGHT_SECONDS: &str = "600";
