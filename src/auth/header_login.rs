//! `HeaderLogin`: a peer that proves itself by the header `Authorization`.

use std::fmt;

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use tinyrpc_dispatch::Identity;

use super::{Attempt, Authenticate, Decision, Token, digests::Digests};

/// Accepts requests that carry the header `Authorization` with a token (`Bearer`, RFC 6750) or a
/// name and a password (`Basic`, RFC 7617) that are known. Over a WebSocket its handshake carries
/// it. [`ClientBuilder::bearer`](crate::ClientBuilder::bearer) and
/// [`ClientBuilder::basic`](crate::ClientBuilder::basic) are the other side.
///
/// Others are answered 401 over HTTP, and nothing of them is executed. Only digests are kept, and
/// all of them are compared, in a time that does not depend on what is in them.
///
/// Where the transport does not encrypt, whoever sees the bytes has the rights of their sender.
///
/// ```
/// use tinyrpc::{Context, Dispatcher, HeaderLogin, Server};
///
/// let who = |context: Context| context.identity().map(|identity| identity.name().to_owned());
/// let server = Server::new(Dispatcher::new().method("who", who))
///     .authenticate(HeaderLogin::new().bearer("alice", "5e3a7c").basic("bob", "swordfish"));
/// ```
#[derive(Clone, Default)]
pub struct HeaderLogin {
    tokens: Digests,
    passwords: Digests,
}

impl HeaderLogin {
    /// Knows nobody yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Knows a peer by its token.
    #[must_use]
    pub fn bearer(mut self, identity: impl Into<Identity>, token: impl Into<Token>) -> Self {
        self.tokens.add(token.into().reveal(), identity.into());
        self
    }

    /// Knows a peer by the name of its identity and a password. A name has no colon in it.
    #[must_use]
    pub fn basic(mut self, identity: impl Into<Identity>, password: impl Into<Token>) -> Self {
        let identity = identity.into();
        let both = format!("{}:{}", identity.name(), password.into().reveal());
        self.passwords.add(&STANDARD.encode(both), identity);
        self
    }
}

#[async_trait]
impl Authenticate for HeaderLogin {
    async fn authenticate(&self, attempt: Attempt) -> Decision {
        let Some(header) = attempt.header("authorization") else {
            return Decision::Refuse("send a header `Authorization` with the request".into());
        };
        let (scheme, proof) = header.split_once(' ').unwrap_or((&header, ""));
        let known = if scheme.eq_ignore_ascii_case("bearer") {
            self.tokens.find(proof.trim())
        } else if scheme.eq_ignore_ascii_case("basic") {
            self.passwords.find(proof.trim())
        } else {
            return Decision::Refuse("`Authorization` is neither `Bearer` nor `Basic`".into());
        };
        known.map_or_else(
            || Decision::Refuse("what `Authorization` holds is not known here".into()),
            Decision::Accept,
        )
    }
}

impl fmt::Debug for HeaderLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeaderLogin")
            .field("tokens", &self.tokens)
            .field("passwords", &self.passwords)
            .finish()
    }
}
