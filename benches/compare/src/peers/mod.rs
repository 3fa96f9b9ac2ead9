//! The peers, by name. Each library has a file of its own.

mod broker;
#[cfg(feature = "capnp")]
mod capnp;
mod hyper_echo;
mod jsonrpsee;
mod lapin_loop;
mod python;
mod raw;
mod tarpc;
mod tinyrpc;
mod tinyrpc_blocking;
mod tonic;
mod tungstenite_echo;
mod zmq_echo;

use std::{
    fmt,
    future::Future,
    net::{Ipv4Addr, SocketAddr},
};

#[cfg(not(feature = "capnp"))]
use anyhow::bail;
use anyhow::{Context as _, Result};
use clap::ValueEnum;
use tokio::net::{TcpListener, TcpStream};

pub(crate) use self::python::Python;
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
    /// Blind echo of posts over hyper: the upper bound over HTTP.
    HyperEcho,
    /// Blind echo of messages over tungstenite, ideally batched: the upper bound over WebSocket.
    TungsteniteEcho,
    /// Requests and replies by hand over lapin: the yardstick of AMQP.
    LapinLoop,
    /// Blind echo of messages between a DEALER and a ROUTER: the upper bound over ZeroMQ.
    ZmqEcho,
    /// jsonrpsee, WebSocket.
    Jsonrpsee,
    /// jsonrpsee, HTTP.
    JsonrpseeHttp,
    /// tarpc, JSON over TCP.
    TarpcJson,
    /// tarpc, bincode over TCP.
    TarpcBincode,
    /// tarpc, MessagePack over TCP.
    TarpcMsgpack,
    /// capnp-rpc, a server's stream; it has no other workload.
    Capnp,
    /// tonic, a server's stream over HTTP/2; it has no other workload.
    Tonic,
    /// This project, JSON-RPC over TCP.
    TinyrpcJson,
    /// This project, MessagePack-RPC over TCP.
    TinyrpcMsgpack,
    /// This project, JSON-RPC in posts.
    TinyrpcHttpJson,
    /// This project, MessagePack-RPC in posts.
    TinyrpcHttpMsgpack,
    /// This project, JSON-RPC over WebSocket.
    TinyrpcWsJson,
    /// This project, MessagePack-RPC over WebSocket.
    TinyrpcWsMsgpack,
    /// This project, JSON-RPC over AMQP.
    TinyrpcAmqpJson,
    /// This project, MessagePack-RPC over AMQP.
    TinyrpcAmqpMsgpack,
    /// This project, JSON-RPC over ZeroMQ.
    TinyrpcZmqJson,
    /// This project, MessagePack-RPC over ZeroMQ.
    TinyrpcZmqMsgpack,
    /// The same, whose threads interrupt nobody (`batch`).
    TinyrpcZmqBatchJson,
    /// The same.
    TinyrpcZmqBatchMsgpack,
    /// This project, JSON-RPC over TCP, called by threads.
    TinyrpcBlockingJson,
    /// This project, MessagePack-RPC over TCP, called by threads.
    TinyrpcBlockingMsgpack,
    /// zerorpc for Python, greenlets that share a client.
    ZerorpcPython,
    /// tinyrpc for Python, JSON-RPC over ZeroMQ; a client, in a thread, for each call in flight.
    TinyrpcPythonZmqJson,
    /// The same with MessagePack-RPC.
    TinyrpcPythonZmqMsgpack,
}

