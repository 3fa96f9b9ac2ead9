//! A transport from two `async fn`s: for authors who would rather not poll.
//!
//! [`connection`] makes a connection of whole messages out of a [`Sender`] and a [`Receiver`].
//! It costs an allocation or two for each message; [`RecvHalf`] and [`SendHalf`] cost none.

use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use async_trait::async_trait;
use bytes::Bytes;
use tinyrpc_core::{
    Connection, Frame, Incoming, Outgoing, PeerAddress, Received, RecvHalf, SendHalf, Shape, Taken,
};

/// Sends whole messages.
#[async_trait]
pub trait Sender: Send + 'static {
    /// Sends one message.
    async fn send(&mut self, message: Bytes) -> io::Result<()>;

    /// Ends the sending direction.
    async fn close(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Receives whole messages.
#[async_trait]
pub trait Receiver: Send + 'static {
    /// The next message, or `None` when there will be no more.
    ///
    /// It need not be cancel-safe: the future is polled until it is done.
    async fn recv(&mut self) -> io::Result<Option<Bytes>>;
}

/// A connection of messages over the two.
pub fn connection(sender: impl Sender, receiver: impl Receiver, peer: PeerAddress) -> Connection {
    let recv = Receiving { idle: Some(receiver), future: None };
    let send = Sending { idle: Some(sender), future: None, closing: false };
    Connection::new(Shape::Messages, peer, Box::new(recv), Box::new(send))
}

type Step<H, T> = Pin<Box<dyn Future<Output = (H, io::Result<T>)> + Send>>;

/// The half is either idle or inside of its future.
struct Receiving<R> {
    idle: Option<R>,
    future: Option<Step<R, Option<Bytes>>>,
}

impl<R: Receiver> RecvHalf for Receiving<R> {
    fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        into: &mut Incoming,
    ) -> Poll<io::Result<Received>> {
        if let Some(mut half) = self.idle.take() {
            self.future = Some(Box::pin(async move {
                let received = half.recv().await;
                (half, received)
            }));
        }
        let Some(future) = &mut self.future else { return Poll::Ready(Ok(Received::End)) };
        let (half, received) = ready!(future.as_mut().poll(cx));
        self.future = None;
        self.idle = Some(half);
        Poll::Ready(Ok(match received? {
            Some(bytes) => {
                into.push(Frame::duplex(bytes));
                Received::Some
            }
            None => Received::End,
        }))
    }
}

struct Sending<S> {
    idle: Option<S>,
    future: Option<Step<S, ()>>,
    closing: bool,
}

impl<S: Sender> Sending<S> {
    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(future) = &mut self.future {
            let (half, sent) = ready!(future.as_mut().poll(cx));
            self.future = None;
            self.idle = Some(half);
            return Poll::Ready(sent);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: Sender> SendHalf for Sending<S> {
    fn poll_send(&mut self, cx: &mut Context<'_>, out: &mut Outgoing) -> Poll<io::Result<()>> {
        loop {
            ready!(self.poll_idle(cx))?;
            let Some(Taken::Frame(frame)) = out.pop() else { return Poll::Ready(Ok(())) };
            let Some(mut half) = self.idle.take() else { return Poll::Ready(Ok(())) };
            self.future = Some(Box::pin(async move {
                let sent = half.send(frame.bytes).await;
                (half, sent)
            }));
        }
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_idle(cx))?;
        if !std::mem::replace(&mut self.closing, true)
            && let Some(mut half) = self.idle.take()
        {
            self.future = Some(Box::pin(async move {
                let closed = half.close().await;
                (half, closed)
            }));
        }
        self.poll_idle(cx)
    }
}
