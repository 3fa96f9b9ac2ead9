//! The peers, by name. Each library has a file of its own.

mod jsonrpsee;
mod raw;
mod tarpc;
mod tinyrpc;
mod tinyrpc_blocking;

use std::{
    fmt,
    future::Future,
    net::{Ipv4Addr, SocketAddr},
};

use anyhow::{Context as _, Result};
use clap::ValueEnum;
use tokio::net::{TcpListener, TcpStream};

use self::tinyrpc_blocking::Threads;
use crate::{
    load::{Callers, Load, Peer},
    workload::{Action, Workload, name_of},
};

/// A peer's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum PeerName {
    /// Blind echo of length-prefixed frames over TCP, ideally batched: the upper bound.
    Raw,
    /// jsonrpsee, WebSocket.
    Jsonrpsee,
    /// tarpc, JSON over TCP.
    TarpcJson,
    /// tarpc, bincode over TCP.
    TarpcBincode,
    /// tarpc, MessagePack over TCP.
    TarpcMsgpack,
    /// This project, JSON-RPC over TCP.
    TinyrpcJson,
    /// This project, MessagePack-RPC over TCP.
    TinyrpcMsgpack,
    /// This project, JSON-RPC over TCP, called by threads.
    TinyrpcBlockingJson,
    /// This project, MessagePack-RPC over TCP, called by threads.
    TinyrpcBlockingMsgpack,
}

impl PeerName {
    /// Whether the peer can be measured under `workload`: only some handle notifications, and
    /// threads share one connection.
    pub(crate) fn runs(self, workload: Workload) -> bool {
        match self {
            Self::TinyrpcBlockingJson | Self::TinyrpcBlockingMsgpack => {
                workload.action() != Action::Notify && workload.connections() == 1
            }
            Self::Raw | Self::TinyrpcJson | Self::TinyrpcMsgpack => true,
            _ => workload.action() != Action::Notify,
        }
    }

    /// Serves on a free port of the loopback address, in the background.
    pub(crate) async fn serve(self) -> Result<SocketAddr> {
        match self {
            Self::Raw => raw::serve().await,
            Self::Jsonrpsee => jsonrpsee::Jsonrpsee::serve().await,
            Self::TarpcJson => tarpc::Json::serve().await,
            Self::TarpcBincode => tarpc::Bincode::serve().await,
            Self::TarpcMsgpack => tarpc::Msgpack::serve().await,
            Self::TinyrpcJson | Self::TinyrpcBlockingJson => tinyrpc::Json::serve().await,
            Self::TinyrpcMsgpack | Self::TinyrpcBlockingMsgpack => tinyrpc::Msgpack::serve().await,
        }
    }

    /// Opens the connections of `workload`.
    pub(crate) async fn open(self, addr: SocketAddr, workload: Workload) -> Result<Box<dyn Load>> {
        match self {
            Self::Raw => Ok(Box::new(raw::Windows::open(addr, workload).await?)),
            Self::Jsonrpsee => open::<jsonrpsee::Jsonrpsee>(addr, workload).await,
            Self::TarpcJson => open::<tarpc::Json>(addr, workload).await,
            Self::TarpcBincode => open::<tarpc::Bincode>(addr, workload).await,
            Self::TarpcMsgpack => open::<tarpc::Msgpack>(addr, workload).await,
            Self::TinyrpcJson => open::<tinyrpc::Json>(addr, workload).await,
            Self::TinyrpcMsgpack => open::<tinyrpc::Msgpack>(addr, workload).await,
            Self::TinyrpcBlockingJson => {
                Ok(Box::new(Threads::open("jsonrpc+tcp", addr, workload)?))
            }
            Self::TinyrpcBlockingMsgpack => {
                Ok(Box::new(Threads::open("msgpack+tcp", addr, workload)?))
            }
        }
    }
}

impl fmt::Display for PeerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        name_of(self, f)
    }
}

async fn open<P: Peer>(addr: SocketAddr, workload: Workload) -> Result<Box<dyn Load>> {
    Ok(Box::new(Callers::open::<P>(addr, workload).await?))
}

/// Binds a free port, and spawns what `on_stream` makes of each connection.
async fn listen<F>(on_stream: impl Fn(TcpStream) -> F + Send + 'static) -> Result<SocketAddr>
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .context("binding a port")?;
    let addr = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if stream.set_nodelay(true).is_ok() {
                tokio::spawn(on_stream(stream));
            }
        }
    });
    Ok(addr)
}

/// Connects without Nagle's delay.
async fn dial(addr: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect(addr)
        .await
        .with_context(|| format!("connecting to {addr}"))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}
