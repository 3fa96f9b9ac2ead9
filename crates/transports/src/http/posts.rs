//! `Posts`: the calling side of exchanges over HTTP: a post for each message.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use futures_util::stream::{AbortHandle, Abortable, FuturesUnordered, Stream};
use http::{HeaderMap, HeaderValue, Method, Request, Uri, header};
use http_body_util::Full;
use tinyrpc_core::{
    Connection, Ended, Error, Frame, Hint, Incoming, Lane, Limits, Outgoing, PeerAddress, Received,
    RecvHalf, SendHalf, Shape, Taken,
};

use super::{Media, client::Pool, outcome};

/// Posts in flight, each on a lane of its own.
pub(crate) struct Posts {
    pool: Pool,
    uri: Uri,
    headers: HeaderMap,
    max_message: usize,
    running: FuturesUnordered<Abortable<Post>>,
    aborts: Vec<(Lane, AbortHandle)>,
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
            running: FuturesUnordered::new(),
            aborts: Vec::new(),
        }
    }

    /// The connection that these posts are.
    pub(crate) fn connection(self, peer: PeerAddress) -> Connection {
        let posts = Arc::new(Mutex::new(self));
        let (recv, send) = (Box::new(Half(Arc::clone(&posts))), Box::new(Half(posts)));
        Connection::new(Shape::Exchange, peer, recv, send)
    }

    /// Posts a message.
    fn begin(&mut self, Frame { lane, bytes, hint, .. }: Frame) {
        let media = if hint == Hint::Binary { Media::MsgPack } else { Media::Json };
        let mut request = Request::new(Full::new(bytes));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        let headers = request.headers_mut();
        headers.insert(header::CONTENT_TYPE, media.header());
        headers.insert(header::ACCEPT, media.header());
        headers.insert(header::USER_AGENT, HeaderValue::from_static("tinyrpc"));
        // A header of the user's own stands in place of ours.
        headers.extend(self.headers.clone());
        let (answer, max) = (self.pool.request(request), self.max_message);
        let post: Post = Box::pin(async move {
            let outcome = match answer.await {
                Ok(response) => outcome::read(response, media, max).await,
                Err(error) => Err(outcome::failed(&error)),
            };
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
        let index = self.aborts.iter().position(|(known, _)| *known == lane)?;
        Some(self.aborts.swap_remove(index).1)
    }

    /// Collects the answers that came; true where there is something for the session.
    fn poll(&mut self, cx: &mut Context<'_>, into: &mut Incoming) -> bool {
        let mut any = false;
        while let Poll::Ready(Some(done)) = Pin::new(&mut self.running).poll_next(cx) {
            let Ok((lane, outcome)) = done else { continue };
            self.forget(lane);
            any = true;
            match outcome {
                Ok(Some(frame)) => into.push(frame),
                Ok(None) => into.close_lane(lane),
                Err(error) => into.fail_lane(lane, error),
            }
        }
        any
    }
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
                Taken::Ended(lane, Ended::Abandoned) => posts.abandon(lane),
                Taken::Ended(..) => {}
            }
        }
        if begun {
            // The receiving half polls them for the first time.
            cx.waker().wake_by_ref();
        }
        Poll::Ready(Ok(()))
    }
}
