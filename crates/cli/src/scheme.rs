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

#[cfg(test)]
mod tests {
    use super::{Scheme, has_user};

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
}
