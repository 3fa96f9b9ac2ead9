//! `Caller`: the task of a client's connection, which publishes requests and consumes answers.

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use lapin::{
    BasicProperties, Confirmation,
    message::BasicReturnMessage,
    options::QueueBindOptions,
    types::{FieldTable, ShortString},
};
use tinyrpc_core::{Connection, Error, Lane, Limits, PeerAddress, Reason};
use tokio::time::{Sleep, sleep};

use super::{
    client::{Desk, Message, To},
    link::{self, Post, Publisher, Subscriber, in_time},
    media, replies,
    target::{Reply, Target},
    within::{self, Kind, Origin},
};
use crate::backoff::{Backoff, random};

/// What publishes and consumes, until the connection that it serves is gone.
struct Caller {
    target: Target,
    limits: Arc<Limits>,
    desk: Arc<Desk>,
    /// No other connection has it.
    prefix: String,
    /// When whoever is at the other end of a stream is asked whether it is there.
    ping: Option<Pin<Box<Sleep>>>,
}

/// The connections to the broker, for as long as they live.
struct Session {
    subscriber: Subscriber,
    publisher: Publisher<Lane>,
    reply_to: ShortString,
}

/// Connects to the broker of a target.
pub(super) async fn connect(target: &Target, limits: &Arc<Limits>) -> io::Result<Connection> {
    let session = Session::open(target, limits).await?;
    let desk = Arc::new(Desk::default());
    let peer = PeerAddress::Other(target.address().into());
    let connection = desk.connection(peer);
    let prefix = format!("{:016x}{:016x}", random(), random());
    let (target, limits) = (target.clone(), Arc::clone(limits));
    let caller = Caller { target, limits, desk, prefix, ping: None };
    tokio::spawn(caller.run(session));
    Ok(connection)
}

impl Session {
    async fn open(target: &Target, limits: &Limits) -> io::Result<Self> {
        let connection = Arc::new(link::open(target, limits, "answers to calls of").await?);
        let channel = in_time(limits, connection.create_channel()).await?;
        let reply_to = match target.reply {
            Reply::Direct => ShortString::from(replies::DIRECT),
            Reply::Queue => replies::declare(&channel, limits).await?,
        };
        if target.reply == Reply::Queue && !target.exchange.as_str().is_empty() {
            // Python tinyrpc sends its answers through the exchange by which requests come.
            let binding = channel.queue_bind(
                reply_to.clone(),
                target.exchange.clone(),
                reply_to.clone(),
                QueueBindOptions::default(),
                FieldTable::default(),
            );
            in_time(limits, binding).await?;
        }
        let consumer = replies::consume(&channel, reply_to.clone(), limits).await?;
        let publisher = match target.reply {
            Reply::Queue => Publisher::open(target, limits, "calls of").await?,
            // Such an answer comes back on the channel of its request alone.
            Reply::Direct => {
                Publisher::over(Arc::clone(&connection), channel.clone(), limits).await?
            }
        };
        let subscriber = Subscriber::new(connection, channel, consumer);
        Ok(Self { subscriber, publisher, reply_to })
    }

    async fn close(self) {
        self.publisher.close().await;
        self.subscriber.close().await;
    }
}

/// How a session ended.
enum End {
    /// Nobody needs it any more.
    Over,
    Lost(io::Error),
}

impl Caller {
    async fn run(mut self, first: Session) {
        let mut session = first;
        loop {
            let end = poll_fn(|cx| self.turn(&mut session, cx)).await;
            let error = match end {
                End::Over => return session.close().await,
                End::Lost(error) => Arc::new(error),
            };
            self.lose(&error);
            drop(session);
            session = match self.reopen().await {
                Some(again) => again,
                None => return,
            };
        }
    }

