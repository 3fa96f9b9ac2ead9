//! `Form`: how an answer of several messages is written into one body.

use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, header};

use super::media;

/// How the messages of one answer stand in its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// One message a line, under the name that the client gave it.
    Lines(&'static str),
    /// One server-sent event a message.
    Events,
}

impl Form {
    /// What the `Accept` headers of a request ask for: the form that they name with the highest
    /// quality, the first of several; `None` where they name none, or prefer plain JSON by name.
    pub(crate) fn accepted(headers: &HeaderMap) -> Option<Self> {
        let (mut best, mut plain) = (None, 0);
        let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        for range in values.flat_map(|value| value.split(',')) {
            let mut parts = range.split(';').map(str::trim);
            let essence = parts.next().unwrap_or_default();
            let quality = parts.find_map(quality).unwrap_or(WHOLE);
            if media::is_json(essence) {
                plain = plain.max(quality);
            } else if let Some(form) = Self::named(essence)
                && quality > best.map_or(0, |(_, best)| best)
            {
                best = Some((form, quality));
            }
        }
        best.filter(|(_, quality)| *quality >= plain).map(|(form, _)| form)
    }

    fn named(essence: &str) -> Option<Self> {
        if essence.eq_ignore_ascii_case(EVENTS) {
            return Some(Self::Events);
        }
        LINES.into_iter().find(|name| essence.eq_ignore_ascii_case(name)).map(Self::Lines)
    }

    /// True where a response says that its body is one message a line.
    pub(crate) fn is_lines(headers: &HeaderMap) -> bool {
        let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let essence = value.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
        LINES.iter().any(|name| essence.eq_ignore_ascii_case(name))
    }

    /// True where a request with this body can be answered so: one object, no batch and nothing
    /// binary.
    pub(crate) fn suits(body: &[u8]) -> bool {
        body.trim_ascii_start().first() == Some(&b'{')
    }

    /// Its media type.
    pub(crate) fn header(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Lines(name) => name,
            Self::Events => EVENTS,
        })
    }

    /// Appends a message.
    pub(crate) fn write(self, message: &Bytes, out: &mut BytesMut) {
        let (before, behind): (&[u8], &[u8]) = match self {
            Self::Lines(_) => (b"", b"\n"),
            Self::Events => (b"data: ", b"\n\n"),
        };
        out.reserve(before.len() + message.len() + behind.len());
        out.put_slice(before);
        let start = out.len();
        out.put_slice(message);
        // Inside of a text of JSON they are escaped, so that these are blanks between two tokens.
        for byte in out.iter_mut().skip(start).filter(|byte| matches!(**byte, b'\n' | b'\r')) {
            *byte = b' ';
        }
        out.put_slice(behind);
    }
}

/// A quality in thousandths, where this is one (RFC 9110, section 12.4.2).
fn quality(parameter: &str) -> Option<u16> {
    let (name, value) = parameter.split_once('=')?;
    if !name.trim_end().eq_ignore_ascii_case("q") {
        return None;
    }
    // What is no quality accepts nothing.
    let value: f32 = value.trim_start().parse().unwrap_or(0.0);
    Some((value.clamp(0.0, 1.0) * f32::from(WHOLE)) as u16)
}

/// What our client accepts where it calls a method that may stream.
pub(crate) const ACCEPT: HeaderValue =
    HeaderValue::from_static("application/x-ndjson, application/json;q=0.5");
const EVENTS: &str = "text/event-stream";
const LINES: [&str; 3] = ["application/x-ndjson", "application/jsonl", "application/ndjson"];
/// The quality of what has none.
const WHOLE: u16 = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_accepted() {
        let lines = Some(Form::Lines("application/x-ndjson"));
        for (accept, form) in [
            (&[][..], None),
            (&["*/*"], None),
            (&["application/*", "text/*"], None),
            (&["application/json"], None),
            (&["application/x-ndjson"], lines),
            (&["Application/X-NDJSON; charset=utf-8"], lines),
            (&["application/jsonl"], Some(Form::Lines("application/jsonl"))),
            (&["application/ndjson"], Some(Form::Lines("application/ndjson"))),
            (&["text/event-stream"], Some(Form::Events)),
            (&["application/json, text/event-stream"], Some(Form::Events)),
            (&["application/json", "text/event-stream"], Some(Form::Events)),
            (&["application/x-ndjson, text/event-stream"], lines),
            (&["application/x-ndjson;q=0.5, text/event-stream"], Some(Form::Events)),
            (&["application/x-ndjson;q=0"], None),
            (&["application/x-ndjson;q=0.000, text/event-stream;q=0.001"], Some(Form::Events)),
            (&["application/x-ndjson; Q = 0.9, application/json;q=0.9"], lines),
            (&["application/x-ndjson;q=0.8, application/json;q=0.9"], None),
            (&["application/x-ndjson;q=0.8, */*;q=0.9"], lines),
            (&["application/x-ndjson;q=much"], None),
            (&["application/x-ndjson;q=nan"], None),
            (&["application/x-ndjson;q=7"], lines),
            (&[",;q=1,;,application/x-ndjson"], lines),
        ] {
            let mut headers = HeaderMap::new();
            for value in accept {
                headers.append(header::ACCEPT, HeaderValue::from_static(value));
            }
            assert_eq!(Form::accepted(&headers), form, "{accept:?}");
        }
    }

    #[test]
    fn no_message_breaks_its_line() {
        let mut out = BytesMut::new();
        Form::Lines("").write(&Bytes::from_static(b"{\"a\":\r\n\"\\n\"}"), &mut out);
        Form::Events.write(&Bytes::from_static(b"[1,\n2]"), &mut out);
        assert_eq!(&out[..], b"{\"a\":  \"\\n\"}\ndata: [1, 2]\n\n");
    }
}
