//! `Posts`: the calling side of exchanges over HTTP: a post for each message.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use futures_util::stream::{AbortHandle, Abortable, FuturesUnordered, Stream};
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri, header};
use http_body_util::Full;
use hyper::body::Incoming as Body;
use tinyrpc_core::{
    Connection, Ended, Error, Frame, Hint, Incoming, Lane, Limits, Outgoing, PeerAddress, Received,
    RecvHalf, SendHalf, Shape, Taken,
};

use super::{
    Media,
    client::Pool,
    form::{self, Form},
    lines::Lines,
    outcome,
};

/// Posts in flight, each on a lane of its own.
pub(crate) struct Posts {
    pool: Pool,
    uri: Uri,
    headers: HeaderMap,
    max_message: usize,
    /// What may be unread of one stream, in bytes.
    unread: usize,
    running: FuturesUnordered<Abortable<Post>>,
    aborts: Vec<(Lane, AbortHandle)>,
    /// Those whose answer may be a stream.
    streams: Vec<Arc<Lines>>,
}

type Post = Pin<Box<dyn Future<Output = (Lane, Result<Option<Frame>, Error>)> + Send>>;

/// One task polls both halves, so the lock is never waited for.
struct Half(Arc<Mutex<Posts>>);

impl Posts {
    pub(crate) fn new(pool: Pool, uri: Uri, headers: &HeaderMap, limits: &Limits) -> Self {
        Self {
            pool,
            uri,
            headers: headers.clone(),
            max_message: limits.max_message,
            unread: limits.stream_bytes / 2,
            running: FuturesUnordered::new(),
            aborts: Vec::new(),
            streams: Vec::new(),
        }
    }

    /// The connection that these posts are.
    pub(crate) fn connection(self, peer: PeerAddress) -> Connection {
        let posts = Arc::new(Mutex::new(self));
        let (recv, send) = (Box::new(Half(Arc::clone(&posts))), Box::new(Half(posts)));
        Connection { takes_streams: true, ..Connection::new(Shape::Exchange, peer, recv, send) }
    }

    /// Posts a message.
    fn begin(&mut self, Frame { lane, bytes, hint, .. }: Frame) {
        let media = if hint == Hint::Binary { Media::MsgPack } else { Media::Json };
        let mut request = Request::new(Full::new(bytes));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        let headers = request.headers_mut();
        headers.insert(header::CONTENT_TYPE, media.header());
        let streams = hint == Hint::Streams;
        headers.insert(header::ACCEPT, if streams { form::ACCEPT } else { media.header() });
        headers.insert(header::USER_AGENT, HeaderValue::from_static("tinyrpc"));
        // A header of the user's own stands in place of ours.
        headers.extend(self.headers.clone());
        let (answer, max) = (self.pool.request(request), self.max_message);
        let lines = streams.then(|| Lines::new(lane, self.unread));
        self.streams.extend(lines.clone());
        let post: Post = Box::pin(async move {
            let outcome = match (answer.await, lines) {
                (Ok(response), Some(lines)) if is_stream(&response) => {
                    lines.read(response.into_body(), max).await.map(|()| None)
                }
                (Ok(response), _) => outcome::read(response, media, max).await,
                (Err(error), _) => Err(outcome::failed(&error)),
            };
            let hint = if streams { Hint::Text } else { hint };
            (lane, outcome.map(|body| body.map(|bytes| Frame { lane, bytes, hint })))
        });
        let (abort, registration) = AbortHandle::new_pair();
        self.running.push(Abortable::new(post, registration));
        self.aborts.push((lane, abort));
    }

    /// Breaks a post off: its connection is closed, by which the server learns of it.
    fn abandon(&mut self, lane: Lane) {
        if let Some(abort) = self.forget(lane) {
            abort.abort();
        }
    }

    fn forget(&mut self, lane: Lane) -> Option<AbortHandle> {
        self.streams.retain(|lines| lines.lane() != lane);
        let index = self.aborts.iter().position(|(known, _)| *known == lane)?;
        Some(self.aborts.swap_remove(index).1)
    }

    /// Collects the answers that came; true where there is something for the session.
    fn poll(&mut self, cx: &mut Context<'_>, into: &mut Incoming) -> bool {
        let mut any = false;
        loop {
            let next = Pin::new(&mut self.running).poll_next(cx);
            for frame in self.streams.iter().flat_map(|lines| lines.take()) {
                any = true;
                into.push(frame);
            }
            let Poll::Ready(Some(done)) = next else { return any };
            let Ok((lane, outcome)) = done else { continue };
            self.forget(lane);
            any = true;
            match outcome {
                Ok(Some(frame)) => into.push(frame),
                Ok(None) => into.close_lane(lane),
                Err(error) => into.fail_lane(lane, error),
            }
        }
    }
}

/// True where a response is one message a line.
fn is_stream(response: &Response<Body>) -> bool {
    response.status().is_success() && Form::is_lines(response.headers())
}

impl Half {
    fn lock(&self) -> MutexGuard<'_, Posts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RecvHalf for Half {
    fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        into: &mut Incoming,
    ) -> Poll<io::Result<Received>> {
        // It never ends: a server that is gone now may be there for the next post.
        match self.lock().poll(cx, into) {
            true => Poll::Ready(Ok(Received::Some)),
            false => Poll::Pending,
        }
    }
}

impl SendHalf for Half {
    fn poll_send(&mut self, cx: &mut Context<'_>, out: &mut Outgoing) -> Poll<io::Result<()>> {
        let mut posts = self.lock();
        let mut begun = false;
        while let Some(taken) = out.pop() {
            match taken {
                Taken::Frame(frame) => {
                    posts.begin(frame);
                    begun = true;
                }
                Taken::Ended(lane, Ended::Abandoned | Ended::Failed) => posts.abandon(lane),
                Taken::Ended(lane, _) => {
                    let lines = posts.streams.iter().find(|lines| lines.lane() == lane);
                    lines.inspect(|lines| lines.set_answered());
                }
            }
        }
        if begun {
            // The receiving half polls them for the first time.
            cx.waker().wake_by_ref();
        }
        Poll::Ready(Ok(()))
    }
}
