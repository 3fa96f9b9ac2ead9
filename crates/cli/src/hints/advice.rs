//! From the words of a transport to what its user can do.
//!
//! The words are the library's own, and they come before those that a peer adds to them; the tests
//! of the command meet each of them.

use super::{LARGER, LOGIN, stranger::Stranger};
use crate::scheme::Scheme;

/// What to do about a connection, or a lack of one.
pub(super) fn advice(words: &str, scheme: Scheme<'_>, heard: Option<Stranger>) -> Option<String> {
    if let Some((status, body)) = status(words) {
        return Some(web(status, body, scheme));
    }
    // A message over the limit of this side ends the connection in these words.
    if words.contains("`max_message`") {
        return Some(LARGER.into());
    }
    if let Some(advice) = tls(words, scheme) {
        return Some(advice);
    }
    if scheme.has_headers() && NO_HTTP.iter().any(|sign| words.contains(sign)) {
        return Some(match scheme.is_tls() {
            true => "what answers there speaks no HTTP: a raw port over TLS is tls://…".into(),
            false => format!(
                "what answers there speaks no HTTP: over TLS it is {}s://…, a raw port is tcp://…",
                scheme.0
            ),
        });
    }
    match (heard?, scheme.is_tls()) {
        (Stranger::Http, true) => Some("HTTP is spoken there: https://… or wss://…".into()),
        (Stranger::Http, false) => Some("HTTP is spoken there: http://… or ws://…".into()),
        (Stranger::Tls, _) => {
            Some("TLS is spoken there: tls://…, or https://… or wss://… for HTTP".into())
        }
    }
}

/// The status in the words of a transport, and what the server said beside it.
fn status(words: &str) -> Option<(u16, &str)> {
    let (_, behind) = words.split_once("the server answered ")?;
    let (digits, body) = behind.split_at_checked(3)?;
    Some((digits.parse().ok()?, body))
}

fn web(status: u16, body: &str, scheme: Scheme<'_>) -> String {
    let is_socket = scheme.0.starts_with("ws");
    let advice = match status {
        // As nginx and Go say it.
        400 if body.contains("HTTPS port") || body.contains("HTTPS server") => {
            return format!("over TLS it is {}s://…", scheme.0);
        }
        101 | 200..=299 if is_socket => "no WebSocket is served under this path; http://… posts",
        200..=299 => "is the path of the URL that of an RPC service?",
        300..=399 => "the service is elsewhere: call it at the address that it has now",
        401 => LOGIN,
        403 => {
            "the server does not let this caller in: are the credentials right, and is the host of \
             the URL a name that the server has?"
        }
        404 => "nothing is served under this path: is the path of the URL right?",
        405 | 426 if is_socket => {
            "no WebSocket is served here: is the path of the URL right? http://… posts"
        }
        405 | 426 => "nobody takes posts here: is the path of the URL right? A WebSocket is ws://…",
        406 | 415 => {
            "the server does not know this media type: does it speak another protocol? A URL may \
             name it: msgpack+http://…"
        }
        407 => "a proxy wants to know who calls: --header @FILE, with Proxy-Authorization in it",
        413 => "the server takes no message so large",
        429 | 503 => "the server has too much to do, or is shutting down: try again later",
        400..=499 => {
            "does the server speak this protocol? A URL may name another: msgpack+http://…"
        }
        _ => "the log of the server, or of a proxy before it, may say why",
    };
    advice.into()
}

