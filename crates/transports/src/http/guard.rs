//! What a request is, by its head alone: admitted, answered at once, or refused.

use http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts};

use super::{
    Form, Media, Web,
    headers::single,
    web::{Page, Site, split_port},
};

/// What is to be done with a request.
#[derive(Debug)]
pub(crate) enum Verdict<'w> {
    /// A message is to be read from its body.
    Post(Post),
    /// It wants to become a WebSocket, and may.
    Upgrade,
    /// It looks at a page.
    Page(&'w Page),
    /// It asks whether a page may post.
    Preflight(HeaderValue),
    /// It is answered with this status and these words, and nothing is executed.
    Refuse(Refusal),
}

/// A message that is to be read.
#[derive(Clone, Debug)]
pub(crate) struct Post {
    /// What the body is, where it was said.
    pub(crate) media: Option<Media>,
    /// How several messages may answer it.
    pub(crate) form: Option<Form>,
    /// The page that may read the answer.
    pub(crate) origin: Option<HeaderValue>,
}

/// Why nothing is executed.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) words: &'static str,
    /// Which methods are allowed here, where that is what is wrong.
    pub(crate) allow: Option<&'static str>,
}

/// What a listener speaks over HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Speaks {
    pub(crate) posts: bool,
    pub(crate) sockets: bool,
}

/// Judges the head of a request.
pub(crate) fn judge<'w>(parts: &Parts, web: &'w Web, site: &Site, speaks: Speaks) -> Verdict<'w> {
    match admitted(parts, web, site) {
        Err(refusal) => Verdict::Refuse(refusal),
        Ok(origin) => routed(parts, web, speaks, origin),
    }
}

/// Host and origin: checked before anything else, for every method. Gives the origin.
fn admitted<'p>(
    parts: &'p Parts,
    web: &Web,
    site: &Site,
) -> Result<Option<&'p HeaderValue>, Refusal> {
    let forbidden = |words| Refusal { status: StatusCode::FORBIDDEN, words, allow: None };
    let host = single(&parts.headers, header::HOST).map_err(|()| forbidden(DOUBLE_HOST))?;
    let host = host.ok_or_else(|| forbidden(NO_HOST))?;
    let known =
        |authority: &str| split_port(authority).is_some_and(|(name, _)| web.knows_host(name, site));
    let named = parts.uri.authority().is_none_or(|authority| known(authority.as_str()));
    let host = host.to_str().ok().filter(|host| named && known(host));
    let host = host.ok_or_else(|| forbidden(FOREIGN_HOST))?;
    let origin = single(&parts.headers, header::ORIGIN).map_err(|()| forbidden(FOREIGN_ORIGIN))?;
    match origin {
        Some(value) if !value.to_str().is_ok_and(|origin| web.knows_origin(origin, host, site)) => {
            Err(forbidden(FOREIGN_ORIGIN))
        }
        origin => Ok(origin),
    }
}

fn routed<'w>(
    parts: &Parts,
    web: &'w Web,
    speaks: Speaks,
    origin: Option<&HeaderValue>,
) -> Verdict<'w> {
    let path = parts.uri.path();
    let refuse = |status, words| Verdict::Refuse(Refusal { status, words, allow: None });
    if parts.method == Method::GET {
        if parts.headers.contains_key(header::UPGRADE) && speaks.sockets {
            return match web.serves(path) {
                true => Verdict::Upgrade,
                false => refuse(StatusCode::NOT_FOUND, NOTHING_HERE),
            };
        }
        if let Some(page) = web.page_at(path) {
            return Verdict::Page(page);
        }
    }
    if !web.serves(path) {
        return refuse(StatusCode::NOT_FOUND, NOTHING_HERE);
    }
    let allowed = match (parts.method.clone(), speaks.posts) {
        (Method::POST, true) => return posted(&parts.headers, web, origin),
        (Method::OPTIONS, true) if web.has_cors() => {
            return match origin {
                Some(origin) => Verdict::Preflight(origin.clone()),
                None => refuse(StatusCode::BAD_REQUEST, NO_ORIGIN),
            };
        }
        (_, true) => "POST",
        (Method::GET, false) => return refuse(StatusCode::UPGRADE_REQUIRED, SOCKETS_ONLY),
        (_, false) => "GET",
    };
    Verdict::Refuse(Refusal {
        status: StatusCode::METHOD_NOT_ALLOWED,
        words: if speaks.posts { POST_ONLY } else { SOCKETS_ONLY },
        allow: Some(allowed),
    })
}

fn posted<'w>(headers: &HeaderMap, web: &Web, origin: Option<&HeaderValue>) -> Verdict<'w> {
    let unsupported = |words| {
        Verdict::Refuse(Refusal { status: StatusCode::UNSUPPORTED_MEDIA_TYPE, words, allow: None })
    };
    let is_chunked = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"chunked");
    if !single(headers, header::TRANSFER_ENCODING).is_ok_and(|value| value.is_none_or(is_chunked)) {
        let status = StatusCode::NOT_IMPLEMENTED;
        return Verdict::Refuse(Refusal { status, words: CODED, allow: None });
    }
    if headers.contains_key(header::CONTENT_ENCODING) {
        return unsupported(ENCODED);
    }
    let media = match single(headers, header::CONTENT_TYPE) {
        // A page cannot leave it out without a script, and with one it sends an origin.
        Ok(None) if origin.is_none() => None,
        Ok(None) => return unsupported(NO_MEDIA),
        Ok(Some(value)) => match Media::from_header(value) {
            Some(media) => Some(media),
            None => return unsupported(FOREIGN_MEDIA),
        },
        Err(()) => return unsupported(FOREIGN_MEDIA),
    };
    let origin = origin.filter(|_| web.has_cors()).cloned();
    Verdict::Post(Post { media, form: Form::accepted(headers), origin })
}

const NO_HOST: &str = "the request has no Host header";
const DOUBLE_HOST: &str = "the request has more than one Host header";
const FOREIGN_HOST: &str =
    "the Host header names a host that is not served here: admit it by `Web::host`";
const FOREIGN_ORIGIN: &str = "pages of this origin are not admitted: admit it by `Web::origin`";
const NO_ORIGIN: &str = "a preflight has an Origin header";
const NOTHING_HERE: &str = "there is no service under this path";
const POST_ONLY: &str = "only POST is supported";
const SOCKETS_ONLY: &str = "only WebSocket is spoken here: send an upgrade";
const NO_MEDIA: &str = "a request of a page needs a Content-Type: application/json or \
                        application/msgpack";
const FOREIGN_MEDIA: &str = "the Content-Type is neither application/json nor application/msgpack";
const CODED: &str = "no Transfer-Encoding but `chunked`, once, is understood";
const ENCODED: &str = "a Content-Encoding is not supported: send the message as it is";
#[cfg(not(feature = "ws"))]
pub(crate) const NO_SOCKETS: Refusal = Refusal {
    status: StatusCode::NOT_IMPLEMENTED,
    words: "this build has no WebSocket: it needs the feature `ws`",
    allow: None,
};
