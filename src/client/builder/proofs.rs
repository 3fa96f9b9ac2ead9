//! Who a client is, and whom it believes: logins, headers and certificates.

use std::sync::Arc;

use serde::Serialize;
use tinyrpc_core::Caller;
#[cfg(feature = "tls")]
use tinyrpc_transports::tls::{ClientTls, ServerTls};

use super::ClientBuilder;
use crate::{Token, TokenLogin, client::plan::Greets};

impl ClientBuilder {
    /// Listens on addresses that other machines can reach, too ([`ClientBuilder::bind`]).
    ///
    /// Whoever reaches the address is given calls, and answers them as it likes.
    pub fn allow_remote(mut self) -> Self {
        self.port.allow_remote = true;
        #[cfg(all(unix, feature = "zmq"))]
        {
            self.route.allow_remote = true;
        }
        self
    }

    /// Proves who the client is where it listens over TLS ([`ClientBuilder::bind`]).
    #[cfg(feature = "tls")]
    pub fn bind_tls(mut self, tls: ServerTls) -> Self {
        self.port.tls = Some(tls);
        self
    }

    /// Proves to the server who this side is, by a token: calls `rpc.auth` first, as
    /// [`TokenLogin`] wants it. See [`ClientBuilder::login`].
    pub fn token(self, token: impl Into<Token>) -> Self {
        let token = token.into();
        self.log_in(move |caller| {
            let token = token.clone();
            Box::pin(async move {
                caller.call_raw(TokenLogin::METHOD, (token.reveal(),)).await.map(drop)
            })
        })
    }

    /// Proves to the server who this side is, by a call before any other one; its result is not
    /// looked at. A [`WireTrace`] is not shown its params.
    ///
    /// [`ClientBuilder::connect`] waits for the answer. [`ClientBuilder::attach`] cannot, and has
    /// the call sent before all others: a server that wants a login lets what comes behind it
    /// wait, in its order, and refuses all of it together with the login.
    ///
    /// [`WireTrace`]: crate::WireTrace
    pub fn login<P>(self, method: impl Into<String>, params: P) -> Self
    where
        P: Serialize + Send + Sync + 'static,
    {
        let said = Arc::new((method.into(), params));
        self.log_in(move |caller| {
            let said = Arc::clone(&said);
            Box::pin(async move {
                let (method, params) = &*said;
                caller.call_raw(method, params).await.map(drop)
            })
        })
    }

    fn log_in(mut self, login: impl Fn(Caller) -> Greets + Send + Sync + 'static) -> Self {
        self.plan.login = Some(Arc::new(login));
        self
    }

    /// Sends a header with every request over HTTP and with the handshake of a WebSocket, such as
    /// `("Authorization", "Bearer ...")`. Its value is never shown in logs.
    #[cfg(feature = "http")]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.route.headers.push((name.into(), value.into()));
        self
    }

    /// Proves who calls by a token in the header `Authorization` (RFC 6750), over HTTP and WebSocket.
    #[cfg(feature = "http")]
    pub fn bearer(self, token: impl Into<Token>) -> Self {
        self.header("Authorization", &format!("Bearer {}", token.into().reveal()))
    }

    /// Proves who calls by a name and a password in the header `Authorization` (RFC 7617), over HTTP
    /// and WebSocket. The name has no colon in it.
    #[cfg(feature = "http")]
    pub fn basic(self, name: &str, password: impl Into<Token>) -> Self {
        use base64::{Engine as _, engine::general_purpose::STANDARD};

        let both = STANDARD.encode(format!("{name}:{}", password.into().reveal()));
        self.header("Authorization", &format!("Basic {both}"))
    }

    /// Sets whom to believe under the URLs that go over TLS, and which certificate to show; by
    /// default the authorities of the system are trusted.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: ClientTls) -> Self {
        self.route.tls = tls;
        self
    }
}
