//! `World`: servers that have names, and clients that are quick to come back.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use tinyrpc::{Backoff, ClientBuilder, Dispatcher, Server, ServerHandle};
use tokio::sync::Semaphore;

use crate::folder::Folder;

/// Nothing here takes longer, unless it hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// What a case is run over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    Tcp,
    #[cfg(all(unix, feature = "unix"))]
    Unix,
    #[cfg(feature = "ws")]
    Ws,
    #[cfg(feature = "tls")]
    Tls,
    #[cfg(feature = "http")]
    Http,
    #[cfg(all(feature = "ws", feature = "tls"))]
    Wss,
}

/// One protocol over one link.
pub(crate) struct World {
    protocol: &'static str,
    link: Link,
    folder: Folder,
}

/// A service that can be counted and held up.
#[derive(Clone)]
pub(crate) struct Host {
    pub(crate) name: &'static str,
    /// How often each number was executed.
    pub(crate) executed: Arc<Mutex<HashMap<u64, u32>>>,
    /// Calls of `hold` that have begun.
    pub(crate) held: Arc<AtomicUsize>,
    /// Those of them that may end.
    pub(crate) release: Arc<Semaphore>,
    /// Notifications that came.
    pub(crate) told: Arc<AtomicUsize>,
}

impl World {
    pub(crate) fn new(protocol: &'static str, link: Link) -> Self {
        Self { protocol, link, folder: Folder::new() }
    }

    /// A fresh address, as servers and clients listen on it.
    pub(crate) fn fresh(&self) -> String {
        match self.link {
            Link::Tcp => format!("{}+tcp://127.0.0.1:0", self.protocol),
            #[cfg(all(unix, feature = "unix"))]
            Link::Unix => {
                format!("{}+unix://{}", self.protocol, self.folder.fresh("socket").display())
            }
            #[cfg(feature = "ws")]
            Link::Ws => format!("{}+ws://127.0.0.1:0", self.protocol),
            #[cfg(feature = "tls")]
            Link::Tls => format!("{}+tls://127.0.0.1:0", self.protocol),
            #[cfg(feature = "http")]
            Link::Http => format!("{}+http://127.0.0.1:0", self.protocol),
            #[cfg(all(feature = "ws", feature = "tls"))]
            Link::Wss => format!("{}+wss://127.0.0.1:0", self.protocol),
        }
    }

    /// An address as it was bound, with the protocol.
    pub(crate) fn url(&self, address: &str) -> String {
        format!("{}+{}", self.protocol, address)
    }

    pub(crate) fn server(&self, host: &Host) -> Server {
        self.dressed(Server::new(host.service()).reconnect(quick()))
    }

    /// Gives a server what TLS needs.
    pub(crate) fn dressed(&self, server: Server) -> Server {
        #[cfg(feature = "tls")]
        let server = {
            let authority = crate::certificates::authority();
            let localhost = &authority.localhost;
            let tls = tinyrpc::transports::tls::ServerTls::new(
                localhost.chain.as_bytes(),
                localhost.key.as_bytes(),
            );
            server.tls(tls.expect("a certificate")).connect_tls(trusting())
        };
        server
    }

    /// Serves at a fresh address; gives its URL.
    pub(crate) async fn serve(&self, host: &Host) -> (ServerHandle, String) {
        let server = self.server(host).listen(self.fresh()).await.expect("it listens");
        let url = self.url(&server.addresses()[0]);
        (server, url)
    }

    /// Serves where another server did before.
    pub(crate) async fn serve_again(&self, host: &Host, url: &str) -> ServerHandle {
        loop {
            // The old listener may not be dropped yet.
            match self.server(host).listen(url).await {
                Ok(server) => return server,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    }

    pub(crate) fn client<'u>(&self, urls: impl IntoIterator<Item = &'u str>) -> ClientBuilder {
        dress(ClientBuilder::from_urls(urls).expect("URLs")).reconnect(quick())
    }

    /// A client that waits for workers.
    pub(crate) fn binding(&self, url: &str) -> ClientBuilder {
        dress(ClientBuilder::bind(url).expect("a URL")).reconnect(quick())
    }
}

/// Gives a client what TLS needs.
pub(crate) fn dress(builder: ClientBuilder) -> ClientBuilder {
    #[cfg(feature = "tls")]
    let builder = {
        let localhost = &crate::certificates::authority().localhost;
        let tls = tinyrpc::transports::tls::ServerTls::new(
            localhost.chain.as_bytes(),
            localhost.key.as_bytes(),
        );
        builder.tls(trusting()).bind_tls(tls.expect("a certificate"))
    };
    builder
}

#[cfg(feature = "tls")]
fn trusting() -> tinyrpc::transports::tls::ClientTls {
    let authority = &crate::certificates::authority().pem;
    tinyrpc::transports::tls::ClientTls::new()
        .authority(authority.as_bytes())
        .expect("an authority")
}

impl Host {
    pub(crate) fn new(name: &'static str) -> Self {
        Self {
            name,
            executed: Arc::default(),
            held: Arc::default(),
            release: Arc::new(Semaphore::new(0)),
            told: Arc::default(),
        }
    }

    pub(crate) fn service(&self) -> Dispatcher {
        let (name, executed, told) = (self.name, self.executed.clone(), self.told.clone());
        let (held, release) = (self.held.clone(), self.release.clone());
        Dispatcher::new()
            .method("who", move || name)
            .method("do", move |number: u64| {
                *executed.lock().expect("no panic").entry(number).or_default() += 1;
                number
            })
            .method("tell", move || _ = told.fetch_add(1, SeqCst))
            .method("hold", move || {
                let (held, release) = (held.clone(), release.clone());
                async move {
                    held.fetch_add(1, SeqCst);
                    release.acquire().await.expect("it is open").forget();
                    name
                }
            })
    }

    pub(crate) fn held(&self) -> usize {
        self.held.load(SeqCst)
    }
}

/// Comes back in no time.
pub(crate) fn quick() -> Backoff {
    Backoff {
        shortest: Duration::from_millis(1),
        first: Duration::from_millis(10),
        longest: Duration::from_millis(50),
        ..Backoff::default()
    }
}

/// Lets others go on until something is so. Hangs end with the patience of the case.
pub(crate) async fn until(what: impl Fn() -> bool) {
    while !what() {
        // Sockets and timers have their turn, too.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Waits until a client has so many connections.
pub(crate) async fn connected(client: &tinyrpc::Client, count: usize) {
    until(|| client.peers().len() == count).await;
}
