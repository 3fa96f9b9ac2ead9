//! `Worker`: the task of a server, which consumes requests and publishes answers.

use std::{
    collections::HashMap,
    future::poll_fn,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use futures_util::StreamExt;
use lapin::{
    Confirmation, Consumer,
    options::{
        BasicCancelOptions, BasicConsumeOptions, BasicQosOptions, QueueBindOptions,
        QueueDeclareOptions,
    },
    types::{FieldTable, ShortString},
};
use tinyrpc_core::{Error, Limits, Reason};
use tokio::time::{Sleep, sleep};

use super::{
    hub::Hub,
    job::{Job, What},
    link::{self, Publisher, Subscriber, in_time},
    replies,
    request::Request,
    target::Target,
    within::{self, Kind, Origin},
};
use crate::backoff::Backoff;

/// Consumes and publishes until nobody holds on to the hub.
pub(super) struct Worker {
    hub: Arc<Hub>,
    limits: Arc<Limits>,
    /// When seats are looked through for idle ones.
    sweep: Option<Pin<Box<Sleep>>>,
    /// How many messages of each seat the broker is being told of.
    telling: HashMap<u64, usize>,
    wakers: Vec<Waker>,
}

/// The connections to the broker, for as long as they live.
pub(super) struct Session {
    number: u64,
    subscriber: Subscriber,
    publisher: Publisher<Job>,
    /// The answers to calls of this side.
    answers: Consumer,
    /// The queue of dead letters is there.
    has_dead: bool,
    /// No more is delivered.
    is_cancelled: bool,
}

enum End {
    /// Nobody needs it any more.
    Over,
    /// The connection is lost, or has to be made anew.
    Lost,
    /// A message is to be buried, and there is no place for it.
    NoGrave(Box<Job>),
    /// Nothing more is wanted.
    Cancel,
}

impl Session {
    /// Declares the queue of a target and consumes it.
    pub(super) async fn open(target: &Target, limits: &Limits, number: u64) -> io::Result<Self> {
        let connection = Arc::new(link::open(target, limits, "serves").await?);
        let channel = in_time(limits, connection.create_channel()).await?;
        declare(target, target.queue.clone(), &channel, limits).await?;
        if !target.exchange.as_str().is_empty() {
            let binding = channel.queue_bind(
                target.queue.clone(),
                target.exchange.clone(),
                target.key().clone(),
                QueueBindOptions::default(),
                FieldTable::default(),
            );
            in_time(limits, binding).await?;
        }
        in_time(limits, channel.basic_qos(target.prefetch, BasicQosOptions::default())).await?;
        let publisher = Publisher::open(target, limits, "answers of").await?;
        let consuming = channel.basic_consume(
            target.queue.clone(),
            ShortString::default(),
            BasicConsumeOptions::default(),
            FieldTable::default(),
        );
        let consumer = in_time(limits, consuming).await?;
        // Not over the channel of the requests, which is only good for so many of them.
        let answering = in_time(limits, connection.create_channel()).await?;
        let queue = replies::declare(&answering, limits).await?;
        let answers = replies::consume(&answering, queue, limits).await?;
        let subscriber = Subscriber::new(connection, channel, consumer);
        Ok(Self { number, subscriber, publisher, answers, has_dead: false, is_cancelled: false })
    }

    async fn close(self) {
        self.publisher.close().await;
        self.subscriber.close().await;
    }
}

async fn declare(
    target: &Target,
    queue: ShortString,
    channel: &lapin::Channel,
    limits: &Limits,
) -> io::Result<()> {
    let options = QueueDeclareOptions { durable: target.durable, ..QueueDeclareOptions::default() };
    in_time(limits, channel.queue_declare(queue, options, FieldTable::default())).await.map(drop)
}

impl Worker {
    pub(super) fn new(hub: Arc<Hub>, limits: Arc<Limits>) -> Self {
        Self { hub, limits, sweep: None, telling: HashMap::new(), wakers: Vec::new() }
    }

    pub(super) async fn run(mut self, first: Session) {
        let mut session = first;
        loop {
            let end = poll_fn(|cx| self.turn(&mut session, cx)).await;
            let goes_on = match end {
                End::Over => return session.close().await,
                End::Lost => false,
                End::NoGrave(job) => self.dig(&mut session, *job).await,
                End::Cancel => {
                    let Subscriber { channel, consumer, .. } = &session.subscriber;
                    let tag = consumer.tag();
                    session.is_cancelled = true;
                    let ending = channel.basic_cancel(tag, BasicCancelOptions::default());
                    in_time(&self.limits, ending).await.is_ok()
                }
            };
            if goes_on {
                continue;
            }
            let number = session.number + 1;
            self.abandon(session);
            session = match self.reopen(number).await {
                Some(again) => again,
                None => return,
            };
        }
    }

    /// Makes the queue of dead letters.
    async fn dig(&self, session: &mut Session, job: Job) -> bool {
        let target = &self.hub.target;
        let made = declare(target, target.dead(), &session.subscriber.channel, &self.limits).await;
        session.has_dead = made.is_ok();
        self.hub.lock().put_back(job);
        made.is_ok()
    }

    /// Answers that were on their way to the broker are told again over the next connection; all
    /// else comes again with its message.
    fn abandon(&mut self, session: Session) {
        let mut state = self.hub.lock();
        let lost = Arc::new(io::Error::new(io::ErrorKind::ConnectionReset, "the broker was lost"));
        state.lose_calls(&lost, &mut self.wakers);
        let jobs: Vec<_> = session.publisher.into_unconfirmed().collect();
        for job in jobs.into_iter().rev() {
            match job.what.is_told_again() {
                true => state.put_back(job),
                false => *self.telling.entry(job.seat.unwrap_or(0)).or_default() += 1,
            }
        }
        for (seat, count) in self.telling.drain() {
            state.settled(seat, count, &mut self.wakers);
        }
        state.lose_streams(&mut self.wakers);
        drop(state);
        self.wakers.drain(..).for_each(Waker::wake);
    }

    /// Connects again, however long that takes; `None` once nobody needs it any more.
    async fn reopen(&self, number: u64) -> Option<Session> {
        let mut backoff = Backoff::default();
        loop {
            tokio::select! {
                () = sleep(backoff.next()) => {}
                () = self.over() => return None,
            }
            tokio::select! {
                session = Session::open(&self.hub.target, &self.limits, number) => {
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
            let mut state = self.hub.lock();
            let old = state.wait(cx.waker());
            let over = state.is_over();
            drop(state);
            drop(old);
            if over { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// Does what there is to do; ready at the end of a session, or where something is to be
    /// waited for.
    fn turn(&mut self, session: &mut Session, cx: &mut Context<'_>) -> Poll<End> {
        let end = self.work(session, cx);
        self.wakers.drain(..).for_each(Waker::wake);
        end
    }

    fn work(&mut self, session: &mut Session, cx: &mut Context<'_>) -> Poll<End> {
        let Session { number, subscriber, publisher, answers, .. } = session;
        let mut lost = publisher.poll_lost(cx).is_ready();
        let (mut called, mut failed) = (Vec::new(), Vec::new());
        while called.len() < MESSAGES_PER_TURN && !lost {
            match answers.poll_next_unpin(cx) {
                Poll::Ready(Some(Ok(delivery))) => called.push(delivery),
                Poll::Ready(Some(Err(_)) | None) => lost = true,
                Poll::Pending => break,
            }
        }
        let mut requests = Vec::new();
        while requests.len() < MESSAGES_PER_TURN && !lost {
            match subscriber.poll_delivery(cx) {
                Poll::Ready(Ok(delivery)) => requests.push(Request::new(*number, delivery)),
                // After the end of a consumer that was ended here.
                Poll::Ready(Err(_)) if session.is_cancelled => break,
                Poll::Ready(Err(_)) => lost = true,
                Poll::Pending => break,
            }
        }
        let mut more = requests.len() == MESSAGES_PER_TURN || called.len() == MESSAGES_PER_TURN;
        // Those that are over, and those that are still to be published.
        let (mut over, mut posts, mut returned) = (Vec::new(), Vec::new(), false);
        let (mut gone, mut unsaid) = (Vec::new(), Vec::new());
        while let Poll::Ready((job, confirmed)) = publisher.poll_confirmed(cx) {
            match confirmed {
                Ok(Confirmation::Ack(None)) => over.push(job),
                // Whoever was called reads its queue no more. It comes with whatever confirmation
                // is the next, and not with its own.
                Ok(Confirmation::Ack(Some(message)))
                    if Kind::of(&message.properties) == Kind::Call =>
                {
                    over.push(job);
                    failed.extend(replies::number(&message.properties));
                }
                Ok(Confirmation::Ack(Some(message)))
                    if Kind::of(&message.properties).is_within() =>
                {
                    over.push(job);
                    gone.push(message.delivery.routing_key.clone());
                }
                // The queue of the dead letters or our own is gone: both are made anew. What came
                // back may belong to another one that was confirmed.
                Ok(Confirmation::Ack(Some(_))) => {
                    over.push(job);
                    (lost, returned) = (true, true);
                }
                Ok(_) if job.what.within() > 0 => {
                    unsaid.extend(job.what.key().cloned());
                    over.push(job);
                }
                // The broker could not do it: the message comes again.
                Ok(_) => over.push(Job { what: What::GiveBack, ..job }),
                // What becomes of a call is said where the connection is lost.
                Err(_) if matches!(job.what, What::Call { .. }) => {
                    over.push(job);
                    lost = true;
                }
                Err(_) => {
                    posts.push(job);
                    lost = true;
                }
            }
        }
        lost |= subscriber.poll_settled(cx).is_err();
        let mut state = self.hub.lock();
        let old = state.wait(cx.waker());
        requests.into_iter().for_each(|request| state.deliver(request, &mut self.wakers));
        for delivery in called {
            let origin = Origin::of(&delivery.properties);
            match Kind::of(&delivery.properties) {
                Kind::Up => {
                    let count = within::count(&delivery.properties);
                    state.up(&origin, count, delivery.data.into(), &mut self.wakers);
                }
                Kind::Ping => state.pinged(&origin.reply_to),
                kind @ (Kind::Answer | Kind::Down) => {
                    let place = (within::count(&delivery.properties), kind == Kind::Down);
                    if let Some((call, bytes, hint)) = replies::answer(delivery) {
                        state.called(call, place, bytes, hint, &mut self.wakers);
                    }
                }
                Kind::Call => {}
            }
        }
        for job in over.iter().filter(|job| job.what.within() > 0) {
            state.said(job.seat.unwrap_or(0), job.what.within(), &mut self.wakers);
        }
        gone.iter().for_each(|queue| state.gone(queue, &mut self.wakers));
        unsaid.iter().for_each(|queue| state.unsaid(queue, &mut self.wakers));
        for call in failed {
            let gone = io::Error::new(io::ErrorKind::NotFound, "its queue of answers is gone");
            let error = Error::NotExecuted(Reason::Io(Arc::new(gone)));
            state.fail(call, error, &mut self.wakers);
        }
        if self.sweep.as_mut().is_none_or(|sweep| sweep.as_mut().poll(cx).is_ready()) {
            state.expire(Instant::now(), &mut self.wakers);
            state.ping(&mut self.wakers);
            let mut sweep = Box::pin(sleep((self.limits.idle / 4).max(SHORTEST_SWEEP)));
            more |= sweep.as_mut().poll(cx).is_ready();
            self.sweep = Some(sweep);
        }
        state.set_blocked(lost || publisher.is_blocked());
        if lost {
            posts.drain(..).rev().for_each(|job| state.put_back(job));
        } else {
            let publishes = !publisher.is_blocked();
            while let Some(job) = state.next(publishes) {
                let is_current = job.tag.session == *number;
                match job.what {
                    What::Call { number, .. } => {
                        state.publish(job.seat.unwrap_or(0), number, &mut self.wakers);
                        posts.push(job);
                    }
                    What::Answer { .. }
                    | What::Up { .. }
                    | What::Down { .. }
                    | What::Ping { .. } => posts.push(job),
                    What::Bury { .. } | What::Again { .. } if is_current => posts.push(job),
                    // With the connection its message is delivered again.
                    _ => over.push(job),
                }
            }
        }
        if lost || subscriber.unsettled() == 0 {
            for (seat, count) in self.telling.drain() {
                state.settled(seat, count, &mut self.wakers);
            }
        }
        let is_over = state.is_over() && posts.is_empty() && !state.has_jobs();
        let cancels = !state.is_accepting() && !session.is_cancelled;
        drop(state);
        drop(old);
        let unsure =
            |job: &Job| returned && matches!(job.what, What::Bury { .. } | What::Again { .. });
        let current = over.iter().filter(|job| job.tag.session == *number && !unsure(job));
        subscriber.settle(current.map(|job| (job.tag.number, job.what.settled())), cx);
        for seat in over.iter().filter_map(|job| job.seat) {
            *self.telling.entry(seat).or_default() += 1;
        }
        // What was written already is noted by the next turn.
        more |= !self.telling.is_empty() && subscriber.unsettled() == 0;
        if lost {
            return Poll::Ready(End::Lost);
        }
        let mut posts = posts.into_iter();
        while let Some(job) = posts.next() {
            if matches!(job.what, What::Bury { .. }) && !session.has_dead {
                let mut state = self.hub.lock();
                posts.rev().for_each(|job| state.put_back(job));
                return Poll::Ready(End::NoGrave(Box::new(job)));
            }
            if let Some(post) = job.post(&self.hub.target, &session.answers.queue()) {
                publisher.publish(job, post);
            }
        }
        publisher.begin(cx);
        if is_over && publisher.unconfirmed() == 0 && subscriber.unsettled() == 0 {
            return Poll::Ready(End::Over);
        }
        if cancels {
            return Poll::Ready(End::Cancel);
        }
        if more {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

/// Requests that are taken before answers have their turn.
const MESSAGES_PER_TURN: usize = 256;
/// Between two looks at idle seats, however short they may be idle.
const SHORTEST_SWEEP: Duration = Duration::from_millis(100);
