//! A server and the means to reach it, for one protocol over one link.

#[cfg(all(unix, feature = "amqp"))]
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use tinyrpc::{
    Client, ClientBuilder, Dispatcher, Limits, Server, ServerHandle, Service, SetupError,
    protocols::{JsonRpc, JsonRpc1, MsgPackRpc},
    transports::{Connection, PeerAddress, exchange, memory, stream},
};

#[cfg(feature = "tls")]
use tinyrpc::transports::tls::{ClientTls, ServerTls};

#[cfg(all(unix, feature = "amqp"))]
use crate::broker::Broker;
#[cfg(feature = "tls")]
use crate::certificates::authority;
#[cfg(all(unix, any(feature = "unix", feature = "zmq")))]
use crate::folder::Folder;

/// How a client reaches the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    /// Messages in memory.
    Memory,
    /// Exchanges in memory: the server cannot call.
    Exchange,
    /// Exchanges in memory that both sides may begin.
    Mutual,
    /// A stream of bytes that holds 4 KiB each way.
    Narrow,
    /// TCP, with the options of the client's URL; the server is bound `auto` where that knows the
    /// protocol.
    Tcp(&'static str),
    /// A pair of the system's pipes, as a program that was started has them.
    #[cfg(unix)]
    Pipes,
    /// A Unix socket; the server is bound `auto`.
    #[cfg(all(unix, feature = "unix"))]
    Unix,
    /// The server is bound to a scheme of the web.
    #[cfg(feature = "http")]
    Web(&'static str),
    /// The client goes by a scheme of the web; the server is bound `auto` on TCP.
    #[cfg(feature = "http")]
    Port(&'static str),
    /// The client goes by a scheme of the web; the server is mounted in one of axum.
    #[cfg(feature = "http")]
    Mounted(&'static str),
    /// A scheme of ZeroMQ.
    #[cfg(all(unix, feature = "zmq"))]
    Zmq(&'static str),
    /// ZeroMQ with an envelope around each message: the server cannot call.
    #[cfg(all(unix, feature = "zmq"))]
    ZmqEnvelopes,
    /// Datagrams: the server cannot call, and sees no end.
    #[cfg(feature = "udp")]
    Udp,
    /// A queue of its own, with the options of the client's URL.
    #[cfg(all(unix, feature = "amqp"))]
    Amqp(&'static str),
    /// A stream of bytes over TLS; the server is bound `auto`.
    #[cfg(feature = "tls")]
    Tls,
}

impl Link {
    fn is_web(self, schemes: &[&str]) -> bool {
        match self {
            #[cfg(feature = "http")]
            Self::Web(scheme) | Self::Port(scheme) | Self::Mounted(scheme) => {
                schemes.contains(&scheme)
            }
            _ => false,
        }
    }

    fn is_tls(self) -> bool {
        #[cfg(feature = "tls")]
        if self == Self::Tls {
            return true;
        }
        self.is_web(&["https", "wss", "tls"])
    }
}

/// What a case works with.
pub(crate) struct World {
    pub(crate) protocol: &'static str,
    pub(crate) link: Link,
    /// Where its sockets are.
    #[cfg(all(unix, any(feature = "unix", feature = "zmq")))]
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
    link: Link,
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
            #[cfg(all(unix, any(feature = "unix", feature = "zmq")))]
            folder: Folder::new(),
        }
    }

    /// True where both sides can call.
    pub(crate) fn duplex(&self) -> bool {
        #[cfg(feature = "udp")]
        if self.link == Link::Udp {
            return false;
        }
        #[cfg(all(unix, feature = "zmq"))]
        if self.link == Link::ZmqEnvelopes {
            return false;
        }
        self.link != Link::Exchange && !self.link.is_web(&["http", "https"])
    }

    /// True where a call can stream.
    pub(crate) fn streams(&self) -> bool {
        self.duplex() && self.protocol != "jsonrpc1"
    }

    /// True where a call can stream its result, and nothing into it.
    pub(crate) fn streams_down(&self) -> bool {
        self.protocol == "jsonrpc" && self.link.is_web(&["http", "https"])
    }

    /// True where a message may be as large as the limits say.
    pub(crate) fn large(&self) -> bool {
        #[cfg(feature = "udp")]
        if self.link == Link::Udp {
            return false;
        }
        true
    }

    /// True where each request and its answer are on their own.
    pub(crate) fn exchanges(&self) -> bool {
        #[cfg(all(unix, feature = "amqp"))]
        if matches!(self.link, Link::Amqp(_)) {
            return true;
        }
        self.link == Link::Mutual || !self.duplex()
    }

    /// True where a server is told that a client is gone.
    pub(crate) fn sees_ends(&self) -> bool {
        #[cfg(all(unix, feature = "amqp"))]
        if matches!(self.link, Link::Amqp(_)) {
            return false;
        }
        true
    }

    /// True where one connection carries everything, in order, for as long as the client lives.
    pub(crate) fn permanent(&self) -> bool {
        !self.link.is_web(&["http", "https"])
    }

    /// True where the server waits for a peer's first byte to know what the connection is.
    pub(crate) fn opens_late(&self) -> bool {
        match self.link {
            Link::Tcp(options) => {
                cfg!(feature = "http") && !self.is_named() && !options.contains("lines")
            }
            #[cfg(feature = "http")]
            Link::Port(_) => true,
            _ => false,
        }
    }

    /// True where a server knows nothing of a peer that is silent.
    pub(crate) fn begins_with_a_message(&self) -> bool {
        #[cfg(feature = "udp")]
        if self.link == Link::Udp {
            return true;
        }
        #[cfg(all(unix, feature = "zmq"))]
        if matches!(self.link, Link::Zmq(_) | Link::ZmqEnvelopes) {
            return true;
        }
        #[cfg(all(unix, feature = "amqp"))]
        if matches!(self.link, Link::Amqp(_)) {
            return true;
        }
        false
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
        #[cfg(feature = "tls")]
        let server = match self.link.is_tls() {
            true => server.tls(certified()),
            false => server,
        };
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
            #[cfg(feature = "http")]
            Link::Web(scheme) => self.listen(server, format!("{scheme}://127.0.0.1:0"), "").await,
            #[cfg(feature = "http")]
            Link::Port(scheme) => {
                let server = server.listen("tcp://127.0.0.1:0").await.expect("a free port");
                let bound = server.addresses().concat();
                let address = bound.trim_start_matches("tcp://");
                let url = format!("{}+{scheme}://{address}", self.protocol);
                (server, Address::Url(url))
            }
            #[cfg(feature = "http")]
            Link::Mounted(scheme) => {
                let server = server.start();
                let address = mounted(&server).await;
                (server, Address::Url(format!("{}+{scheme}://{address}/rpc", self.protocol)))
            }
            #[cfg(all(unix, feature = "zmq"))]
            Link::ZmqEnvelopes => {
                self.listen(server, "zmq://127.0.0.1:0".into(), "?envelope").await
            }
            #[cfg(all(unix, feature = "zmq"))]
            Link::Zmq(scheme) => {
                let address = match scheme {
                    "zmq" => "127.0.0.1:0".into(),
                    // Names in a process are as those of files.
                    _ => self.folder.fresh("zmq").display().to_string(),
                };
                self.listen(server, format!("{scheme}://{address}"), "").await
            }
            #[cfg(all(unix, feature = "amqp"))]
            Link::Amqp(options) => {
                let broker = Broker::shared().expect("a broker");
                let queue = next_queue();
                self.listen(
                    server,
                    format!("{}?queue={queue}&prefetch=2000", broker.url()),
                    options,
                )
                .await
            }
            #[cfg(feature = "udp")]
            Link::Udp => {
                let options = "?max_message=65507";
                self.listen(server, format!("udp://127.0.0.1:0{options}"), options).await
            }
            #[cfg(feature = "tls")]
            Link::Tls => self.listen(server, "tls://127.0.0.1:0".into(), "").await,
            link => {
                let dial = match link {
                    Link::Exchange => exchange::pair,
                    Link::Mutual => exchange::mutual,
                    Link::Narrow => narrow,
                    #[cfg(unix)]
                    Link::Pipes => pipes,
                    _ => memory::pair,
                };
                let server = if self.is_named() { server.protocol(JsonRpc1) } else { server };
                let (listener, connector) = memory::network_of(dial);
                (server.listen_on(listener), Address::Memory(connector))
            }
        };
        Served { server, again: Reach { protocol: self.protocol, link: self.link, address } }
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
        #[cfg(feature = "tls")]
        let builder = match self.link.is_tls() {
            true => builder.tls(trusting()),
            false => builder,
        };
        build(builder).connect().await
    }
}

/// A queue that nobody else has.
#[cfg(all(unix, feature = "amqp"))]
fn next_queue() -> String {
    static LAST: AtomicUsize = AtomicUsize::new(0);
    format!("suite-{}-{}", std::process::id(), LAST.fetch_add(1, SeqCst))
}

/// The server's certificate.
#[cfg(feature = "tls")]
fn certified() -> ServerTls {
    let own = &authority().localhost;
    ServerTls::new(own.chain.as_bytes(), own.key.as_bytes()).expect("a certificate and its key")
}

/// A client that trusts whoever signed it.
#[cfg(feature = "tls")]
fn trusting() -> ClientTls {
    ClientTls::new().authority(authority().pem.as_bytes()).expect("an authority")
}

/// Mounts a server in an application that lives as long as the test.
#[cfg(feature = "http")]
async fn mounted(server: &ServerHandle) -> std::net::SocketAddr {
    let application = axum::Router::new().route_service("/rpc", server.http_service());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(axum::serve(listener, application).into_future());
    address
}

/// A stream of bytes that a writer fills long before its reader is done.
fn narrow() -> (Connection, Connection) {
    let (left, right) = tokio::io::duplex(4 << 10);
    (stream::connection(left, PeerAddress::Memory), stream::connection(right, PeerAddress::Memory))
}

/// One pipe each way.
#[cfg(unix)]
fn pipes() -> (Connection, Connection) {
    use tokio::net::unix::pipe::pipe;

    let ((left_out, right_in), (right_out, left_in)) =
        (pipe().expect("a pipe"), pipe().expect("a pipe"));
    (
        stream::halves(left_in, left_out, PeerAddress::Memory),
        stream::halves(right_in, right_out, PeerAddress::Memory),
    )
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
