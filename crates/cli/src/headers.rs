//! `Headers`: what goes with requests over HTTP and with handshakes of WebSockets.

use std::{env, fmt, fs::File, io::Read as _};

use crate::{command::Peer, failure::Failure, output, scheme::Scheme, secrets};

/// Names and values. They are never shown: most of them are secrets.
pub(crate) struct Headers(Vec<(String, String)>);

impl Headers {
    /// The headers that the command line says. Their secrets are cut out of everything that is
    /// told from now on, whoever says them.
    ///
    /// # Errors
    ///
    /// They make no sense, cannot be read, or the transport of the URL has no headers. No error
    /// says what is in them.
    pub(crate) fn new(peer: &Peer) -> Result<Self, Failure> {
        let mut headers = Self(Vec::new());
        for (index, header) in peer.header.iter().enumerate() {
            match header.strip_prefix('@') {
                Some(path) => headers.add_lines(&read(path)?, path)?,
                None => headers.add(header, &format!("--header {}", nth(index)))?,
            }
        }
        for (index, name) in peer.header_env.iter().enumerate() {
            headers.add_lines(&variable(name, index)?, &format!("--header-env {}", nth(index)))?;
        }
        let mut schemes = peer.servers().map(Scheme::of);
        if !headers.0.is_empty() && !schemes.clone().any(Scheme::has_headers) {
            let words = match schemes.next() {
                Some(scheme) => format!("`{}` has no headers", scheme.0),
                None => "who listens sends no headers".into(),
            };
            return Err(
                Failure::usage(words).hint("only URLs of http, https, ws and wss have them")
            );
        }
        output::conceal(headers.secrets());
        Ok(headers)
    }

    /// Adds one header for each line; there is at least one.
    fn add_lines(&mut self, text: &str, origin: &str) -> Result<(), Failure> {
        let before = self.0.len();
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            self.add(line, &format!("{origin}, line {}", index + 1))?;
        }
        match self.0.len() > before {
            true => Ok(()),
            false => Err(Failure::usage(format!("{origin}: there is no header in it")).hint(FORM)),
        }
    }

    /// Adds `Name: value`.
    fn add(&mut self, line: &str, origin: &str) -> Result<(), Failure> {
        let wrong = |why: &str| Failure::usage(format!("{origin}: {why}")).hint(FORM);
        let (name, value) = line.split_once(':').ok_or_else(|| wrong("there is no colon"))?;
        if name.is_empty() || !name.bytes().all(is_of_name) {
            return Err(wrong("what stands before the colon is no name of a header"));
        }
        if is_of_transport(name) {
            return Err(wrong(&format!("`{name}` is not for users: the transport sets it")));
        }
        let value = value.trim();
        if !value.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~')) {
            return Err(wrong(&format!("the value of `{name}` is not all printable ASCII")));
        }
        self.0.push((name.into(), value.into()));
        Ok(())
    }

    /// The parts of values that nobody may see.
    fn secrets(&self) -> Vec<String> {
        let mut secrets = Vec::new();
        for (name, value) in self.0.iter().filter(|(name, _)| secrets::is_secret(name)) {
            secrets.push(value.clone());
            // Behind `Bearer`, `Basic` and their like.
            secrets.extend(value.split_once(' ').map(|(_, proof)| proof.trim().to_owned()));
            if name.to_ascii_lowercase().contains("cookie") {
                let values = value.split(';').filter_map(|cookie| cookie.split_once('='));
                secrets.extend(values.map(|(_, value)| value.trim().to_owned()));
            }
        }
        secrets
    }

    /// Gives a client the headers.
    #[cfg(feature = "http")]
    pub(crate) fn give(&self, builder: tinyrpc::ClientBuilder) -> tinyrpc::ClientBuilder {
        self.0.iter().fold(builder, |builder, (name, value)| builder.header(name, value))
    }

    /// There is no transport that has headers.
    #[cfg(not(feature = "http"))]
    pub(crate) fn give(&self, builder: tinyrpc::ClientBuilder) -> tinyrpc::ClientBuilder {
        builder
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

fn read(path: &str) -> Result<String, Failure> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(MOST + 1).read_to_string(&mut text));
    match read {
        Ok(_) if text.len() as u64 > MOST => {
            Err(Failure::usage(format!("{path}: more than {MOST} bytes are no headers")))
        }
        Ok(_) => Ok(text),
        Err(error) => Err(Failure::usage(format!("{path} cannot be read: {error}"))
            .hint("--header @FILE reads a file that has one header in each line")),
    }
}

