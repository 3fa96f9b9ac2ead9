//! One request of a CGI program (RFC 3875).

use std::{
    ffi::OsString,
    io::{self, Read, Write},
    net::{IpAddr, SocketAddr},
};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response, header, request};
use http_body_util::{BodyExt, Full};
use tinyrpc_core::PeerAddress;

use super::{AnswerBody, HttpService};

impl HttpService {
    /// Answers the one request of a CGI program: `variables` are its environment, `input` and
    /// `output` its standard streams. A body is read as far as `CONTENT_LENGTH` and the limit
    /// `max_message` go, and blocks this thread meanwhile.
    ///
    /// What is admitted is the same as over a port, by the name that the peer used (`HTTP_HOST`) or,
    /// where the web server does not tell that, by its own (`SERVER_NAME`). Names beside `localhost`
    /// are admitted by [`Web::host`](super::Web::host).
    ///
    /// # Errors
    ///
    /// The variables are those of no request, or a stream failed. Nothing was written in the first
    /// case; a web server then answers 500 by itself.
    pub async fn cgi(
        &self,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
        input: impl Read,
        output: impl Write,
    ) -> io::Result<()> {
        let Cgi { head, length, peer } = Cgi::read(variables)?;
        let mut body = Vec::new();
        // One byte more than the limit is enough to be refused.
        let most = self.max_message().saturating_add(1);
        input.take(length.min(most as u64)).read_to_end(&mut body)?;
        let mut request = head
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| invalid(&format!("the variables are of no request: {error}")))?;
        if let Some(peer) = peer {
            request.extensions_mut().insert(peer);
        }
        let response = hyper::service::Service::call(self, request).await;
        write(response.unwrap_or_else(|never| match never {}), output).await
    }
}

/// A request as its variables tell it.
struct Cgi {
    head: request::Builder,
    /// Bytes of the body.
    length: u64,
    peer: Option<PeerAddress>,
}

impl Cgi {
    fn read(variables: impl IntoIterator<Item = (OsString, OsString)>) -> io::Result<Self> {
        let (mut head, mut method, mut length) = (Request::builder(), None, 0);
        let (mut script, mut path, mut query) = (String::new(), String::new(), String::new());
        let (mut address, mut port) = (None::<IpAddr>, 0);
        let (mut server, mut server_port) = (None, String::new());
        // Others than text are none that a request is made of.
        let texts = variables.into_iter().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        for (name, value) in texts {
            match &*name {
                "REQUEST_METHOD" => method = Some(value),
                "SCRIPT_NAME" => script = value,
                "PATH_INFO" => path = value,
                "QUERY_STRING" => query = value,
                "SERVER_NAME" => server = Some(value),
                "SERVER_PORT" => server_port = value,
                "REMOTE_ADDR" => address = value.parse().ok(),
                "REMOTE_PORT" => port = value.parse().unwrap_or(0),
                "CONTENT_LENGTH" if value.is_empty() => {}
                "CONTENT_LENGTH" => {
                    let wrong = |_| invalid("CONTENT_LENGTH is no number of bytes");
                    length = value.parse().map_err(wrong)?;
                }
                "CONTENT_TYPE" if value.is_empty() => {}
                "CONTENT_TYPE" => head = head.header(header::CONTENT_TYPE, value),
                _ => {
                    if let Some((name, value)) = header_of(&name, &value) {
                        head = head.header(name, value);
                    }
                }
            }
        }
        let method = method.ok_or_else(|| {
            invalid("there is no REQUEST_METHOD: a web server starts a CGI program, not a shell")
        })?;
        let is_named = head.headers_ref().is_some_and(|headers| headers.contains_key(header::HOST));
        if let Some(name) = server.filter(|_| !is_named) {
            let host = if server_port.is_empty() { name } else { format!("{name}:{server_port}") };
            head = head.header(header::HOST, host);
        }
        let mut uri = format!("/{}{path}", script.trim_start_matches('/'));
        if !query.is_empty() {
            uri.push('?');
            uri.push_str(&query);
        }
        let peer = address.map(|address| PeerAddress::Socket(SocketAddr::new(address, port)));
        Ok(Self { head: head.method(&*method).uri(uri), length, peer })
    }
}

/// The header that a variable stands for.
fn header_of(name: &str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    let name = name.strip_prefix("HTTP_")?.replace('_', "-");
    Some((HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_str(value).ok()?))
}

/// Writes a response as a web server takes it from a program.
async fn write(response: Response<AnswerBody>, mut output: impl Write) -> io::Result<()> {
    let (parts, mut body) = response.into_parts();
    let mut all = format!("Status: {}\r\n", parts.status).into_bytes();
    for (name, value) in &parts.headers {
        // The connection is the web server's.
        if name != header::CONNECTION {
            all.extend_from_slice(name.as_str().as_bytes());
            all.extend_from_slice(b": ");
            all.extend_from_slice(value.as_bytes());
            all.extend_from_slice(b"\r\n");
        }
    }
    all.extend_from_slice(b"\r\n");
    loop {
        match body.frame().await {
            Some(frame) => {
                if let Ok(bytes) = frame?.into_data() {
                    all.extend_from_slice(&bytes);
                }
            }
            None if all.is_empty() => return Ok(()),
            None => {}
        }
        // A stream is passed on as it comes.
        output.write_all(&all)?;
        output.flush()?;
        all.clear();
    }
}

fn invalid(words: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, words)
}
