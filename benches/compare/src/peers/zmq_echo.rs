//! The yardstick of ZeroMQ: messages between a DEALER and a ROUTER, echoed as they are.
//!
//! A message has as many bytes as the JSON-RPC request of the workload; there are no ids, no codec,
//! no tasks and no event loop, but threads that wait in the sockets: what a program that is written
//! for ZeroMQ alone does.

use std::{net::SocketAddr, thread, time::Instant};

use anyhow::{Context as _, Result, bail, ensure};
use futures_util::future::BoxFuture;
use zmq::{Context, DEALER, DONTWAIT, Message, ROUTER, SNDMORE, Socket};

use crate::{
    book::{add_message_len, book_message_len},
    burst::{Limit, Share, Tally},
    load::Load,
    workload::{Action, Workload},
};

/// Serves echoes in a thread.
pub(super) fn serve() -> Result<SocketAddr> {
    let socket = Context::new().socket(ROUTER)?;
    socket.bind("tcp://127.0.0.1:*")?;
    let bound = socket.get_last_endpoint()?;
    let bound = bound.map_err(|_| anyhow::anyhow!("the address is no text"))?;
    let addr = bound.trim_start_matches("tcp://").parse()?;
    thread::spawn(move || {
        // An error here is the end of the process.
        while answer(&socket).is_ok() {}
    });
    Ok(addr)
}

fn answer(socket: &Socket) -> Result<()> {
    let mut part = Message::new();
    loop {
        socket.recv(&mut part, 0)?;
        let more = if part.get_more() { SNDMORE } else { 0 };
        socket.send(std::mem::replace(&mut part, Message::new()), more)?;
    }
}

/// A client that keeps a window of messages in flight on each connection.
pub(crate) struct Echoes {
    sockets: Vec<Socket>,
    workload: Workload,
    message: Vec<u8>,
}

impl Echoes {
    /// Opens the connections of `workload`.
    pub(super) fn open(addr: SocketAddr, workload: Workload) -> Result<Self> {
        let len = match workload.action() {
            Action::Add => add_message_len(),
            Action::Book => book_message_len()?,
            Action::Notify | Action::Batch | Action::Move(_) | Action::Beside(_) => {
                bail!("there is no echo of this")
            }
        };
        let context = Context::new();
        let mut sockets = Vec::new();
        for _ in 0..workload.connections() {
            let socket = context.socket(DEALER)?;
            socket.connect(&format!("tcp://{addr}"))?;
            sockets.push(socket);
        }
        Ok(Self {
            sockets,
            workload,
            message: vec![b'x'; len],
        })
    }
}

impl Load for Echoes {
    fn burst<'a>(&'a mut self, limit: &'a Limit) -> BoxFuture<'a, Result<Tally>> {
        let connections = self.sockets.len();
        let run = |(index, socket): (usize, &Socket)| {
            let share = limit.share(index, connections);
            window(socket, &self.message, self.workload, share)
        };
        // One connection after the other: nobody waits in two sockets at once.
        let tallies: Result<Vec<Tally>> = self.sockets.iter().enumerate().map(run).collect();
        let merged = tallies.map(|tallies| {
            let mut all = Tally::default();
            tallies.into_iter().for_each(|tally| all.merge(tally));
            all
        });
        Box::pin(std::future::ready(merged))
    }
}

/// Fills the window, then sends as many messages as came back.
fn window(socket: &Socket, message: &[u8], workload: Workload, share: Share) -> Result<Tally> {
    let mut tally = Tally::default();
    let (mut in_flight, mut room) = (0, workload.callers_per_connection());
    let mut echo = Message::new();
    loop {
        let batch = share.left(tally.calls + in_flight).min(room as u64);
        in_flight += batch;
        if in_flight == 0 {
            return Ok(tally);
        }
        let started = workload.is_sequential().then(Instant::now);
        for _ in 0..batch {
            socket.send(message, 0)?;
        }
        socket.recv(&mut echo, 0)?;
        room = 1;
        ensure!(echo.len() == message.len(), "the echo is not what was sent");
        while socket.recv(&mut echo, DONTWAIT).is_ok() {
            ensure!(echo.len() == message.len(), "the echo is not what was sent");
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
