//! `Seat`: one post to a mounted service, as a connection of exchanges without a stream.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http::HeaderMap;
use tinyrpc_core::{
    Connection, Incoming, Lane, Outgoing, PeerAddress, Received, RecvHalf, SendHalf, Shape, Taken,
};

use super::{
    Form, Media,
    desk::{Desk, Found},
    flow::Flowing,
};

/// Where a post and the task of its connection find each other.
#[derive(Debug, Default)]
pub(crate) struct Seat {
    desk: Arc<Desk>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Whoever waits for the answer.
    post: Option<Waker>,
    /// The task of the connection.
    driver: Option<Waker>,
    closed: bool,
}

/// Either half of the connection.
struct Half(Arc<Seat>);

impl Seat {
    /// Hands a post over.
    pub(crate) fn take(
        bytes: Bytes,
        media: Media,
        form: Option<Form>,
        headers: HeaderMap,
    ) -> (Arc<Self>, Lane) {
        let seat = Self::default();
        seat.desk.enter();
        let lane = seat.desk.arrive(bytes, media, form, headers);
        (Arc::new(seat), lane)
    }

    /// The connection on which it is served.
    pub(crate) fn connection(self: &Arc<Self>, peer: PeerAddress) -> Connection {
        let (recv, send) = (Box::new(Half(Arc::clone(self))), Box::new(Half(Arc::clone(self))));
        Connection {
            headers: Some(Arc::<Desk>::clone(&self.desk)),
            ..Connection::new(Shape::Exchange, peer, recv, send)
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer to the post, once something of it is there.
    pub(crate) fn poll_answer(&self, lane: Lane, cx: &mut Context<'_>) -> Poll<Found> {
        let mut state = self.lock();
        if state.closed {
            self.desk.give_up();
        }
        match self.desk.take_answer(lane) {
            Some(answer) => Poll::Ready(answer),
            None => {
                let old = keep(&mut state.post, cx.waker());
                drop(state);
                drop(old);
                Poll::Pending
            }
        }
    }

    /// What there is of an answer that has begun; where there is nothing, the next wakes the waker.
    pub(crate) fn take_flowing(&self, lane: Lane, cx: &mut Context<'_>) -> io::Result<Flowing> {
        let mut state = self.lock();
        if state.closed {
            self.desk.give_up();
        }
        let had_room = self.desk.has_room();
        let flowing = self.desk.take_flowing(lane);
        let old = match &flowing {
            Ok(Flowing::Nothing) => keep(&mut state.post, cx.waker()),
            _ => None,
        };
        drop(state);
        drop(old);
        if !had_room {
            self.wake_driver();
        }
        flowing
    }

    /// The post is answered: nothing more will come.
    pub(crate) fn leave(&self) {
        self.desk.leave();
        self.close();
    }

    /// Whoever posted is gone.
    pub(crate) fn hang_up(&self, lane: Lane) {
        self.desk.leave();
        self.desk.hang_up(lane);
        self.close();
    }

    fn close(&self) {
        self.lock().closed = true;
        self.wake_driver();
    }

    fn wake_driver(&self) {
        let driver = self.lock().driver.take();
        driver.into_iter().for_each(Waker::wake);
    }

    fn wake_post(&self) {
        let post = self.lock().post.take();
        post.into_iter().for_each(Waker::wake);
    }
}

impl RecvHalf for Half {
    fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        into: &mut Incoming,
    ) -> Poll<io::Result<Received>> {
        let Self(seat) = self;
        let mut state = seat.lock();
        if seat.desk.take_arrived(into) {
            return Poll::Ready(Ok(Received::Some));
        }
        if state.closed {
            return Poll::Ready(Ok(Received::End));
        }
        let old = keep(&mut state.driver, cx.waker());
        drop(state);
        drop(old);
        Poll::Pending
    }
}

impl SendHalf for Half {
    fn poll_send(&mut self, _cx: &mut Context<'_>, out: &mut Outgoing) -> Poll<io::Result<()>> {
        let Self(seat) = self;
        let mut news = false;
        while seat.desk.has_room()
            && let Some(taken) = out.pop()
        {
            match taken {
                Taken::Frame(frame) => news |= seat.desk.write(frame),
                Taken::Ended(lane, how) => {
                    seat.desk.end(lane, how);
                    news = true;
                }
            }
        }
        if news {
            seat.wake_post();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_close(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.lock().closed = true;
        self.0.wake_post();
        Poll::Ready(Ok(()))
    }
}

impl Drop for Half {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.wake_post();
    }
}

/// Keeps a waker; gives the one it replaces. A waker is code of the runtime, and so is not dropped
/// under a lock.
fn keep(place: &mut Option<Waker>, waker: &Waker) -> Option<Waker> {
    match place {
        Some(kept) if kept.will_wake(waker) => None,
        place => place.replace(waker.clone()),
    }
}
