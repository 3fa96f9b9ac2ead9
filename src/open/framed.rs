//! `Framed`: a connector or listener whose connections have the framing that a URL asks for.

use std::{io, sync::Arc};

use async_trait::async_trait;
use tinyrpc_core::{Connection, Connector, Framing, Listener};

/// Sets the framing of every connection, where one is given.
#[derive(Debug)]
pub(super) struct Framed<T> {
    pub(super) inner: T,
    pub(super) framing: Option<Arc<dyn Framing>>,
}

impl<T> Framed<T> {
    fn set(&self, connection: Connection) -> Connection {
        match &self.framing {
            Some(framing) => Connection { framing: Some(Arc::clone(framing)), ..connection },
            None => connection,
        }
    }
}

#[async_trait]
impl<T: Connector> Connector for Framed<T> {
    async fn connect(&self) -> io::Result<Connection> {
        Ok(self.set(self.inner.connect().await?))
    }

    fn address(&self) -> String {
        self.inner.address()
    }
}

#[async_trait]
impl<T: Listener + Sync> Listener for Framed<T> {
    async fn accept(&mut self) -> io::Result<Connection> {
        let connection = self.inner.accept().await?;
        Ok(self.set(connection))
    }

    fn address(&self) -> String {
        self.inner.address()
    }
}
