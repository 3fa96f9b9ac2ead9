//! A server and the means to reach it, for one protocol over one link.

use tinyrpc::{
    ClientBuilder, Dispatcher, Server, Service,
    blocking::{self, Client, ServerHandle},
    protocols::{JsonRpc, JsonRpc1, MsgPackRpc},
    transports::{Connection, PeerAddress, exchange, memory, stream},
};

#[cfg(all(unix, feature = "unix"))]
use crate::folder::Folder;

/// How a client reaches the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    /// Messages in memory.
    Memory,
    /// Exchanges in memory: the server cannot call.
    Exchange,
    /// A stream of bytes that holds 4 KiB each way.
    Narrow,
    /// TCP, with the options of the client's URL; the server is bound `auto`.
    Tcp(&'static str),
    /// A scheme of the web.
    #[cfg(feature = "http")]
    Web(&'static str),
    /// A Unix socket; the server is bound `auto`.
    #[cfg(all(unix, feature = "unix"))]
    Unix,
}

/// What a case works with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct World {
    pub(crate) protocol: &'static str,
    pub(crate) link: Link,
}

/// A server, and a client of it.
pub(crate) struct Connected {
    pub(crate) server: ServerHandle,
    pub(crate) client: Client,
}

impl World {
    /// True where both sides can call.
    pub(crate) fn duplex(self) -> bool {
        self.link != Link::Exchange && self.permanent()
    }

    /// True where one connection carries everything, for as long as the client lives.
    pub(crate) fn permanent(self) -> bool {
        #[cfg(feature = "http")]
        if self.link == Link::Web("http") {
            return false;
        }
        true
    }

    /// True where calls stream.
    pub(crate) fn streams(self) -> bool {
        self.duplex() && self.protocol != "jsonrpc1"
    }

    /// True where calls stream their results, and nothing into them.
    pub(crate) fn streams_down(self) -> bool {
        !self.permanent() && self.protocol == "jsonrpc"
    }

    pub(crate) fn serve(self, service: impl Service + 'static) -> Connected {
        self.serve_with(Server::new(service), |builder| builder)
    }

    pub(crate) fn serve_with(
        self,
        server: Server,
        client: impl FnOnce(ClientBuilder) -> ClientBuilder,
    ) -> Connected {
        let server = blocking::Server::from(server).start().expect("a thread");
        let by_url = |url: &str, options: &str| {
            server.listen(url).expect("an address that is free");
            let address = server.addresses().concat();
            let url = format!("{}+{address}{options}", self.protocol);
            ClientBuilder::from_url(url).expect("a good URL")
        };
        #[cfg(all(unix, feature = "unix"))]
        let folder = Folder::new();
        let builder = match self.link {
            // What it is told by its first bytes is neither lines nor the older protocol.
            Link::Tcp(options) if options.contains("lines") => {
                by_url(&format!("tcp://127.0.0.1:0{options}"), options)
            }
            Link::Tcp(options) if self.protocol == "jsonrpc1" => {
                by_url("jsonrpc1+tcp://127.0.0.1:0", options)
            }
            Link::Tcp(options) => by_url("tcp://127.0.0.1:0", options),
            #[cfg(feature = "http")]
            Link::Web(scheme) => by_url(&format!("{scheme}://127.0.0.1:0"), ""),
            #[cfg(all(unix, feature = "unix"))]
            Link::Unix => by_url(&format!("unix://{}", folder.path("socket").display()), ""),
            link => {
                let dial = match link {
                    Link::Exchange => exchange::pair,
                    Link::Narrow => narrow,
                    _ => memory::pair,
                };
                let (listener, connector) = memory::network_of(dial);
                server.listen_on(listener);
                match self.protocol {
                    "jsonrpc" => tinyrpc::Client::builder(connector, JsonRpc),
                    "jsonrpc1" => tinyrpc::Client::builder(connector, JsonRpc1),
                    _ => tinyrpc::Client::builder(connector, MsgPackRpc),
                }
            }
        };
        let client = Client::build(client(builder)).expect("a connection");
        Connected { server, client }
    }
}

/// A stream of bytes that a writer fills long before its reader is done.
fn narrow() -> (Connection, Connection) {
    let (left, right) = tokio::io::duplex(4 << 10);
    (stream::connection(left, PeerAddress::Memory), stream::connection(right, PeerAddress::Memory))
}

/// A service with the methods that most cases use.
pub(crate) fn service() -> Dispatcher {
    Dispatcher::new()
        .method("add", |a: i64, b: i64| a + b)
        .params(["a", "b"])
        .method("nothing", || {})
        .method("echo", |value: String| value)
        .method("later", async |value: u32| {
            tokio::task::yield_now().await;
            value
        })
        .method("panic", |words: String| -> u8 { panic!("{words}") })
}