impl PeerName {
    /// Whether the peer can be measured under `workload`: only some handle notifications and
    /// batches, and threads share one connection.
    pub(crate) fn runs(self, workload: Workload) -> bool {
        if Python::of(self).is_some() {
            return workload.action() == Action::Add && workload.connections() == 1;
        }
        if matches!(self, Self::Capnp | Self::Tonic) {
            return workload == Workload::Stream;
        }
        match workload.action() {
            Action::Add | Action::Book => !self.is_threads() || workload.connections() == 1,
            // Over HTTP a notification is a post like any other.
            Action::Notify => matches!(
                self,
                Self::Raw
                    | Self::TinyrpcJson
                    | Self::TinyrpcMsgpack
                    | Self::TinyrpcWsJson
                    | Self::TinyrpcWsMsgpack
                    | Self::TinyrpcZmqJson
                    | Self::TinyrpcZmqMsgpack
                    | Self::TinyrpcZmqBatchJson
                    | Self::TinyrpcZmqBatchMsgpack
            ),
            Action::Move(_) if self == Self::Raw => true,
            Action::Move(_) | Action::Beside(_) => matches!(
                self,
                Self::TinyrpcJson
                    | Self::TinyrpcMsgpack
                    | Self::TinyrpcWsJson
                    | Self::TinyrpcWsMsgpack
                    | Self::TinyrpcZmqJson
                    | Self::TinyrpcZmqMsgpack
                    | Self::TinyrpcZmqBatchJson
                    | Self::TinyrpcZmqBatchMsgpack
            ),
            Action::Batch => matches!(
                self,
                Self::Jsonrpsee
                    | Self::JsonrpseeHttp
                    | Self::TinyrpcJson
                    | Self::TinyrpcHttpJson
                    | Self::TinyrpcWsJson
                    | Self::TinyrpcZmqJson
            ),
        }
    }

    /// Whether what the peer needs is there.
    pub(crate) fn is_there(self) -> bool {
        if let Some(python) = Python::of(self) {
            return python.is_there();
        }
        if self == Self::Capnp {
            return cfg!(feature = "capnp");
        }
        !matches!(
            self,
            Self::LapinLoop | Self::TinyrpcAmqpJson | Self::TinyrpcAmqpMsgpack
        ) || broker::is_there()
    }

    fn is_threads(self) -> bool {
        matches!(
            self,
            Self::TinyrpcBlockingJson | Self::TinyrpcBlockingMsgpack
        )
    }

    /// Serves on a free port of the loopback address, in the background.
    pub(crate) async fn serve(self) -> Result<SocketAddr> {
        match self {
            Self::Raw => raw::serve().await,
            Self::HyperEcho => hyper_echo::HyperEcho::serve().await,
            Self::TungsteniteEcho => tungstenite_echo::serve().await,
            Self::ZmqEcho => zmq_echo::serve(),
            Self::Jsonrpsee => jsonrpsee::Jsonrpsee::serve().await,
            Self::JsonrpseeHttp => jsonrpsee::OverHttp::serve().await,
            Self::TinyrpcHttpJson => tinyrpc::HttpJson::serve().await,
            Self::TinyrpcHttpMsgpack => tinyrpc::HttpMsgpack::serve().await,
            Self::TinyrpcWsJson => tinyrpc::WsJson::serve().await,
            Self::TinyrpcWsMsgpack => tinyrpc::WsMsgpack::serve().await,
            Self::LapinLoop => lapin_loop::LapinLoop::serve().await,
            Self::TinyrpcAmqpJson => tinyrpc::AmqpJson::serve().await,
            Self::TinyrpcAmqpMsgpack => tinyrpc::AmqpMsgpack::serve().await,
            Self::TinyrpcZmqJson => tinyrpc::ZmqJson::serve().await,
            Self::TinyrpcZmqMsgpack => tinyrpc::ZmqMsgpack::serve().await,
            Self::TinyrpcZmqBatchJson => tinyrpc::ZmqBatchJson::serve().await,
            Self::TinyrpcZmqBatchMsgpack => tinyrpc::ZmqBatchMsgpack::serve().await,
            Self::TarpcJson => tarpc::Json::serve().await,
            Self::TarpcBincode => tarpc::Bincode::serve().await,
            Self::TarpcMsgpack => tarpc::Msgpack::serve().await,
            #[cfg(feature = "capnp")]
            Self::Capnp => capnp::Capnp::serve().await,
            #[cfg(not(feature = "capnp"))]
            Self::Capnp => not_built(self),
            Self::Tonic => tonic::Tonic::serve().await,
            Self::TinyrpcJson | Self::TinyrpcBlockingJson => tinyrpc::Json::serve().await,
            Self::TinyrpcMsgpack | Self::TinyrpcBlockingMsgpack => tinyrpc::Msgpack::serve().await,
            Self::ZerorpcPython | Self::TinyrpcPythonZmqJson | Self::TinyrpcPythonZmqMsgpack => {
                python::elsewhere(self)
            }
        }
    }

