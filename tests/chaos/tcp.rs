//! `Proxied`: whatever goes over TCP, through a [`Proxy`].

use std::net::SocketAddr;

use tinyrpc::{ClientBuilder, Server, ServerHandle, transports::async_trait};

use crate::{
    link::{Dial, Dialled, Link, Wire},
    pace::{Pace, REAL},
    plan::{Plan, Unit},
    proxy::Proxy,
};

/// A transport by the name that it has in URLs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Proxied(pub(crate) &'static str);

#[async_trait]
impl Link for Proxied {
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
        let dial = Behind { scheme: self.0, server: address.expect("an address with a port") };
        (handle, Box::new(dial))
    }
}

/// A server and the proxies before it.
struct Behind {
    scheme: &'static str,
    server: SocketAddr,
}

#[async_trait]
impl Dial for Behind {
    async fn dial(&self, wire: Wire, plan: Plan) -> Dialled {
        let proxy = Proxy::start(self.server, plan).await.expect("a free port");
        let protocol = match wire {
            Wire::Json => "jsonrpc",
            Wire::Json1 => "jsonrpc1",
            Wire::MessagePack => "msgpack",
        };
        let url = format!("{protocol}+{}://{}", self.scheme, proxy.address());
        let builder = ClientBuilder::from_url(url).expect("a good URL");
        Dialled { builder, tear: Box::new(move || proxy.tear()) }
    }
}