fn tls(words: &str, scheme: Scheme<'_>) -> Option<String> {
    let has = |signs: &[&str]| signs.iter().any(|sign| words.contains(sign));
    let advice = if has(&["is signed by nobody who is trusted here"]) {
        "--ca FILE trusts the authority that signed it; whoever runs the server has that file"
    } else if has(&["the certificate is not for"]) {
        "call the server by a name that its certificate has, or have one made for this name"
    } else if has(&["has expired"]) {
        "the server needs a new certificate, or the clock of this machine is wrong"
    } else if has(&["is not valid yet"]) {
        "is the clock of this machine right?"
    } else if has(&["wants a certificate of the client", "alert: CertificateRequired"]) {
        "the server lets nobody in without a certificate: --cert FILE and --key FILE show one"
    } else if has(&["does not accept our certificate"]) || has(REFUSED) {
        "is --cert FILE signed by an authority that the server trusts, and has it not expired?"
    } else if has(&["does not speak TLS"]) {
        let plain = match scheme.0 {
            "tls" => "tcp",
            other => other.strip_suffix('s').unwrap_or(other),
        };
        return Some(format!("without TLS it is {plain}://…, where nothing is encrypted"));
    } else {
        return None;
    };
    Some(advice.into())
}

/// Alerts behind the handshake: a server of TLS 1.3 looks at a certificate when the client is done.
const REFUSED: &[&str] = &[
    "alert: CertificateUnknown",
    "alert: CertificateExpired",
    "alert: UnknownCA",
    "alert: BadCertificate",
    "alert: DecryptError",
];
/// What clients of HTTP say of an answer that is none.
const NO_HTTP: &[&str] =
    &["invalid HTTP version", "httparse error", "connection closed before message completed"];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(scheme: &'static str, words: &str, heard: Option<Stranger>, begin: &str) {
        let advice = advice(words, Scheme(scheme), heard).unwrap_or_default();
        assert!(advice.starts_with(begin) && advice.is_empty() == begin.is_empty(), "{advice}");
    }

    #[test]
    fn statuses() {
        let said =
            |status: &str| format!("the server answered {status} X and no message: `max_message`");
        for (scheme, status, begin) in [
            ("http", "200", "is the path"),
            ("ws", "200", "no WebSocket"),
            ("http", "302", "the service is elsewhere"),
            ("http", "400", "does the server speak"),
            ("https", "401", "the server wants to know"),
            ("http", "403", "the server does not let"),
            ("wss", "404", "nothing is served"),
            ("http", "405", "nobody takes posts"),
            ("ws", "405", "no WebSocket"),
            ("http", "407", "a proxy wants"),
            ("http", "413", "the server takes no message"),
            ("http", "415", "the server does not know this media type"),
            ("http", "426", "nobody takes posts"),
            ("http", "429", "the server has too much"),
            ("ws", "503", "the server has too much"),
            ("http", "502", "the log of the server"),
            ("http", "nix", "an option of the URL raises"),
        ] {
            check(scheme, &said(status), None, begin);
        }
        let nginx = "the server answered 400 Bad Request and no message: The plain HTTP request was sent to HTTPS port";
        check("http", nginx, None, "over TLS it is https://");
    }

    #[test]
    fn strangers() {
        check("tcp", "the peer closed the connection", None, "");
        check("tcp", "x", Some(Stranger::Http), "HTTP is spoken there: http://");
        check("tls", "x", Some(Stranger::Http), "HTTP is spoken there: https://");
        check("tcp", "x", Some(Stranger::Tls), "TLS is spoken there");
        check("tcp", "invalid HTTP version", None, "");
        check(
            "http",
            "invalid HTTP version",
            None,
            "what answers there speaks no HTTP: over TLS it is https://",
        );
        check(
            "wss",
            "httparse error",
            None,
            "what answers there speaks no HTTP: a raw port over TLS",
        );
    }

    #[test]
    fn certificates() {
        for (scheme, words, begin) in [
            ("tls", "h does not speak TLS on this port", "without TLS it is tcp://"),
            ("https", "h does not speak TLS on this port", "without TLS it is http://"),
            ("wss", "h does not speak TLS on this port", "without TLS it is ws://"),
            ("tls", "received fatal alert: CertificateRequired", "the server lets nobody in"),
            ("tls", "received fatal alert: UnknownCA", "is --cert FILE signed"),
            ("tls", "h does not accept our certificate", "is --cert FILE signed"),
            ("tls", "the certificate of h is not valid yet", "is the clock"),
        ] {
            check(scheme, words, None, begin);
        }
    }
}
