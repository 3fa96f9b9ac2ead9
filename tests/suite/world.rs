//! A server and the means to reach it, for one protocol over one link.

use std::time::Duration;

use tinyrpc::{
    Client, ClientBuilder, Dispatcher, Limits, Server, ServerHandle, Service, SetupError,
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
    /// TCP, with the options of the client's URL; the server is bound `auto` where that knows the
    /// protocol.
    Tcp(&'static str),
    /// A Unix socket; the server is bound `auto`.
    #[cfg(all(unix, feature = "unix"))]
    Unix,
}

/// What a case works with.
pub(crate) struct World {
    pub(crate) protocol: &'static str,
    pub(crate) link: Link,
    /// Where its sockets are.
    #[cfg(all(unix, feature = "unix"))]
    folder: Folder,
}

/// A server, a client, and what the client would need to connect again.
pub(crate) struct Connected {
    pub(crate) server: ServerHandle,
    pub(crate) client: Client,
    pub(crate) again: Reach,
}

/// A server, and how to reach it.
pub(crate) struct Served {
    pub(crate) server: ServerHandle,
    pub(crate) again: Reach,
}

/// How to connect one more client.
pub(crate) struct Reach {
    protocol: &'static str,
    address: Address,
}

enum Address {
    Memory(memory::MemoryConnector),
    Url(String),
}

/// No case takes longer, unless it hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

impl World {
    pub(crate) async fn new(protocol: &'static str, link: Link) -> Self {
        Self {
            protocol,
            link,
            #[cfg(all(unix, feature = "unix"))]
            folder: Folder::new(),
        }
    }

    /// True where both sides can call.
    pub(crate) fn duplex(&self) -> bool {
        self.link != Link::Exchange
    }

    /// True where a server must be told the protocol.
    fn is_named(&self) -> bool {
        self.protocol == "jsonrpc1"
    }

    pub(crate) async fn serve(&self, service: impl Service + 'static) -> Connected {
        self.serve_with(Server::new(service), |builder| builder).await
    }

    pub(crate) async fn serve_with(
        &self,
        server: Server,
        client: impl FnOnce(ClientBuilder) -> ClientBuilder,
    ) -> Connected {
        let Served { server, again } = self.start(server).await;
        let client = again.connect(client).await;
        Connected { server, client, again }
    }

    /// The same where the client may not be let in.
    pub(crate) async fn serve_and_try(
        &self,
        server: Server,
        client: impl FnOnce(ClientBuilder) -> ClientBuilder,
    ) -> (Served, Result<Client, SetupError>) {
        let served = self.start(server).await;
        let client = served.again.try_connect(client).await;
        (served, client)
    }

    async fn start(&self, server: Server) -> Served {
        let (server, address) = match self.link {
            Link::Tcp(options) => {
                let bound = if options.contains("lines") { options } else { "" };
                let protocol = if self.is_named() { "jsonrpc1+" } else { "" };
                let url = format!("{protocol}tcp://127.0.0.1:0{bound}");
                self.listen(server, url, options).await
            }
            #[cfg(all(unix, feature = "unix"))]
            Link::Unix => {
                let url = format!("unix://{}", self.folder.fresh("socket").display());
                self.listen(server, url, "").await
            }
            link => {
                let dial = match link {
                    Link::Exchange => exchange::pair,
                    Link::Narrow => narrow,
                    _ => memory::pair,
                };
                let server = if self.is_named() { server.protocol(JsonRpc1) } else { server };
                let (listener, connector) = memory::network_of(dial);
                (server.listen_on(listener), Address::Memory(connector))
            }
        };
        Served { server, again: Reach { protocol: self.protocol, address } }
    }

    /// Listens, and says how a client with these options of its own gets there.
    async fn listen(&self, server: Server, url: String, options: &str) -> (ServerHandle, Address) {
        let server = server.listen(url).await.expect("an address that is free");
        let address = server.addresses().concat();
        let address = Address::Url(format!("{}+{address}{options}", self.protocol));
        (server, address)
    }
}

impl Reach {
    pub(crate) async fn connect(
        &self,
        build: impl FnOnce(ClientBuilder) -> ClientBuilder,
    ) -> Client {
        self.try_connect(build).await.expect("a connection")
    }

    pub(crate) async fn try_connect(
        &self,
        build: impl FnOnce(ClientBuilder) -> ClientBuilder,
    ) -> Result<Client, SetupError> {
        let builder = match &self.address {
            Address::Url(url) => ClientBuilder::from_url(url).expect("a good URL"),
            Address::Memory(connector) => match self.protocol {
                "jsonrpc" => Client::builder(connector.clone(), JsonRpc),
                "jsonrpc1" => Client::builder(connector.clone(), JsonRpc1),
                _ => Client::builder(connector.clone(), MsgPackRpc),
            },
        };
        build(builder).connect().await
    }
}

/// A stream of bytes that a writer fills long before its reader is done.
fn narrow() -> (Connection, Connection) {
    let (left, right) = tokio::io::duplex(4 << 10);
    (stream::connection(left, PeerAddress::Memory), stream::connection(right, PeerAddress::Memory))
}

/// Small enough for every limit to be reached by a test.
pub(crate) fn tight() -> Limits {
    Limits {
        max_calls: 4,
        max_requests: 4,
        max_batch: 8,
        max_message: 64 << 10,
        ..Limits::default()
    }
}

/// A service with the methods that most cases use.
pub(crate) fn service() -> Dispatcher {
    Dispatcher::new()
        .method("add", |a: i64, b: i64| a + b)
        .params(["a", "b"])
        .method("nothing", || {})
        .method("echo", |value: String| value)
        .method("later", |value: u32| async move {
            tokio::task::yield_now().await;
            value
        })
        .method("panic", |words: String| -> u8 { panic!("{words}") })
}
