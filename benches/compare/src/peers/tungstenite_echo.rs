//! The yardstick of WebSocket: messages over tungstenite, echoed as they are.
//!
//! A message has as many bytes as the JSON-RPC request of the workload; there are no ids, no codec
//! and no tasks. Both ends write once for all messages that were there: an upper bound for any RPC
//! library on tungstenite.

use std::{net::SocketAddr, time::Instant};

use anyhow::{Context as _, Result, bail, ensure};
use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _, future::BoxFuture};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream, accept_async, client_async,
    tungstenite::{Message, Utf8Bytes},
};

use super::{dial, listen};
use crate::{
    book::{add_message_len, book_message_len},
    burst::{Limit, Share, Tally},
    load::Load,
    workload::{Action, Workload},
};

/// Serves echoes.
pub(super) async fn serve() -> Result<SocketAddr> {
    listen(|stream| async {
        // An error here is the client hanging up, or the client sees it too.
        let _ = answer(stream).await;
    })
    .await
}

async fn answer(stream: TcpStream) -> Result<()> {
    let mut socket = accept_async(stream).await?;
    while let Some(message) = socket.next().await {
        socket.feed(message?).await?;
        while let Some(Some(message)) = socket.next().now_or_never() {
            socket.feed(message?).await?;
        }
        socket.flush().await?;
    }
    Ok(())
}

/// A client that keeps a window of messages in flight on each connection.
pub(crate) struct Echoes {
    sockets: Vec<WebSocketStream<TcpStream>>,
    workload: Workload,
    message: Utf8Bytes,
}

impl Echoes {
    /// Opens the connections of `workload`.
    pub(super) async fn open(addr: SocketAddr, workload: Workload) -> Result<Self> {
        let len = match workload.action() {
            Action::Add => add_message_len(),
            Action::Book => book_message_len()?,
            Action::Notify | Action::Batch | Action::Move(_) | Action::Beside(_) => {
                bail!("there is no echo of this")
            }
        };
        let mut sockets = Vec::new();
        for _ in 0..workload.connections() {
            let (socket, _) = client_async(format!("ws://{addr}/"), dial(addr).await?).await?;
            sockets.push(socket);
        }
        Ok(Self {
            sockets,
            workload,
            message: "x".repeat(len).into(),
        })
    }
}

impl Load for Echoes {
    fn burst<'a>(&'a mut self, limit: &'a Limit) -> BoxFuture<'a, Result<Tally>> {
        Box::pin(async move {
            let connections = self.sockets.len();
            let windows = self.sockets.iter_mut().enumerate().map(|(index, socket)| {
                let share = limit.share(index, connections);
                window(socket, &self.message, self.workload, share)
            });
            let mut tally = Tally::default();
            for part in futures_util::future::join_all(windows).await {
                tally.merge(part?);
            }
            Ok(tally)
        })
    }
}

/// Fills the window, then sends as many messages as came back.
async fn window(
    socket: &mut WebSocketStream<TcpStream>,
    message: &Utf8Bytes,
    workload: Workload,
    share: Share,
) -> Result<Tally> {
    let mut tally = Tally::default();
    let (mut in_flight, mut room) = (0, workload.callers_per_connection());
    loop {
        let batch = share.left(tally.calls + in_flight).min(room as u64);
        in_flight += batch;
        if in_flight == 0 {
            return Ok(tally);
        }
        let started = workload.is_sequential().then(Instant::now);
        for _ in 0..batch {
            socket.feed(Message::Text(message.clone())).await?;
        }
        socket.flush().await?;
        let first = socket.next().await.context("the server hung up")??;
        ensure!(
            first.len() == message.len(),
            "the echo is not what was sent"
        );
        room = 1;
        while let Some(Some(echo)) = socket.next().now_or_never() {
            ensure!(
                echo?.len() == message.len(),
                "the echo is not what was sent"
            );
            room += 1;
        }
        in_flight = in_flight
            .checked_sub(room as u64)
            .context("too much echo")?;
        for _ in 0..room {
            tally.count(started);
        }
    }
}
