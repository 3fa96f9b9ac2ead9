//! Links over sockets, with a [`Proxy`] in between.

use std::net::SocketAddr;

use tinyrpc::{ClientBuilder, Server, ServerHandle, transports::async_trait};

use crate::{
    link::{Dial, Dialled, Link, Wire},
    pace::{Pace, REAL},
    plan::{Plan, Unit},
    proxy::Proxy,
};

/// Whatever goes over TCP, by the name that it has in URLs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tcp(pub(crate) &'static str);

#[async_trait]
impl Link for Tcp {
    fn pace(&self) -> &'static Pace {
        &REAL
    }

    fn unit(&self) -> Unit {
        Unit::Bytes
    }

    async fn serve(&self, server: Server) -> (ServerHandle, Box<dyn Dial>) {
        let handle = server.listen(format!("{}://127.0.0.1:0", self.0)).await.expect("a free port");
        let address = handle.addresses().concat();
        let address = address.rsplit('/').next().and_then(|address| address.parse().ok());
        let dial = BehindTcp { scheme: self.0, server: address.expect("an address with a port") };
        (handle, Box::new(dial))
    }
}

/// A server and the proxies before it.
struct BehindTcp {
    scheme: &'static str,
    server: SocketAddr,
}

#[async_trait]
impl Dial for BehindTcp {
    async fn dial(&self, wire: Wire, plan: Plan) -> Dialled {
        let proxy = Proxy::default();
        let address = proxy.tcp(self.server, plan).await.expect("a free port");
        dialled(proxy, wire, format!("{}://{address}", self.scheme))
    }
}

fn dialled(proxy: Proxy, wire: Wire, address: String) -> Dialled {
    let protocol = match wire {
        Wire::Json => "jsonrpc",
        Wire::Json1 => "jsonrpc1",
        Wire::MessagePack => "msgpack",
    };
    let builder = ClientBuilder::from_url(format!("{protocol}+{address}")).expect("a good URL");
    Dialled { builder, tear: Box::new(move || proxy.tear()) }
}

/// Unix sockets.
#[cfg(all(unix, feature = "unix"))]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unix;

#[cfg(all(unix, feature = "unix"))]
#[async_trait]
impl Link for Unix {
    fn pace(&self) -> &'static Pace {
        &REAL
    }

    fn unit(&self) -> Unit {
        Unit::Bytes
    }

    async fn serve(&self, server: Server) -> (ServerHandle, Box<dyn Dial>) {
        let folder = crate::folder::Folder::new();
        let path = folder.path("server");
        let url = format!("unix://{}", path.display());
        let handle = server.listen(url).await.expect("a path of our own");
        (handle, Box::new(BehindUnix { folder, server: path }))
    }
}

#[cfg(all(unix, feature = "unix"))]
struct BehindUnix {
    folder: crate::folder::Folder,
    server: std::path::PathBuf,
}

#[cfg(all(unix, feature = "unix"))]
#[async_trait]
impl Dial for BehindUnix {
    async fn dial(&self, wire: Wire, plan: Plan) -> Dialled {
        let (proxy, path) = (Proxy::default(), self.folder.fresh("proxy"));
        proxy.unix(&path, self.server.clone(), plan).expect("a path of our own");
        dialled(proxy, wire, format!("unix://{}", path.display()))
    }
}
