//! The yardstick of HTTP: posts over hyper, whose bodies come back as they are.
//!
//! A body has as many bytes as the JSON-RPC request of the workload; there are no ids and no codec.

use std::{convert::Infallible, net::SocketAddr};

use anyhow::{Result, ensure};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};

use super::listen;
use crate::{
    book::{Book, add_message_len, book_message_len},
    load::{Caller, Peer},
};

/// The peer.
pub(super) struct HyperEcho;

/// hyper's own client, which opens as many connections as there are posts in flight.
#[derive(Clone)]
pub(super) struct Poster {
    client: Client<HttpConnector, Full<Bytes>>,
    uri: hyper::Uri,
    add: Bytes,
    book: Bytes,
}

impl Peer for HyperEcho {
    type Caller = Poster;

    async fn serve() -> Result<SocketAddr> {
        listen(|stream| async {
            // An error here is the client hanging up, or the client sees it too.
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service_fn(echo))
                .await;
        })
        .await
    }

    async fn connect(addr: SocketAddr) -> Result<Poster> {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let body = |len| Bytes::from(vec![b'x'; len]);
        Ok(Poster {
            client: Client::builder(TokioExecutor::new()).build(connector),
            uri: format!("http://{addr}/").parse()?,
            add: body(add_message_len()),
            book: body(book_message_len()?),
        })
    }
}

async fn echo(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = request.into_body().collect().await;
    let body = body.map(|body| body.to_bytes()).unwrap_or_default();
    Ok(Response::new(Full::new(body)))
}

impl Poster {
    async fn post(&self, body: &Bytes) -> Result<()> {
        let mut request = Request::post(self.uri.clone())
            .header("content-type", "application/json")
            .body(Full::new(body.clone()))?;
        *request.version_mut() = hyper::Version::HTTP_11;
        let response = self.client.request(request).await?;
        let answer = response.into_body().collect().await?.to_bytes();
        ensure!(answer == *body, "the echo is not what was sent");
        Ok(())
    }
}

impl Caller for Poster {
    async fn add(&self, a: i64, b: i64) -> Result<i64> {
        self.post(&self.add).await?;
        Ok(a + b)
    }

    async fn book(&self, book: &Book) -> Result<Book> {
        self.post(&self.book).await?;
        Ok(book.clone())
    }
}
