//! `Web`: what a server of HTTP and WebSocket admits, and to whom.

use std::{fmt, net::IpAddr, sync::Arc};

use bytes::Bytes;
use http::HeaderValue;

/// Who may come from the web, and where they find the service.
///
/// The defaults are meant for a service on this machine that pages of the web must not reach: only
/// requests for this machine's own names (or the address that is listened on) are answered, pages
/// of other origins are refused, and no CORS header is sent.
///
/// ```
/// use tinyrpc_transports::http::Web;
///
/// let web = Web::new()
///     .host("rpc.example.com")
///     .origin("https://app.example.com")
///     .cors()
///     .page("/", "text/html; charset=utf-8", "<h1>ready</h1>");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Web {
    hosts: Hosts,
    origins: Vec<Box<str>>,
    cors: bool,
    path: Option<Box<str>>,
    pages: Vec<Page>,
}

/// Which names a request may be addressed to, beside those of this machine.
#[derive(Clone, Debug)]
enum Hosts {
    Only(Vec<Box<str>>),
    Any,
}

/// Something to see on a GET.
#[derive(Clone)]
pub(crate) struct Page {
    path: Box<str>,
    pub(crate) media: HeaderValue,
    pub(crate) body: Bytes,
}

impl Web {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Admits requests that are addressed to this name, too; its port does not matter.
    ///
    /// Without it a page could reach the service under a name of its own that it has resolved to
    /// this machine (DNS rebinding).
    #[must_use]
    pub fn host(mut self, name: &str) -> Self {
        if let Hosts::Only(hosts) = &mut self.hosts {
            hosts.push(folded(name).into());
        }
        self
    }

    /// Admits requests that are addressed to any name: for a service behind a proxy that checks it.
    #[must_use]
    pub fn any_host(mut self) -> Self {
        self.hosts = Hosts::Any;
        self
    }

    /// Admits pages of another origin, written as browsers do: `https://app.example.com`. The
    /// origin of the service itself is always admitted.
    #[must_use]
    pub fn origin(mut self, origin: &str) -> Self {
        self.origins.push(origin.trim_end_matches('/').to_ascii_lowercase().into());
        self
    }

    /// Answers pages of the origins that are admitted with CORS headers, so that a browser lets
    /// them read the answers of posts. Never `*`, never with credentials.
    #[must_use]
    pub fn cors(mut self) -> Self {
        self.cors = true;
        self
    }

    /// Serves under this path alone; by default every path is the service's.
    #[must_use]
    pub fn path(mut self, path: &str) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Shows a page on a GET of `path`.
    ///
    /// # Panics
    ///
    /// When `media`, its type, cannot stand in a header.
    #[must_use]
    #[track_caller]
    pub fn page(mut self, path: &str, media: &str, body: impl Into<Bytes>) -> Self {
        let media = HeaderValue::from_str(media).expect("a media type is visible ASCII");
        self.pages.push(Page { path: path.into(), media, body: body.into() });
        self
    }

    /// The page under a path.
    pub(crate) fn page_at(&self, path: &str) -> Option<&Page> {
        self.pages.iter().find(|page| *page.path == *path)
    }

    /// True where the service is found under a path.
    pub(crate) fn serves(&self, path: &str) -> bool {
        self.path.as_deref().is_none_or(|own| own == path)
    }

    pub(crate) fn has_cors(&self) -> bool {
        self.cors
    }

    /// True where a name or literal address of a `Host` header is one of ours.
    pub(crate) fn knows_host(&self, name: &str, site: &Site) -> bool {
        let Hosts::Only(hosts) = &self.hosts else { return true };
        let name = folded(name);
        if name == "localhost" || hosts.iter().any(|host| **host == *name) {
            return true;
        }
        match name.parse::<IpAddr>() {
            // A page cannot resolve a name to a literal: whoever names our address means us.
            Ok(address) => address.is_loopback() || !site.loopback,
            Err(_) => site.host.as_deref() == Some(&*name),
        }
    }

    /// True where a page of this origin may call, by a request that names `host`.
    pub(crate) fn knows_origin(&self, origin: &str, host: &str, site: &Site) -> bool {
        let origin = origin.to_ascii_lowercase();
        if self.origins.iter().any(|known| **known == *origin) {
            return true;
        }
        let Some((scheme, authority)) = origin.split_once("://") else { return false };
        let usual = match scheme {
            "http" => 80,
            "https" => 443,
            _ => return false,
        };
        let Some((name, port)) = split_port(authority) else { return false };
        let port = port.unwrap_or(usual);
        match site.door {
            Door::Own { port: own, tls } => {
                port == own && tls == (scheme == "https") && self.knows_host(name, site)
            }
            // The host was admitted before.
            Door::Mounted => split_port(host).is_some_and(|(own_name, own)| {
                port == own.unwrap_or(usual) && folded(name) == folded(own_name)
            }),
        }
    }
}

impl Default for Hosts {
    fn default() -> Self {
        Self::Only(Vec::new())
    }
}

/// Where a listener is reached.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    /// The name that was listened on, if it was one.
    pub(crate) host: Option<Arc<str>>,
    pub(crate) door: Door,
    /// It can be reached from this machine alone.
    pub(crate) loopback: bool,
}

/// What a request comes through.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Door {
    /// A port of our own.
    Own { port: u16, tls: bool },
    /// Another server, whose ports and proxies we do not know.
    Mounted,
}

/// A name without case, brackets and the dot of the root.
fn folded(name: &str) -> String {
    let name = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

/// The name of an authority and its port; `None` where it is no authority.
pub(crate) fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let name_end = match authority.strip_prefix('[') {
        Some(_) => authority.find(']')? + 1,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (name, rest) = authority.split_at(name_end);
    if name.is_empty() || name.contains(['@', '/', ' ']) {
        return None;
    }
    match rest.strip_prefix(':') {
        None if rest.is_empty() => Some((name, None)),
        None => None,
        // RFC 3986, 3.2.3: a port may be empty, and means the usual one.
        Some("") => Some((name, None)),
        Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some((name, Some(port.parse().ok()?)))
        }
        Some(_) => None,
    }
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page")
            .field("path", &self.path)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}
