//! `Handler`: what hyper calls for each request of one connection.

use std::{
    convert::Infallible,
    future::Future,
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::{HeaderMap, HeaderValue, Request, request::Parts};
use hyper::{body::Incoming, service::Service};
use tinyrpc_core::{Lane, Limits};
#[cfg(feature = "ws")]
use tokio::sync::mpsc::UnboundedSender;

use super::{
    Media, Web,
    answer_body::{AnswerBody, Source},
    body::Reading,
    desk::{Desk, Found},
    guard::{Post, Speaks, Verdict, judge},
    respond::{self, Reply},
    web::Site,
};

/// What all connections of a listener have in common.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) web: Web,
    pub(crate) site: Site,
    pub(crate) speaks: Speaks,
    pub(crate) limits: Arc<Limits>,
    /// What a WebSocket may agree on: the names of the protocols that are served.
    #[cfg(feature = "ws")]
    pub(crate) subprotocols: Vec<Arc<str>>,
    /// Where connections are accepted that become WebSockets behind a post.
    #[cfg(feature = "ws")]
    pub(crate) upgraded: Option<UnboundedSender<tinyrpc_core::Accepted>>,
}

#[derive(Debug)]
pub(crate) struct Handler {
    setup: Arc<Setup>,
    desk: Arc<Desk>,
}

impl Handler {
    pub(crate) fn new(setup: Arc<Setup>, desk: Arc<Desk>) -> Self {
        Self { setup, desk }
    }

    fn begin(&self, request: Request<Incoming>) -> Stage {
        let Setup { web, site, speaks, limits, .. } = &*self.setup;
        let (parts, body) = request.into_parts();
        let reply = match judge(&parts, web, site, *speaks) {
            Verdict::Post(post) => match Reading::new(body, limits) {
                Ok(reading) => {
                    return Stage::Reading(Box::new(Read {
                        reading,
                        post,
                        headers: parts.headers,
                    }));
                }
                Err(refusal) => respond::refusal(&refusal),
            },
            Verdict::Upgrade => self.upgrade(parts),
            Verdict::Page(page) => respond::page(page),
            Verdict::Preflight(origin) => respond::preflight(origin),
            Verdict::Refuse(refusal) => respond::refusal(&refusal),
        };
        Stage::Done(Some(reply))
    }

    #[cfg(feature = "ws")]
    fn upgrade(&self, parts: Parts) -> Reply {
        match crate::ws::upgrade(&parts, &self.setup.subprotocols) {
            Ok((reply, chosen)) => {
                self.desk.become_socket(chosen, parts.headers);
                reply
            }
            Err(refusal) => respond::refusal(&refusal),
        }
    }

    #[cfg(not(feature = "ws"))]
    fn upgrade(&self, _parts: Parts) -> Reply {
        respond::refusal(&super::guard::NO_SOCKETS)
    }
}

impl Service<Request<Incoming>> for Handler {
    type Response = Reply;
    type Error = Infallible;
    type Future = Handling;

    fn call(&self, request: Request<Incoming>) -> Handling {
        self.desk.enter();
        Handling { desk: Arc::clone(&self.desk), stage: self.begin(request) }
    }
}

/// One request, from its head to its response.
#[derive(Debug)]
pub(crate) struct Handling {
    desk: Arc<Desk>,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Reading(Box<Read>),
    /// The message was handed over.
    Waiting {
        lane: Lane,
        media: Media,
        origin: Option<HeaderValue>,
    },
    Done(Option<Reply>),
}

/// A request whose body is read.
#[derive(Debug)]
struct Read {
    reading: Reading<Incoming>,
    post: Post,
    headers: HeaderMap,
}

impl Future for Handling {
    type Output = Result<Reply, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { desk, stage } = self.get_mut();
        loop {
            *stage = match stage {
                Stage::Reading(read) => match ready!(read.reading.poll(cx)) {
                    Ok(bytes) => {
                        let media = read.post.media.unwrap_or_else(|| Media::guess(&bytes));
                        let headers = mem::take(&mut read.headers);
                        let lane = desk.arrive(bytes, media, read.post.form, headers);
                        Stage::Waiting { lane, media, origin: read.post.origin.take() }
                    }
                    Err(refusal) => Stage::Done(Some(respond::refusal(&refusal))),
                },
                // Whoever gives the answer polls the connection: no waker is needed.
                Stage::Waiting { lane, media, origin } => match desk.take_answer(*lane) {
                    Some(Found::Whole(answer)) => {
                        Stage::Done(Some(respond::answer(answer, *media, origin.take())))
                    }
                    Some(Found::Begun(form)) => {
                        let body = AnswerBody::stream(Source::Desk(Arc::clone(desk)), *lane);
                        Stage::Done(Some(respond::stream(body, form, origin.take())))
                    }
                    None => return Poll::Pending,
                },
                Stage::Done(reply) => match reply.take() {
                    Some(reply) => return Poll::Ready(Ok(reply)),
                    None => return Poll::Pending,
                },
            };
        }
    }
}

impl Drop for Handling {
    fn drop(&mut self) {
        if let Stage::Waiting { lane, .. } = mem::replace(&mut self.stage, Stage::Done(None)) {
            self.desk.hang_up(lane);
        }
        self.desk.leave();
    }
}
