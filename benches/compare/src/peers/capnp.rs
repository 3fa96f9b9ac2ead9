//! capnp-rpc: a stream in Cap'n Proto's own way, and nothing else.
//!
//! Cap'n Proto has no stream as a result: the client passes a capability, and the server calls its
//! method `write`, which is declared `-> stream`, once for each value.
//! Each such call is acknowledged, and the next one waits while the window is full.
//! That window is left as it is, 64 KiB and a message, which is two of these values; windows of 256 KiB
//! to 4 MiB were no faster.
//! Reading and writing are buffered, as the library advises.
//!
//! Nothing of the library may leave its thread, so each connection has a thread with a runtime of its
//! own; a whole stream is one message between that thread and the caller's task.

use std::{
    cell::Cell,
    net::SocketAddr,
    rc::Rc,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    thread,
};

use anyhow::{Context as _, Result, ensure};
use capnp::message::ReaderOptions;
use capnp_rpc::{RpcSystem, new_client, rpc_twoparty_capnp::Side, twoparty::VatNetwork};
use futures_util::io::{BufReader, BufWriter};
use tokio::{
    net::TcpStream,
    runtime::Builder,
    sync::{mpsc, oneshot},
    task::{LocalSet, spawn_local},
};
use tokio_util::compat::{TokioAsyncReadCompatExt as _, TokioAsyncWriteCompatExt as _};

use self::values_capnp::{sink, source};
use super::{dial, listen};
use crate::{
    load::{Caller, Peer},
    workload::{VALUE, Way},
};

#[expect(
    clippy::use_self,
    unreachable_pub,
    unused_qualifications,
    reason = "it is as capnpc writes it"
)]
mod values_capnp {
    include!(concat!(env!("OUT_DIR"), "/values_capnp.rs"));
}

/// The peer.
pub(super) struct Capnp;

impl Peer for Capnp {
    type Caller = Vat;

    async fn serve() -> Result<SocketAddr> {
        listen(|stream| async {
            // An error here is the client hanging up, or the client sees it too.
            let _ = on_a_thread(stream, answer);
        })
        .await
    }

    async fn connect(addr: SocketAddr) -> Result<Vat> {
        let (orders, taken) = mpsc::unbounded_channel();
        on_a_thread(dial(addr).await?, |stream| order(stream, taken))?;
        Ok(Vat { orders })
    }
}

/// The thread that owns a client's connection.
#[derive(Clone)]
pub(super) struct Vat {
    orders: mpsc::UnboundedSender<Order>,
}

/// A stream that is wanted, and where to say how many bytes came.
struct Order {
    count: u64,
    came: oneshot::Sender<Result<u64, capnp::Error>>,
}

impl Caller for Vat {
    async fn transfer(&self, way: Way, bytes: usize, moved: &AtomicU64) -> Result<()> {
        ensure!(way == Way::Stream, "only streams are measured here");
        let (came, bytes_came) = oneshot::channel();
        let count = (bytes / VALUE) as u64;
        let sent = self.orders.send(Order { count, came });
        sent.ok().context("the connection has ended")?;
        let bytes = bytes_came.await.context("the connection has ended")??;
        moved.fetch_add(bytes, Relaxed);
        Ok(())
    }
}

/// Runs what may not leave its thread on a thread of its own.
fn on_a_thread<F>(
    stream: TcpStream,
    run: impl FnOnce(TcpStream) -> F + Send + 'static,
) -> Result<()>
where
    F: Future<Output = Result<()>>,
{
    let stream = stream.into_std()?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    thread::spawn(move || {
        let running = async { run(TcpStream::from_std(stream)?).await };
        // Whoever waits for the connection sees it end.
        let _ = runtime.block_on(LocalSet::new().run_until(running));
    });
    Ok(())
}

fn network(stream: TcpStream, side: Side) -> Box<VatNetwork<impl futures_util::AsyncRead + Unpin>> {
    let (read, write) = stream.into_split();
    let read = BufReader::new(read.compat());
    let write = BufWriter::new(write.compat_write());
    Box::new(VatNetwork::new(read, write, side, ReaderOptions::new()))
}

/// Serves one connection.
async fn answer(stream: TcpStream) -> Result<()> {
    let source: source::Client = new_client(Values);
    Ok(RpcSystem::new(network(stream, Side::Server), Some(source.client)).await?)
}

/// Fills one order after the other.
async fn order(stream: TcpStream, mut taken: mpsc::UnboundedReceiver<Order>) -> Result<()> {
    let mut system = RpcSystem::new(network(stream, Side::Client), None);
    let source: source::Client = system.bootstrap(Side::Server);
    spawn_local(system);
    while let Some(Order { count, came }) = taken.recv().await {
        let _ = came.send(stream_of(&source, count).await);
    }
    Ok(())
}

async fn stream_of(source: &source::Client, count: u64) -> Result<u64, capnp::Error> {
    let came = Rc::new(Cell::new(0));
    let mut request = source.values_request();
    request.get().set_count(count);
    request
        .get()
        .set_sink(new_client(Counter(Rc::clone(&came))));
    request.send().promise.await?;
    Ok(came.get())
}

/// What a server gives.
struct Values;

impl source::Server for Values {
    async fn values(
        self: Rc<Self>,
        params: source::ValuesParams,
        _: source::ValuesResults,
    ) -> Result<(), capnp::Error> {
        let params = params.get()?;
        let (count, sink) = (params.get_count(), params.get_sink()?);
        let value = vec![b'x'; VALUE];
        for _ in 0..count {
            let mut request = sink.write_request();
            request.get().set_value(&value);
            request.send().await?;
        }
        sink.done_request().send().promise.await?;
        Ok(())
    }
}

/// A sink that counts what comes.
struct Counter(Rc<Cell<u64>>);

impl sink::Server for Counter {
    async fn write(self: Rc<Self>, params: sink::WriteParams) -> Result<(), capnp::Error> {
        let bytes = params.get()?.get_value()?.len();
        self.0.set(self.0.get() + bytes as u64);
        Ok(())
    }

    async fn done(
        self: Rc<Self>,
        _: sink::DoneParams,
        _: sink::DoneResults,
    ) -> Result<(), capnp::Error> {
        Ok(())
    }
}