    /// Nothing is published any more until there is another session.
    fn lose(&self, error: &Arc<io::Error>) {
        let mut wakers = Vec::new();
        let mut state = self.desk.lock();
        state.lose(error);
        state.wakers(&mut wakers);
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Connects again, however long that takes; `None` once nobody needs it any more.
    async fn reopen(&self) -> Option<Session> {
        let mut backoff = Backoff::default();
        loop {
            tokio::select! {
                () = sleep(backoff.next()) => {}
                () = self.over() => return None,
            }
            tokio::select! {
                session = Session::open(&self.target, &self.limits) => {
                    if let Ok(session) = session {
                        return Some(session);
                    }
                }
                () = self.over() => return None,
            }
        }
    }

    async fn over(&self) {
        poll_fn(|cx| {
            let mut state = self.desk.lock();
            let old = state.wait(cx.waker());
            let over = state.is_over();
            drop(state);
            drop(old);
            if over { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// Does what there is to do; ready at the end of a session.
    fn turn(&mut self, session: &mut Session, cx: &mut Context<'_>) -> Poll<End> {
        let mut wakers = Vec::new();
        let end = self.work(session, cx, &mut wakers);
        wakers.into_iter().for_each(Waker::wake);
        end
    }

    fn work(
        &mut self,
        session: &mut Session,
        cx: &mut Context<'_>,
        wakers: &mut Vec<Waker>,
    ) -> Poll<End> {
        let Session { subscriber, publisher, reply_to } = session;
        let mut lost = None;
        let mut arrived = Vec::new();
        while arrived.len() < MESSAGES_PER_TURN && lost.is_none() {
            match subscriber.poll_delivery(cx) {
                Poll::Ready(Ok(delivery)) => arrived.push(delivery),
                Poll::Ready(Err(error)) => lost = Some(error),
                Poll::Pending => break,
            }
        }
        if lost.is_none()
            && let Poll::Ready(error) = publisher.poll_lost(cx)
        {
            lost = Some(error);
        }
        let more = arrived.len() == MESSAGES_PER_TURN;
        let mut confirmed = 0;
        let (mut failed, mut gone) = (Vec::new(), Vec::new());
        while let Poll::Ready((lane, outcome)) = publisher.poll_confirmed(cx) {
            confirmed += 1;
            match outcome {
                Ok(Confirmation::Ack(None) | Confirmation::NotRequested) => {}
                Ok(Confirmation::Nack(None)) => {
                    let why = io::Error::other("the broker refused the message");
                    failed.push((lane, Error::Unknown(Reason::Io(Arc::new(why)))));
                }
                // It comes with whatever confirmation is the next, and not with its own.
                Ok(Confirmation::Ack(Some(message)) | Confirmation::Nack(Some(message)))
                    if Kind::of(&message.properties).is_within() =>
                {
                    gone.push(message.delivery.routing_key.clone());
                }
                Ok(Confirmation::Ack(Some(message)) | Confirmation::Nack(Some(message))) => {
                    let unroutable = unroutable(&self.target, &message);
                    failed.extend(
                        replies::number(&message.properties).map(|lane| (Lane(lane), unroutable)),
                    );
                }
                // What becomes of it is said where the connection is lost.
                Err(error) => lost = lost.or_else(|| Some(link::failed(error))),
            }
        }
        let is_open = lost.is_none() && !publisher.is_blocked();
        let mut posts = Vec::new();
        let desk = Arc::clone(&self.desk);
        let mut state = desk.lock();
        let old = state.wait(cx.waker());
        for delivery in arrived {
            let properties = &delivery.properties;
            let origin = Origin::of(properties);
            match Kind::of(properties) {
                Kind::Call => {
                    let hint = within::opening(properties);
                    state.called(origin, delivery.data.into(), hint);
                }
                Kind::Up => {
                    let count = within::count(properties);
                    state.up(&origin, count, delivery.data.into());
                }
                Kind::Down => {
                    if let Some(number) = replies::number(properties) {
                        let (lane, count) = (Lane(number), within::count(properties));
                        state.down(lane, origin.reply_to, count, delivery.data.into());
                    }
                }
                Kind::Ping => {}
                Kind::Answer => {
                    let count = within::count(properties);
                    if let Some((number, bytes, hint)) = replies::answer(delivery) {
                        state.answer(Lane(number), count, bytes, hint);
                    }
                }
            }
        }
        gone.iter().for_each(|queue| state.gone(queue));
        if state.is_streaming() && is_open {
            self.poll_ping(cx).then(|| state.ping());
        } else {
            self.ping = None;
        }
        state.unconfirmed = state.unconfirmed.saturating_sub(confirmed);
        failed.into_iter().for_each(|(lane, error)| state.fail(lane, error));
        state.is_open = is_open;
        if is_open {
            let room = MOST_UNCONFIRMED.saturating_sub(publisher.unconfirmed());
            posts.extend(std::iter::from_fn(|| state.next()).take(room));
        }
        state.wakers(wakers);
        let over = state.is_over() && state.is_flushed();
        drop(state);
        drop(old);
        if let Some(error) = lost {
            return Poll::Ready(End::Lost(error));
        }
        if over {
            return Poll::Ready(End::Over);
        }
        for message in posts {
            let (lane, post) = self.post(message, reply_to);
            publisher.publish(lane, post);
        }
        publisher.begin(cx);
        if more {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// True when it is time to ask.
    fn poll_ping(&mut self, cx: &mut Context<'_>) -> bool {
        let pause = match self.limits.heartbeat {
            // A server cannot ask whoever reads no queue, and waits for a sign of life.
            pause if self.target.reply == Reply::Direct => match pause.is_zero() {
                true => LONGEST_SILENCE,
                false => pause.min(LONGEST_SILENCE),
            },
            Duration::ZERO => return false,
            pause => pause,
        };
        let ping = self.ping.get_or_insert_with(|| Box::pin(sleep(pause)));
        let is_due = ping.as_mut().poll(cx).is_ready();
        if is_due {
            let mut next = Box::pin(sleep(pause));
            if next.as_mut().poll(cx).is_ready() {
                cx.waker().wake_by_ref();
            }
            self.ping = Some(next);
        }
        is_due
    }

    fn post(&self, message: Message, own: &ShortString) -> (Lane, Post) {
        let Message { lane, bytes, hint, to } = message;
        let number = || ShortString::from(lane.0.to_string());
        let (key, mandatory, properties) = match to {
            To::Service(streams) => {
                let properties: BasicProperties = self
                    .target
                    .properties()
                    .with_reply_to(own.clone())
                    .with_correlation_id(number())
                    .with_message_id(format!("{}-{}", self.prefix, lane.0).into());
                let properties = media::named(properties, hint);
                let post = Post {
                    exchange: self.target.exchange.clone(),
                    key: self.target.key().clone(),
                    mandatory: true,
                    body: bytes,
                    properties: if streams { within::marked(properties) } else { properties },
                };
                return (lane, post);
            }
            To::Answer(Origin { reply_to, correlation }, count) => {
                let properties = BasicProperties::default().with_correlation_id(correlation);
                (reply_to, false, within::counted(media::named(properties, hint), count))
            }
            To::Down(Origin { reply_to, correlation }, count) => {
                let properties = within::properties(Kind::Down, own, correlation, hint);
                (reply_to, true, within::counted(properties, count))
            }
            To::Up(queue, count) => {
                let properties = within::properties(Kind::Up, own, number(), hint);
                (queue, true, within::counted(properties, count))
            }
            To::Ping(queue) => {
                let nothing = ShortString::default();
                (queue, true, within::properties(Kind::Ping, own, nothing, hint))
            }
        };
        (lane, Post { exchange: ShortString::default(), key, mandatory, body: bytes, properties })
    }
}

/// There is no queue for it: nobody has executed it, and nobody will.
fn unroutable(target: &Target, message: &BasicReturnMessage) -> Error {
    let words =
        format!("no queue of the broker takes it: {} ({})", message.reply_text, target.address());
    Error::NotExecuted(Reason::Io(Arc::new(io::Error::new(io::ErrorKind::NotFound, words))))
}

/// Answers that are taken before requests have their turn.
const MESSAGES_PER_TURN: usize = 256;
/// How long a client that reads no queue leaves a server of its streams without a sign of life.
const LONGEST_SILENCE: Duration = Duration::from_secs(15);
/// Messages that the broker has not confirmed: more would only wait in its buffers, where nobody
/// can take them back.
const MOST_UNCONFIRMED: usize = 1024;
