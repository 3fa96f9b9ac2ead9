//! `Mounted`: one request to a mounted service, from its head to its response.

use std::{
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, StatusCode, request::Parts};
use http_body_util::combinators::UnsyncBoxBody;
use hyper::upgrade::{self, OnUpgrade};
use tinyrpc_core::{Accepted, Lane, PeerAddress};
use tokio::sync::mpsc::UnboundedSender;

use super::{
    Media,
    answer_body::{AnswerBody, Source},
    body::Reading,
    desk::Found,
    guard::{Post, Refusal, Verdict, judge},
    handler::Setup,
    respond::{self, Reply},
    seat::Seat,
};

/// What all clones of a service have in common.
pub(crate) struct Shared {
    pub(crate) setup: Setup,
    /// Where new connections are accepted.
    pub(crate) accept: UnboundedSender<Accepted>,
}

pub(crate) struct Mounted {
    shared: Arc<Shared>,
    stage: Stage,
}

enum Stage {
    Reading(Box<Read>),
    Waiting(Waiting),
    Done(Option<Reply>),
}

/// A post whose body is read.
struct Read {
    reading: Reading<BoxedBody>,
    post: Post,
    headers: HeaderMap,
    peer: PeerAddress,
}

/// A post that was handed over.
struct Waiting {
    seat: Arc<Seat>,
    lane: Lane,
    media: Media,
    origin: Option<HeaderValue>,
}

impl Shared {
    /// Has a connection accepted; false where nobody does any more.
    pub(crate) fn accept(&self, accepted: Accepted) -> bool {
        self.accept.send(accepted).is_ok()
    }
}

impl Mounted {
    pub(crate) fn new(shared: Arc<Shared>, request: Request<BoxedBody>) -> Self {
        let stage = begin(&shared, request);
        Self { shared, stage }
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Reply> {
        loop {
            self.stage = match &mut self.stage {
                Stage::Reading(read) => match ready!(read.reading.poll(cx)) {
                    Ok(bytes) => sit_down(&self.shared, read, bytes),
                    Err(refusal) => Stage::Done(Some(respond::refusal(&refusal))),
                },
                Stage::Waiting(Waiting { seat, lane, media, origin }) => {
                    let reply = match ready!(seat.poll_answer(*lane, cx)) {
                        Found::Whole(answer) => {
                            seat.leave();
                            respond::answer(answer, *media, origin.take())
                        }
                        Found::Begun(form) => {
                            let body = AnswerBody::stream(Source::Seat(Arc::clone(seat)), *lane);
                            respond::stream(body, form, origin.take())
                        }
                    };
                    Stage::Done(Some(reply))
                }
                Stage::Done(reply) => match reply.take() {
                    Some(reply) => return Poll::Ready(reply),
                    None => return Poll::Pending,
                },
            };
        }
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        if let Stage::Waiting(Waiting { seat, lane, .. }) = &self.stage {
            seat.hang_up(*lane);
        }
    }
}

fn begin(shared: &Arc<Shared>, mut request: Request<BoxedBody>) -> Stage {
    let hands_over = request.extensions().get::<OnUpgrade>().is_some();
    let upgrade = hands_over.then(|| upgrade::on(&mut request));
    let (parts, body) = request.into_parts();
    let setup = &shared.setup;
    let reply = match judge(&parts, &setup.web, &setup.site, setup.speaks) {
        Verdict::Post(post) => match Reading::new(body, &setup.limits) {
            Ok(reading) => {
                let (peer, headers) = (peer(&parts), parts.headers);
                return Stage::Reading(Box::new(Read { reading, post, headers, peer }));
            }
            Err(refusal) => respond::refusal(&refusal),
        },
        Verdict::Upgrade => upgraded(shared, parts, upgrade),
        Verdict::Page(page) => respond::page(page),
        Verdict::Preflight(origin) => respond::preflight(origin),
        Verdict::Refuse(refusal) => respond::refusal(&refusal),
    };
    Stage::Done(Some(reply))
}

fn sit_down(shared: &Shared, read: &mut Read, bytes: Bytes) -> Stage {
    let media = read.post.media.unwrap_or_else(|| Media::guess(&bytes));
    let (seat, lane) = Seat::take(bytes, media, read.post.form, std::mem::take(&mut read.headers));
    if !shared.accept(seat.connection(read.peer.clone()).into()) {
        return Stage::Done(Some(respond::refusal(&SHUT_DOWN)));
    }
    Stage::Waiting(Waiting { seat, lane, media, origin: read.post.origin.take() })
}

/// Who asks, where the server around says so.
fn peer(parts: &Parts) -> PeerAddress {
    let unknown = || PeerAddress::Other("a peer of the server around".into());
    parts.extensions.get().cloned().unwrap_or_else(unknown)
}

#[cfg(not(feature = "ws"))]
fn upgraded(_: &Shared, _: Parts, _: Option<OnUpgrade>) -> Reply {
    respond::refusal(&super::guard::NO_SOCKETS)
}

#[cfg(feature = "ws")]
fn upgraded(shared: &Shared, parts: Parts, upgrade: Option<OnUpgrade>) -> Reply {
    use tinyrpc_core::Opening;

    let Some(upgrade) = upgrade else { return respond::refusal(&KEPT) };
    let (reply, subprotocol) = match crate::ws::upgrade(&parts, &shared.setup.subprotocols) {
        Ok(agreed) => agreed,
        Err(refusal) => return respond::refusal(&refusal),
    };
    let peer = peer(&parts);
    let limits = Arc::clone(&shared.setup.limits);
    let opening = super::socket::mounted(upgrade, peer.clone(), subprotocol, parts.headers, limits);
    match shared.accept(Accepted::Opening(Opening::new(peer, opening))) {
        true => reply,
        false => respond::refusal(&SHUT_DOWN),
    }
}

/// The body of any server, with errors that nobody reads.
pub(crate) type BoxedBody = UnsyncBoxBody<Bytes, ()>;

const SHUT_DOWN: Refusal = Refusal {
    status: StatusCode::SERVICE_UNAVAILABLE,
    words: "the service has shut down: nothing was executed",
    allow: None,
};
#[cfg(feature = "ws")]
const KEPT: Refusal = Refusal {
    status: StatusCode::NOT_IMPLEMENTED,
    words: "the server around this service does not hand connections over: no WebSocket is spoken",
    allow: None,
};
