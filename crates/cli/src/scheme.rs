//! `Scheme`: what the transport of a URL has.

/// The name of a transport, as a URL has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scheme<'u>(pub(crate) &'u str);

impl<'u> Scheme<'u> {
    /// The transport of a URL, whatever its protocol.
    pub(crate) fn of(url: &'u str) -> Self {
        let scheme = url.split(':').next().unwrap_or_default();
        Self(scheme.rsplit('+').next().unwrap_or_default())
    }

    /// True where requests, or the handshake, have headers.
    pub(crate) fn has_headers(self) -> bool {
        matches!(self.0, "http" | "https" | "ws" | "wss")
    }

    /// True where everything is encrypted.
    pub(crate) fn is_tls(self) -> bool {
        matches!(self.0, "tls" | "https" | "wss")
    }

    /// True where other programs of this machine, or other machines, connect without any proof.
    pub(crate) fn is_open(self) -> bool {
        matches!(self.0, "tcp" | "http" | "ws")
    }
}

/// True for a URL with a user's name, or a password, before its host.
pub(crate) fn has_user(url: &str) -> bool {
    let behind = url.split_once(':').and_then(|(_, rest)| rest.strip_prefix("//"));
    let authority = behind.and_then(|rest| rest.split(['/', '?', '#']).next());
    authority.is_some_and(|authority| authority.contains('@'))
}

/// The URL under which the other side reaches what was bound: the real address, with the protocol and
/// the framing of the URL that was asked for.
pub(crate) fn reachable(url: &str, address: &str) -> String {
    let scheme = url.split("://").next().unwrap_or_default();
    let protocol = match scheme.split_once('+') {
        None | Some(("auto", _)) => String::new(),
        Some((protocol, _)) => format!("{protocol}+"),
    };
    let options = url.split_once('?').map_or("", |(_, options)| options);
    let framing = options.split('&').rev().find(|option| option.starts_with("framing="));
    let framing = framing.map_or_else(String::new, |framing| format!("?{framing}"));
    format!("{protocol}{address}{framing}")
}

#[cfg(test)]
mod tests {
    use super::{Scheme, has_user, reachable};

    #[test]
    fn names() {
        for (url, name) in [
            ("tcp://127.0.0.1:1", "tcp"),
            ("msgpack+wss://h/a+b:c", "wss"),
            ("exec:a+b c:d", "exec"),
            ("jsonrpc+stdio:", "stdio"),
            ("", ""),
        ] {
            assert_eq!(Scheme::of(url), Scheme(name), "{url}");
        }
    }

    #[test]
    fn users() {
        for (url, expected) in [
            ("https://ada:s3cr3t@h/x", true),
            ("msgpack+tcp://ada@h:1", true),
            ("https://h/a@b", false),
            ("https://h?a@b", false),
            ("unix:///a@b", false),
            ("exec:ssh ada@h x://a@b", false),
            ("stdio:", false),
        ] {
            assert_eq!(has_user(url), expected, "{url}");
        }
    }

    #[test]
    fn a_client_can_use_the_url_that_is_printed() {
        for (url, printed) in [
            ("tcp://127.0.0.1:0", "tcp://127.0.0.1:7"),
            ("auto+tcp://127.0.0.1:0", "tcp://127.0.0.1:7"),
            ("msgpack+tcp://127.0.0.1:0?timeout=5", "msgpack+tcp://127.0.0.1:7"),
            (
                "jsonrpc+tcp://h:0?framing=self&x=1&framing=lines",
                "jsonrpc+tcp://127.0.0.1:7?framing=lines",
            ),
        ] {
            assert_eq!(reachable(url, "tcp://127.0.0.1:7"), printed);
        }
    }
}