fn variable(name: &str, index: usize) -> Result<String, Failure> {
    env::var(name).map_err(|error| {
        let why = match error {
            env::VarError::NotPresent => "is not set",
            env::VarError::NotUnicode(_) => "is no UTF-8",
        };
        // Whoever gives a value in place of a name finds it in no log.
        let is_name = |byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'_');
        let shown = match name.bytes().all(is_name) {
            true => format!("the environment variable {name}"),
            false => format!("--header-env {}: the environment variable of this name", nth(index)),
        };
        Failure::usage(format!("{shown} {why}")).hint(
            "--header-env VARIABLE is the name of a variable, which has one header in each line",
        )
    })
}

/// The number of an option that was given several times.
fn nth(index: usize) -> String {
    format!("number {}", index + 1)
}

/// The bytes of a name (RFC 9110 section 5.6.2).
fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// True for headers that say where messages end and what a connection becomes: with others than its
/// own a client would speak nonsense.
fn is_of_transport(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let fixed = [
        "connection",
        "content-length",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    fixed.contains(&name.as_str()) || name.starts_with("sec-websocket-")
}

const FORM: &str = "a header is 'Name: value', as in 'X-Tenant: blue'";
/// Bytes of a file with headers: servers take no more of all of them together.
const MOST: u64 = 65_536;

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Vec<(String, String)>, String> {
        let mut headers = Headers(Vec::new());
        let added = headers.add_lines(text, "here");
        added.map(|()| headers.0).map_err(|failure| failure.to_string())
    }

    #[test]
    fn lines() {
        for (text, expected) in [
            ("A: b", &[("A", "b")][..]),
            ("A:b\r\n\n x-y:\t c: d \n", &[]),
            ("A:b\r\n\nx-y:\t c: d \n", &[("A", "b"), ("x-y", "c: d")]),
            ("A:", &[("A", "")]),
        ] {
            let found = parsed(text).unwrap_or_default();
            let found: Vec<_> = found.iter().map(|(name, value)| (&**name, &**value)).collect();
            assert_eq!(found, expected, "{text:?}");
        }
    }

    #[test]
    fn no_error_says_what_is_in_a_header() {
        for (text, why) in [
            ("", "here: there is no header in it"),
            ("s3cr3t", "here, line 1: there is no colon"),
            ("\n: s3cr3t", "here, line 2: what stands before the colon is no name of a header"),
            ("a s3cr3t: b", "here, line 1: what stands before the colon is no name of a header"),
            ("A: s3cr3t\u{fc}", "here, line 1: the value of `A` is not all printable ASCII"),
            ("A: s3cr3t\u{0}", "here, line 1: the value of `A` is not all printable ASCII"),
            (
                "content-Length: 3",
                "here, line 1: `content-Length` is not for users: the transport sets it",
            ),
            (
                "Sec-WebSocket-Key: 3",
                "here, line 1: `Sec-WebSocket-Key` is not for users: the transport sets it",
            ),
        ] {
            let error = parsed(text).expect_err(text);
            assert_eq!(error, format!("error: {why}\n  hint: {FORM}"));
        }
    }

    #[test]
    fn secrets() {
        let text = "Authorization: Bearer t0ken\nX-Tenant: blue\nCookie: a=1; b=c=d\nX-API-Key: k";
        let headers = Headers(parsed(text).expect("they are good"));
        assert_eq!(
            headers.secrets(),
            ["Bearer t0ken", "t0ken", "a=1; b=c=d", "b=c=d", "1", "c=d", "k"]
        );
        assert_eq!(
            format!("{headers:?}"),
            r#"["Authorization", "X-Tenant", "Cookie", "X-API-Key"]"#
        );
    }
}