    /// Opens the connections of `workload`.
    pub(crate) async fn open(self, addr: SocketAddr, workload: Workload) -> Result<Box<dyn Load>> {
        match self {
            Self::Raw => Ok(Box::new(raw::Windows::open(addr, workload).await?)),
            Self::HyperEcho => open::<hyper_echo::HyperEcho>(addr, workload).await,
            Self::TungsteniteEcho => Ok(Box::new(
                tungstenite_echo::Echoes::open(addr, workload).await?,
            )),
            Self::ZmqEcho => Ok(Box::new(zmq_echo::Echoes::open(addr, workload)?)),
            Self::Jsonrpsee => open::<jsonrpsee::Jsonrpsee>(addr, workload).await,
            Self::JsonrpseeHttp => open::<jsonrpsee::OverHttp>(addr, workload).await,
            Self::TinyrpcHttpJson => open::<tinyrpc::HttpJson>(addr, workload).await,
            Self::TinyrpcHttpMsgpack => open::<tinyrpc::HttpMsgpack>(addr, workload).await,
            Self::TinyrpcWsJson => open::<tinyrpc::WsJson>(addr, workload).await,
            Self::TinyrpcWsMsgpack => open::<tinyrpc::WsMsgpack>(addr, workload).await,
            Self::LapinLoop => open::<lapin_loop::LapinLoop>(addr, workload).await,
            Self::TinyrpcAmqpJson => open::<tinyrpc::AmqpJson>(addr, workload).await,
            Self::TinyrpcAmqpMsgpack => open::<tinyrpc::AmqpMsgpack>(addr, workload).await,
            Self::TinyrpcZmqJson => open::<tinyrpc::ZmqJson>(addr, workload).await,
            Self::TinyrpcZmqMsgpack => open::<tinyrpc::ZmqMsgpack>(addr, workload).await,
            Self::TinyrpcZmqBatchJson => open::<tinyrpc::ZmqBatchJson>(addr, workload).await,
            Self::TinyrpcZmqBatchMsgpack => open::<tinyrpc::ZmqBatchMsgpack>(addr, workload).await,
            Self::TarpcJson => open::<tarpc::Json>(addr, workload).await,
            Self::TarpcBincode => open::<tarpc::Bincode>(addr, workload).await,
            Self::TarpcMsgpack => open::<tarpc::Msgpack>(addr, workload).await,
            #[cfg(feature = "capnp")]
            Self::Capnp => open::<capnp::Capnp>(addr, workload).await,
            #[cfg(not(feature = "capnp"))]
            Self::Capnp => not_built(self),
            Self::Tonic => open::<tonic::Tonic>(addr, workload).await,
            Self::TinyrpcJson => open::<tinyrpc::Json>(addr, workload).await,
            Self::TinyrpcMsgpack => open::<tinyrpc::Msgpack>(addr, workload).await,
            Self::TinyrpcBlockingJson => {
                Ok(Box::new(Threads::open("jsonrpc+tcp", addr, workload)?))
            }
            Self::TinyrpcBlockingMsgpack => {
                Ok(Box::new(Threads::open("msgpack+tcp", addr, workload)?))
            }
            Self::ZerorpcPython | Self::TinyrpcPythonZmqJson | Self::TinyrpcPythonZmqMsgpack => {
                python::elsewhere(self)
            }
        }
    }
}

impl fmt::Display for PeerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        name_of(self, f)
    }
}

/// Refuses a peer that the program was built without.
#[cfg(not(feature = "capnp"))]
fn not_built<T>(peer: PeerName) -> Result<T> {
    bail!("the peer {peer} needs a build with the feature of its name")
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
