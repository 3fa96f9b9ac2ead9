//! `Stranger`: a peer of another kind, by the first bytes that it sends.

/// What a peer speaks that was taken for a raw one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stranger {
    /// A response over HTTP.
    Http,
    /// An alert of TLS.
    Tls,
}

impl Stranger {
    /// What bytes that are no message belong to.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            // A record of the kind `alert`, of any version.
            [0x15, 3, ..] => Some(Self::Tls),
            _ if bytes.starts_with(b"HTTP/") => Some(Self::Http),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Stranger;

    #[test]
    fn first_bytes() {
        for (bytes, expected) in [
            (&b"HTTP/1.1 400 Bad Request\r\n"[..], Some(Stranger::Http)),
            (b"\x15\x03\x03\0\x02\x022", Some(Stranger::Tls)),
            (b"\x15\x04", None),
            (b"{}", None),
            (b"HTTP", None),
            (b"", None),
        ] {
            assert_eq!(Stranger::of(bytes), expected, "{bytes:?}");
        }
    }
}
