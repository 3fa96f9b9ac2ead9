//! Exchanges in memory: a message in, no or one answer out, each on a lane of its own.
//!
//! What HTTP, REQ/REP and AMQP are, without any of them: for tests of what depends on lanes, and
//! as the shortest example of such a transport. The serving end reports how each lane ended.

use std::{
    collections::HashSet,
    io,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use tinyrpc_core::{
    Connection, Ended, Hint, Incoming, Lane, Outgoing, PeerAddress, Received, RecvHalf, SendHalf,
    Shape, Taken,
};

use crate::pipe::{Item, Pipe};

/// A calling and a serving end.
pub fn pair() -> (Connection, Connection) {
    let (client, server, _) = observed();
    (client, server)
}

/// A calling and a serving end, of which the serving one can call, too, and whose calls can stream.
pub fn mutual() -> (Connection, Connection) {
    let (client, server) = pair();
    let able = |end| Connection { calls_back: true, streams: true, ..end };
    (able(client), able(server))
}

/// A calling and a serving end, and how the lanes of the serving end ended.
pub fn observed() -> (Connection, Connection, Endings) {
    let (requests, served) = Pipe::new();
    let (answers, answered) = Pipe::new();
    let endings = Endings::default();
    let client = Connection::new(
        Shape::Exchange,
        PeerAddress::Memory,
        Box::new(ExchangeRecv(answered)),
        Box::new(ExchangeSend::new(requests, None)),
    );
    let server = Connection::new(
        Shape::Exchange,
        PeerAddress::Memory,
        Box::new(ExchangeRecv(served)),
        Box::new(ExchangeSend::new(answers, Some(endings.clone()))),
    );
    (client, server, endings)
}

/// The lanes that ended so far, in order, and how.
#[derive(Clone, Debug, Default)]
pub struct Endings(Arc<Mutex<Vec<(Lane, Ended)>>>);

impl Endings {
    /// What was recorded.
    pub fn all(&self) -> Vec<(Lane, Ended)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn record(&self, lane: Lane, how: Ended) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((lane, how));
    }
}

struct ExchangeRecv(Pipe);

impl RecvHalf for ExchangeRecv {
    fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        into: &mut Incoming,
    ) -> Poll<io::Result<Received>> {
        self.0.poll_recv(cx, into)
    }
}

struct ExchangeSend {
    pipe: Pipe,
    /// Set on the serving end.
    endings: Option<Endings>,
    /// Exchanges that this end has begun for calls that stream.
    streams: HashSet<Lane>,
}

impl ExchangeSend {
    fn new(pipe: Pipe, endings: Option<Endings>) -> Self {
        Self { pipe, endings, streams: HashSet::new() }
    }
}

impl SendHalf for ExchangeSend {
    fn poll_send(&mut self, cx: &mut Context<'_>, out: &mut Outgoing) -> Poll<io::Result<()>> {
        while !out.is_empty() {
            match self.pipe.poll_room(cx)? {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(()) => {}
            }
            match out.pop() {
                Some(Taken::Frame(frame)) => {
                    if matches!(frame.hint, Hint::StreamingText | Hint::StreamingBinary) {
                        self.streams.insert(frame.lane);
                    }
                    self.pipe.push(Item::Frame(frame));
                }
                // Whoever has begun an exchange is told that it is over.
                Some(Taken::Ended(lane, how)) if self.endings.is_some() != lane.is_back() => {
                    if let Some(endings) = &self.endings {
                        endings.record(lane, how);
                    }
                    self.pipe.push(Item::Closed(lane));
                }
                // A call that streams is given up, which ends it on the other side.
                Some(Taken::Ended(lane, how))
                    if self.streams.remove(&lane) && how != Ended::Silent =>
                {
                    self.pipe.push(Item::Closed(lane));
                }
                Some(Taken::Ended(..)) | None => {}
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_close(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.pipe.close();
        Poll::Ready(Ok(()))
    }
}
