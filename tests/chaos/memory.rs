//! `Memory`: connections in memory that suffer their plan, as bytes, as messages or as exchanges.

use std::{
    collections::VecDeque,
    future::Future,
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};

use tinyrpc::{
    Server, ServerHandle,
    transports::{
        Accepted, Connection, Connector, Ended, Frame, Incoming, Lane, Listener, Outgoing,
        PeerAddress, Received, RecvHalf, SendHalf, Shape, Taken, async_trait, stream,
    },
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::mpsc,
    time::{Instant, Sleep, sleep_until},
};

use crate::{
    direction::{Direction, Ready},
    link::{Dial, Dialled, Link, Wire, builder},
    pace::{Pace, VIRTUAL},
    plan::{Fault, Plan, Unit},
};

/// Connections of one shape.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory(pub(crate) Shape);

#[async_trait]
impl Link for Memory {
    fn pace(&self) -> &'static Pace {
        &VIRTUAL
    }

    fn unit(&self) -> Unit {
        if self.0 == Shape::Stream { Unit::Bytes } else { Unit::Messages }
    }

    async fn serve(&self, server: Server) -> (ServerHandle, Box<dyn Dial>) {
        let (dialled, accepted) = mpsc::channel(1);
        let handle = server.listen_on(Accepting(accepted));
        (handle, Box::new(Network { shape: self.0, dialled }))
    }
}

/// Where clients of one server connect.
struct Network {
    shape: Shape,
    dialled: mpsc::Sender<Connection>,
}

#[async_trait]
impl Dial for Network {
    async fn dial(&self, wire: Wire, plan: Plan) -> Dialled {
        let (ours, theirs, tear): (_, _, Box<dyn FnOnce() + Send>) = match self.shape {
            Shape::Stream => {
                let (left, right, tear) = pair::<u8>(plan);
                (bytes(left), bytes(right), Box::new(tear))
            }
            shape => {
                let (left, right, tear) = pair::<Item>(plan);
                (messages(shape, left), messages(shape, right), Box::new(tear))
            }
        };
        let connecting =
            Connecting { dialled: self.dialled.clone(), ends: Some((ours, theirs)).into() };
        Dialled { builder: builder(connecting, wire), tear }
    }
}

struct Accepting(mpsc::Receiver<Connection>);

#[async_trait]
impl Listener for Accepting {
    async fn accept(&mut self) -> io::Result<Accepted> {
        let connection = self.0.recv().await.ok_or(io::ErrorKind::NotConnected)?;
        Ok(connection.into())
    }

    fn address(&self) -> String {
        "mem://chaos".into()
    }
}

/// Connects once.
struct Connecting {
    dialled: mpsc::Sender<Connection>,
    ends: tokio::sync::Mutex<Option<(Connection, Connection)>>,
}

#[async_trait]
impl Connector for Connecting {
    async fn connect(&self) -> io::Result<Connection> {
        let gone = || io::Error::from(io::ErrorKind::ConnectionRefused);
        let (ours, theirs) = self.ends.lock().await.take().ok_or_else(gone)?;
        self.dialled.send(theirs).await.map_err(|_| gone())?;
        Ok(ours)
    }

    fn address(&self) -> String {
        "mem://chaos".into()
    }
}

/// What travels where messages do.
enum Item {
    Frame(Frame),
    /// No answer will come on this lane any more.
    Closed(Lane),
}

/// Both directions, under one lock: some faults strike both.
struct Shared<T> {
    directions: Mutex<[Direction<T>; 2]>,
    rude: bool,
}

type Half<T> = (Reading<T>, Writing<T>);

