//! The yardstick: frames over TCP, echoed blind.
//!
//! A frame is a u32 length and as many bytes as the JSON-RPC request of the workload has.
//! There are no ids, no codec and no tasks; client and server write once for all that one read brought.
//! That is an upper bound for any RPC library, not a design that could do a library's work.

use std::{net::SocketAddr, time::Instant};

use anyhow::{Result, anyhow, bail, ensure};
use futures_util::future::BoxFuture;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

use super::{dial, listen};
use crate::{
    book::{add_message_len, book_message_len},
    burst::{Limit, Share, Tally},
    load::Load,
    workload::{Action, MOVED, VALUE, Workload},
};

/// The first byte of a connection whose frames come back.
const ECHO: u8 = b'e';
/// The first byte of a connection whose bytes are only counted.
const SINK: u8 = b's';
/// The first byte of a connection on which as many bytes come as it says next.
const SOURCE: u8 = b'd';
/// The most bytes that one read takes.
const BUFFER: usize = VALUE;
/// Frames per write when nothing comes back to set the pace.
const NOTIFICATIONS_PER_WRITE: usize = 256;

/// Serves both kinds of connection.
pub(super) async fn serve() -> Result<SocketAddr> {
    listen(|stream| async {
        // An error here is the client hanging up, or the client sees it too.
        let _ = answer(stream).await;
    })
    .await
}

async fn answer(mut stream: TcpStream) -> Result<()> {
    let kind = stream.read_u8().await?;
    let mut buffer = vec![0; BUFFER];
    if kind == SOURCE {
        let mut left = stream.read_u64().await?;
        while left > 0 {
            let n = left.min(BUFFER as u64);
            stream.write_all(&buffer[..n as usize]).await?;
            left -= n;
        }
        return Ok(());
    }
    let mut received = 0;
    loop {
        let n = stream.read(&mut buffer).await?;
        received += n as u64;
        if n == 0 {
            break;
        }
        if kind == ECHO {
            stream.write_all(&buffer[..n]).await?;
        }
    }
    if kind == SINK {
        stream.write_u64(received).await?;
    }
    Ok(())
}

/// A client that keeps a window of frames in flight on each connection.
pub(crate) struct Windows {
    addr: SocketAddr,
    streams: Vec<TcpStream>,
    workload: Workload,
    frame: Vec<u8>,
}

impl Windows {
    /// Opens the connections of `workload`, and checks one whole echo on each.
    pub(super) async fn open(addr: SocketAddr, workload: Workload) -> Result<Self> {
        let len = match workload.action() {
            Action::Book => book_message_len()?,
            Action::Add | Action::Notify => add_message_len(),
            Action::Move(_) => 0,
            Action::Batch | Action::Beside(_) => bail!("there is no echo of this"),
        };
        let mut frame = u32::try_from(len)?.to_be_bytes().to_vec();
        frame.resize(frame.len() + len, b'x');
        let mut streams = Vec::new();
        if !matches!(workload.action(), Action::Notify | Action::Move(_)) {
            for _ in 0..workload.connections() {
                let mut stream = dial(addr).await?;
                stream.write_u8(ECHO).await?;
                stream.write_all(&frame).await?;
                let mut echo = vec![0; frame.len()];
                stream.read_exact(&mut echo).await?;
                ensure!(echo == frame, "the echo is not what was sent");
                streams.push(stream);
            }
        }
        Ok(Self {
            addr,
            streams,
            workload,
            frame,
        })
    }

    async fn echo(&mut self, limit: &Limit) -> Result<Tally> {
        let connections = self.streams.len();
        let mut tasks = JoinSet::new();
        for (index, stream) in self.streams.drain(..).enumerate() {
            let share = limit.share(index, connections);
            tasks.spawn(window(stream, self.frame.clone(), self.workload, share));
        }
        let mut tally = Tally::default();
        while let Some(done) = tasks.join_next().await {
            let (stream, part) = done??;
            self.streams.push(stream);
            tally.merge(part);
        }
        Ok(tally)
    }

    /// A plain copy through the socket, in writes of [`VALUE`] bytes.
    async fn copy(&self, limit: &Limit) -> Result<Tally> {
        let share = limit.share(0, 1);
        let mut buffer = vec![0; BUFFER];
        let mut tally = Tally::default();
        while share.left(tally.calls) > 0 {
            let mut stream = dial(self.addr).await?;
            stream.write_u8(SOURCE).await?;
            stream.write_u64(MOVED as u64).await?;
            let mut received = 0;
            loop {
                let n = stream.read(&mut buffer).await?;
                if n == 0 {
                    break;
                }
                received += n;
            }
            ensure!(received == MOVED, "only {received} bytes came");
            tally.calls += (MOVED / VALUE) as u64;
        }
        Ok(tally)
    }

    async fn sink(&self, limit: &Limit) -> Result<Tally> {
        let share = limit.share(0, 1);
        let (frames, len) = (self.frame.repeat(NOTIFICATIONS_PER_WRITE), self.frame.len());
        let mut stream = dial(self.addr).await?;
        stream.write_u8(SINK).await?;
        let mut tally = Tally::default();
        loop {
            let batch = share.left(tally.calls).min(NOTIFICATIONS_PER_WRITE as u64);
            if batch == 0 {
                break;
            }
            stream.write_all(&frames[..batch as usize * len]).await?;
            tally.calls += batch;
        }
        stream.shutdown().await?;
        let received = stream.read_u64().await?;
        ensure!(
            received == tally.calls * len as u64,
            "only {received} bytes arrived"
        );
        Ok(tally)
    }
}

impl Load for Windows {
    fn burst<'a>(&'a mut self, limit: &'a Limit) -> BoxFuture<'a, Result<Tally>> {
        Box::pin(async move {
            match self.workload.action() {
                Action::Notify => self.sink(limit).await,
                Action::Move(_) => self.copy(limit).await,
                _ => self.echo(limit).await,
            }
        })
    }
}

/// Fills the window, then sends as many frames as each read completed.
async fn window(
    mut stream: TcpStream,
    frame: Vec<u8>,
    workload: Workload,
    share: Share,
) -> Result<(TcpStream, Tally)> {
    let width = workload.callers_per_connection();
    let (frames, len) = (frame.repeat(width), frame.len());
    let mut buffer = vec![0; BUFFER];
    let mut tally = Tally::default();
    let mut in_flight = 0;
    let mut room = width;
    let mut partial = 0;
    loop {
        let batch = share.left(tally.calls + in_flight).min(room as u64);
        in_flight += batch;
        if in_flight == 0 {
            return Ok((stream, tally));
        }
        let started = workload.is_sequential().then(Instant::now);
        stream.write_all(&frames[..batch as usize * len]).await?;
        let n = stream.read(&mut buffer).await?;
        ensure!(n > 0, "the server hung up");
        room = (partial + n) / len;
        partial = (partial + n) % len;
        in_flight = in_flight
            .checked_sub(room as u64)
            .ok_or_else(|| anyhow!("too much echo"))?;
        for _ in 0..room {
            tally.count(started);
        }
    }
}
