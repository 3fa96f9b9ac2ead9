//! `Framed`: a connector or listener whose connections have the framing that a URL asks for.

use std::{io, sync::Arc};

use async_trait::async_trait;
use tinyrpc_core::{Accepted, Connection, Connector, Framing, Listener, Opening};

use crate::Url;

/// Sets the framing of every connection, where one is given.
#[derive(Debug)]
pub(super) struct Framed<T> {
    inner: T,
    framing: Option<Arc<dyn Framing>>,
}

impl<T> Framed<T> {
    pub(super) fn new(inner: T, url: &Url) -> Self {
        Self { inner, framing: url.framing().cloned() }
    }
}

fn set(framing: Option<&Arc<dyn Framing>>, connection: Connection) -> Connection {
    match framing {
        Some(framing) => Connection { framing: Some(Arc::clone(framing)), ..connection },
        None => connection,
    }
}

#[async_trait]
impl<T: Connector> Connector for Framed<T> {
    async fn connect(&self) -> io::Result<Connection> {
        Ok(set(self.framing.as_ref(), self.inner.connect().await?))
    }

    fn address(&self) -> String {
        self.inner.address()
    }
}

#[async_trait]
impl<T: Listener> Listener for Framed<T> {
    async fn accept(&mut self) -> io::Result<Accepted> {
        Ok(match self.inner.accept().await? {
            Accepted::Ready(connection) => set(self.framing.as_ref(), connection).into(),
            Accepted::Opening(opening) => {
                let (peer, framing) = (opening.peer().clone(), self.framing.clone());
                let opened = async move { Ok(set(framing.as_ref(), opening.await?)) };
                Accepted::Opening(Opening::new(peer, opened))
            }
        })
    }

    fn address(&self) -> String {
        self.inner.address()
    }
}