/// The two ends, and what cuts them apart.
fn pair<T>(plan: Plan) -> (Half<T>, Half<T>, impl FnOnce()) {
    let shared = Arc::new(Shared {
        directions: Mutex::new([Direction::new(plan.there), Direction::new(plan.back)]),
        rude: plan.rude,
    });
    let end = |reads: usize, writes: usize| {
        let reading = Reading { shared: Arc::clone(&shared), index: reads, alarm: None };
        (reading, Writing { shared: Arc::clone(&shared), index: writes, alarm: None })
    };
    (end(BACK, THERE), end(THERE, BACK), {
        let shared = Arc::clone(&shared);
        move || shared.lock().iter_mut().for_each(Direction::reset)
    })
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, [Direction<T>; 2]> {
        self.directions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The end of one direction that receives.
struct Reading<T> {
    shared: Arc<Shared<T>>,
    index: usize,
    alarm: Option<Pin<Box<Sleep>>>,
}

/// The end of one direction that sends.
struct Writing<T> {
    shared: Arc<Shared<T>>,
    index: usize,
    alarm: Option<Pin<Box<Sleep>>>,
}

impl<T> Reading<T> {
    /// Takes what has come, by draining so many from the queue; 0 at the end.
    fn poll_take(
        &mut self,
        most: usize,
        cx: &mut Context<'_>,
        drain: impl FnOnce(&mut VecDeque<T>, usize),
    ) -> Poll<io::Result<usize>> {
        loop {
            let mut directions = self.shared.lock();
            match directions[self.index].ready(cx) {
                Ready::Some(count) => {
                    let count = count.min(most);
                    drain(directions[self.index].take(count), count);
                    return Poll::Ready(Ok(count));
                }
                Ready::End => return Poll::Ready(Ok(0)),
                Ready::Wait(until) => {
                    drop(directions);
                    let Some(until) = until else { return Poll::Pending };
                    ready!(poll_alarm(&mut self.alarm, until, cx));
                }
                Ready::Struck(Fault::Stall(time)) => directions[self.index].stall(time),
                Ready::Struck(Fault::End) => directions[self.index].cut(),
                Ready::Struck(Fault::Mute) => directions[self.index].mute(),
                Ready::Struck(Fault::Vanish) => directions.iter_mut().for_each(Direction::mute),
                Ready::Struck(Fault::Reset) => {
                    directions.iter_mut().for_each(Direction::reset);
                    return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
                }
            }
        }
    }
}

fn poll_alarm(
    alarm: &mut Option<Pin<Box<Sleep>>>,
    until: Instant,
    cx: &mut Context<'_>,
) -> Poll<()> {
    let sleep = match alarm {
        Some(sleep) if sleep.deadline() == until => sleep,
        other => other.insert(Box::pin(sleep_until(until))),
    };
    sleep.as_mut().poll(cx)
}

impl<T> Drop for Reading<T> {
    fn drop(&mut self) {
        let mut directions = self.shared.lock();
        if directions[self.index].leave() && self.shared.rude {
            directions.iter_mut().for_each(Direction::reset);
        }
    }
}

impl<T> Writing<T> {
    fn poll_room(&mut self, wanted: usize, cx: &Context<'_>) -> Poll<io::Result<usize>> {
        self.shared.lock()[self.index].poll_room(wanted, cx)
    }

    fn put(&mut self, fill: impl FnOnce(&mut VecDeque<T>)) {
        self.shared.lock()[self.index].put(fill);
    }

    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let until = self.shared.lock()[self.index].close();
        if let Some(until) = until {
            ready!(poll_alarm(&mut self.alarm, until, cx));
        }
        Poll::Ready(Ok(()))
    }
}

impl<T> Drop for Writing<T> {
    fn drop(&mut self) {
        self.shared.lock()[self.index].close();
    }
}

fn bytes((reading, writing): Half<u8>) -> Connection {
    stream::halves(reading, writing, PeerAddress::Memory)
}

impl AsyncRead for Reading<u8> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let most = into.remaining();
        let drain = |queue: &mut VecDeque<u8>, count: usize| {
            let (first, second) = queue.as_slices();
            let (first, second) = (&first[..count.min(first.len())], second);
            into.put_slice(first);
            into.put_slice(&second[..count - first.len()]);
            queue.drain(..count);
        };
        self.poll_take(most, cx, drain).map_ok(|_| ())
    }
}

impl AsyncWrite for Writing<u8> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let count = ready!(self.poll_room(bytes.len(), cx))?;
        self.put(|queue| queue.extend(&bytes[..count]));
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.shared.lock()[self.index].poll_flush(cx).map(Ok)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_end(cx)
    }
}

fn messages(shape: Shape, (reading, writing): Half<Item>) -> Connection {
    Connection::new(shape, PeerAddress::Memory, Box::new(reading), Box::new(writing))
}

impl RecvHalf for Reading<Item> {
    fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        into: &mut Incoming,
    ) -> Poll<io::Result<Received>> {
        let drain = |queue: &mut VecDeque<Item>, count: usize| {
            queue.drain(..count).for_each(|item| match item {
                Item::Frame(frame) => into.push(frame),
                Item::Closed(lane) => into.close_lane(lane),
            });
        };
        let count = ready!(self.poll_take(usize::MAX, cx, drain))?;
        Poll::Ready(Ok(if count == 0 { Received::End } else { Received::Some }))
    }
}

impl SendHalf for Writing<Item> {
    fn poll_send(&mut self, cx: &mut Context<'_>, out: &mut Outgoing) -> Poll<io::Result<()>> {
        while !out.is_empty() {
            ready!(self.poll_room(1, cx))?;
            let item = match out.pop() {
                Some(Taken::Frame(frame)) => Item::Frame(frame),
                Some(Taken::Ended(lane, _)) if self.index == BACK => Item::Closed(lane),
                Some(Taken::Ended(lane, Ended::Abandoned)) if self.shared.rude => {
                    Item::Closed(lane)
                }
                // The server is told nothing of what its client made of an answer.
                Some(Taken::Ended(..)) => continue,
                None => break,
            };
            self.put(|queue| queue.push_back(item));
        }
        Poll::Ready(Ok(()))
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_end(cx)
    }
}

/// The index of the direction from the client to the server.
const THERE: usize = 0;
/// The index of the other one.
const BACK: usize = 1;
