//! `Target`: where a client of HTTP or WebSocket goes.

#[cfg(feature = "tls")]
use std::sync::Arc;
use std::{fmt, io, net::SocketAddr, str::FromStr};

use http::{
    HeaderMap, HeaderName, HeaderValue, Uri, header,
    uri::{Authority, PathAndQuery, Scheme},
};

use tinyrpc_core::Limits;

use super::{client_stream::ClientStream, web::split_port};
use crate::tcp::{self, KeepAlive};
#[cfg(feature = "tls")]
use crate::tls::ClientTls;

/// The address of a service on the web, and the headers that go with every request.
///
/// ```
/// use tinyrpc_transports::http::Target;
///
/// let target = Target::new("rpc.example.com/v1")?.bearer("s3cr3t")?.header("X-Tenant", "blue")?;
/// assert_eq!(target.to_string(), "rpc.example.com/v1");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct Target {
    authority: Authority,
    path: PathAndQuery,
    pub(crate) headers: HeaderMap,
    #[cfg(feature = "tls")]
    tls: Option<Arc<ClientTls>>,
}

impl Target {
    /// `HOST[:PORT][/PATH]`.
    ///
    /// # Errors
    ///
    /// It is no such address, or has a user's name or password in it: those belong into a header.
    pub fn new(address: &str) -> io::Result<Self> {
        let (authority, path) = match address.find('/') {
            Some(slash) => address.split_at(slash),
            None => (address, "/"),
        };
        if authority.contains('@') {
            return Err(invalid(
                "a name or password in an address ends up in logs: send it by a header".into(),
            ));
        }
        let parsed = Authority::from_str(authority).ok();
        let authority = parsed.filter(|authority| split_port(authority.as_str()).is_some());
        let authority =
            authority.ok_or_else(|| invalid(format!("`{address}` is no HOST[:PORT][/PATH]")))?;
        let path = PathAndQuery::from_str(path)
            .map_err(|error| invalid(format!("the path `{path}`: {error}")))?;
        Ok(Self {
            authority,
            path,
            headers: HeaderMap::new(),
            #[cfg(feature = "tls")]
            tls: None,
        })
    }

    /// Sends a header with every request; its value is never shown in logs.
    ///
    /// # Errors
    ///
    /// The name or the value cannot stand in a header.
    pub fn header(mut self, name: &str, value: &str) -> io::Result<Self> {
        let key = HeaderName::from_str(name)
            .map_err(|_| invalid(format!("`{}` is no name of a header", name.escape_debug())))?;
        let mut value = HeaderValue::from_str(value)
            .map_err(|_| invalid(format!("the value of `{key}` cannot stand in a header")))?;
        value.set_sensitive(true);
        self.headers.append(key, value);
        Ok(self)
    }

    /// Proves who calls by a token (RFC 6750).
    ///
    /// # Errors
    ///
    /// As [`Target::header`].
    pub fn bearer(self, token: &str) -> io::Result<Self> {
        self.header(header::AUTHORIZATION.as_str(), &format!("Bearer {token}"))
    }

    /// Proves who calls by a name and a password (RFC 7617).
    ///
    /// # Errors
    ///
    /// As [`Target::header`].
    pub fn basic(self, name: &str, password: &str) -> io::Result<Self> {
        use base64::{Engine, engine::general_purpose::STANDARD};

        let both = STANDARD.encode(format!("{name}:{password}"));
        self.header(header::AUTHORIZATION.as_str(), &format!("Basic {both}"))
    }

    /// Goes over TLS: `https` and `wss`.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(mut self, tls: ClientTls) -> Self {
        self.tls = Some(Arc::new(tls));
        self
    }

    /// Connects, with the handshake of TLS where it goes over TLS.
    pub(crate) async fn dial(&self, limits: &Limits) -> io::Result<(ClientStream, SocketAddr)> {
        let usual = if self.is_tls() { 443 } else { 80 };
        let port = self.authority.port_u16().unwrap_or(usual);
        let (stream, address) = tcp::dial((self.host(), port), KeepAlive::of(limits)).await?;
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            let stream = crate::tls::shake(stream, self.host(), tls, limits.handshake).await?;
            return Ok((ClientStream::Tls(Box::new(stream)), address));
        }
        Ok((ClientStream::Plain(stream), address))
    }

    /// The host without brackets.
    fn host(&self) -> &str {
        let host = self.authority.host();
        host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
    }

    fn is_tls(&self) -> bool {
        #[cfg(feature = "tls")]
        return self.tls.is_some();
        #[cfg(not(feature = "tls"))]
        false
    }

    /// The scheme that is meant: the first one, or the second over TLS.
    pub(crate) fn scheme(&self, plain: &'static str, tls: &'static str) -> &'static str {
        if self.is_tls() { tls } else { plain }
    }

    pub(crate) fn uri(&self, scheme: &str) -> io::Result<Uri> {
        let scheme = Scheme::from_str(scheme).map_err(io::Error::other)?;
        let uri = Uri::builder().scheme(scheme).authority(self.authority.clone());
        uri.path_and_query(self.path.clone()).build().map_err(io::Error::other)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.authority.as_str())?;
        match self.path.as_str() {
            "/" => Ok(()),
            path => f.write_str(path),
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target")
            .field("address", &self.to_string())
            .field("headers", &self.headers)
            .finish()
    }
}

fn invalid(words: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, words)
}
