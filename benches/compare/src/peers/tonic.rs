//! tonic: gRPC's server streaming over HTTP/2, and nothing else.
//!
//! What `tonic-build` would generate is written by hand, so that no `protoc` is needed: two
//! messages, the service, and the method's path.
//! Every setting is tonic's own: the client lets 2 MiB of a stream come before it has read them, and
//! a message may have 4 MiB.

use std::{
    convert::Infallible,
    net::{Ipv4Addr, SocketAddr},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    task::{Context, Poll},
};

use anyhow::{Result, anyhow, ensure};
use futures_util::{
    future::{BoxFuture, Ready, ready},
    stream::{self, BoxStream, StreamExt as _},
};
use tonic::{
    Request, Response, Status,
    body::Body,
    client::Grpc,
    codegen::{
        Service,
        http::{self, uri::PathAndQuery},
    },
    server::{self, NamedService, ServerStreamingService},
    transport::{Channel, Endpoint, Server, server::TcpIncoming},
};
use tonic_prost::ProstCodec;

use crate::{
    load::{Caller, Peer},
    workload::{VALUE, Way},
};

/// The method, as `/package.Service/Method`.
const METHOD: &str = "/compare.Compare/Values";

/// How many values are wanted.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Wanted {
    #[prost(uint64, tag = "1")]
    count: u64,
}

/// One value of the stream.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Value {
    #[prost(bytes = "bytes", tag = "1")]
    data: tonic::codegen::Bytes,
}

/// The peer.
pub(super) struct Tonic;

impl Peer for Tonic {
    type Caller = Grpc<Channel>;

    async fn serve() -> Result<SocketAddr> {
        let incoming = TcpIncoming::bind((Ipv4Addr::LOCALHOST, 0).into())
            .map_err(|error| anyhow!("binding a port: {error}"))?
            .with_nodelay(Some(true));
        let addr = incoming.local_addr()?;
        let server = Server::builder().add_service(Compare);
        tokio::spawn(server.serve_with_incoming(incoming));
        Ok(addr)
    }

    async fn connect(addr: SocketAddr) -> Result<Self::Caller> {
        let endpoint = Endpoint::from_shared(format!("http://{addr}"))?;
        Ok(Grpc::new(endpoint.connect().await?))
    }
}

impl Caller for Grpc<Channel> {
    async fn transfer(&self, way: Way, bytes: usize, moved: &AtomicU64) -> Result<()> {
        ensure!(way == Way::Stream, "only streams are measured here");
        let mut client = self.clone();
        client.ready().await?;
        let request = Request::new(Wanted {
            count: (bytes / VALUE) as u64,
        });
        let codec = ProstCodec::<Wanted, Value>::default();
        let path = PathAndQuery::from_static(METHOD);
        let answer = client.server_streaming(request, path, codec).await?;
        let mut values = answer.into_inner();
        while let Some(value) = values.message().await? {
            moved.fetch_add(value.data.len() as u64, Relaxed);
        }
        Ok(())
    }
}

/// The service, as a server mounts it.
#[derive(Clone)]
struct Compare;

impl NamedService for Compare {
    const NAME: &'static str = "compare.Compare";
}

impl Service<http::Request<Body>> for Compare {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(async move {
            if request.uri().path() != METHOD {
                return Ok(Status::unimplemented("there is one method").into_http());
            }
            let codec = ProstCodec::<Value, Wanted>::default();
            Ok(server::Grpc::new(codec)
                .server_streaming(Values, request)
                .await)
        })
    }
}

/// The method.
struct Values;

impl ServerStreamingService<Wanted> for Values {
    type Response = Value;
    type ResponseStream = BoxStream<'static, Result<Value, Status>>;
    type Future = Ready<Result<Response<Self::ResponseStream>, Status>>;

    fn call(&mut self, request: Request<Wanted>) -> Self::Future {
        let value = Value {
            data: vec![b'x'; VALUE].into(),
        };
        let count = request.into_inner().count;
        let values = stream::iter((0..count).map(move |_| Ok(value.clone())));
        ready(Ok(Response::new(values.boxed())))
    }
}
