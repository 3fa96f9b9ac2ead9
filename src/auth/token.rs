//! `Token` and `TokenLogin`: a secret that a peer tells in its first request.

use std::fmt;

use async_trait::async_trait;
use serde::Deserialize;
use tinyrpc_core::Payload;
use tinyrpc_dispatch::Identity;

use super::{Attempt, Authenticate, Decision, digests::Digests};

/// A secret text by which a peer proves who it is. It is never shown.
///
/// It should be at least 32 random bytes in some encoding; whoever reads it has all rights of its
/// owner. Over plain TCP it travels in clear: beyond this machine use a transport that encrypts.
///
/// ```
/// use tinyrpc::Token;
///
/// assert_eq!(format!("{:?}", Token::new("5e3a7c")), "Token(..)");
/// ```
#[derive(Clone)]
pub struct Token(Box<str>);

impl Token {
    /// The token in its encoding, such as hexadecimal digits.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Token {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Token {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// Accepts peers whose first request is `rpc.auth` with a token that is known, as `["token"]` or
/// `{"token": "token"}`. [`ClientBuilder::token`](crate::ClientBuilder::token) is the other side.
///
/// Only digests of the tokens are kept, and all of them are compared, in a time that does not
/// depend on what is in them.
///
/// ```
/// use tinyrpc::{Context, Dispatcher, Server, TokenLogin};
///
/// let who = |context: Context| context.identity().map(|identity| identity.name().to_owned());
/// let server = Server::new(Dispatcher::new().method("who", who))
///     .authenticate(TokenLogin::new("alice", "5e3a7c").or("bob", "c0ffee"));
/// ```
#[derive(Clone)]
pub struct TokenLogin {
    known: Digests,
}

impl TokenLogin {
    /// The method by which peers log in.
    pub const METHOD: &'static str = "rpc.auth";

    /// Knows one peer by its token.
    pub fn new(identity: impl Into<Identity>, token: impl Into<Token>) -> Self {
        Self { known: Digests::default() }.or(identity, token)
    }

    /// Knows one more.
    pub fn or(mut self, identity: impl Into<Identity>, token: impl Into<Token>) -> Self {
        self.known.add(token.into().reveal(), identity.into());
        self
    }
}

#[async_trait]
impl Authenticate for TokenLogin {
    async fn authenticate(&self, attempt: Attempt) -> Decision {
        if &*attempt.method != Self::METHOD {
            return Decision::Refuse("log in first: call `rpc.auth` with a token".into());
        }
        let Some(token) = told(&attempt.params) else {
            return Decision::Refuse("`rpc.auth` takes one argument, `token`, a text".into());
        };
        match self.known.find(&token) {
            Some(identity) => Decision::LoggedIn(identity),
            None => Decision::Refuse("the token is not known here".into()),
        }
    }
}

impl fmt::Debug for TokenLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.known.fmt(f)
    }
}

/// The token in the params; what is wrong with others is not said, as it might be told by one.
fn told(params: &Payload) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Told {
        token: String,
    }
    // Where params are a sequence, named ones are a map in it.
    let told = params.decode().or_else(|_| params.decode().map(|(told,): (Told,)| told));
    told.ok().map(|Told { token }| token)
}
