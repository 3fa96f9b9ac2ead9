//! `Lines`: the answer to a post as a stream, one message a line.

use std::{
    future::poll_fn,
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    task::Poll,
};

use bytes::{Buf, Bytes, BytesMut};
use futures_util::task::AtomicWaker;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tinyrpc_core::{Error, Frame, Hint, Lane, LimitReached, Reason};

/// One answer that streams, as its reader and the half that hands it over share it.
///
/// A line counts as unread for as long as its bytes are alive, and no more is read from the body
/// while that many are: the server is held up by its socket, and no other post.
#[derive(Debug)]
pub(crate) struct Lines {
    lane: Lane,
    most: usize,
    unread: AtomicUsize,
    /// Nothing is wanted behind the response.
    is_answered: AtomicBool,
    reader: AtomicWaker,
    /// Lines for the session, in their order.
    came: Mutex<Vec<Bytes>>,
}

/// The bytes of one line.
struct Line {
    bytes: Bytes,
    lines: Arc<Lines>,
}

impl AsRef<[u8]> for Line {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.lines.unread.fetch_sub(self.bytes.len() + OVERHEAD, SeqCst);
        self.lines.reader.wake();
    }
}

impl Lines {
    /// Of which `most` bytes may be unread before no more is taken from the body.
    pub(crate) fn new(lane: Lane, most: usize) -> Arc<Self> {
        Arc::new(Self {
            lane,
            most,
            unread: AtomicUsize::new(0),
            is_answered: AtomicBool::new(false),
            reader: AtomicWaker::new(),
            came: Mutex::default(),
        })
    }

    pub(crate) fn lane(&self) -> Lane {
        self.lane
    }

    /// The response has come: what stands behind it is not read.
    pub(crate) fn set_answered(&self) {
        self.is_answered.store(true, SeqCst);
        self.reader.wake();
    }

    /// Takes the lines that came as messages.
    pub(crate) fn take(&self) -> impl Iterator<Item = Frame> {
        let came = std::mem::take(&mut *self.came.lock().unwrap_or_else(PoisonError::into_inner));
        let lane = self.lane;
        came.into_iter().map(move |bytes| Frame { lane, bytes, hint: Hint::Within })
    }

    /// Reads a body to its end; a line has `max` bytes at most.
    ///
    /// # Errors
    ///
    /// The body is broken off, or a line is too long.
    pub(crate) async fn read(self: Arc<Self>, mut body: Incoming, max: usize) -> Result<(), Error> {
        let mut rest = BytesMut::new();
        // How much of it is known to have no end of a line.
        let mut searched = 0;
        loop {
            let end = |rest: &[u8]| rest.iter().position(|byte| *byte == b'\n');
            while let Some(end) = end(rest.get(searched..).unwrap_or_default()) {
                let line = rest.split_to(searched + end).freeze();
                rest.advance(1);
                searched = 0;
                if line.len() > max {
                    return Err(too_long(max));
                }
                self.push(line).await;
            }
            searched = rest.len();
            if searched > max {
                return Err(too_long(max));
            }
            let Some(frame) = body.frame().await else { break };
            let broken = |error| Error::Unknown(Reason::Io(Arc::new(io::Error::other(error))));
            // Trailers say nothing to us.
            let Ok(bytes) = frame.map_err(broken)?.into_data() else { continue };
            if self.is_answered.load(SeqCst) {
                return Ok(());
            }
            rest.extend_from_slice(&bytes);
        }
        // Who forgets the last end of a line has still said it.
        self.push(rest.freeze()).await;
        Ok(())
    }

    /// Hands a line over, once there is room for it.
    async fn push(self: &Arc<Self>, bytes: Bytes) {
        if bytes.trim_ascii().is_empty() {
            return;
        }
        poll_fn(|cx| {
            self.reader.register(cx.waker());
            let has_room = self.unread.load(SeqCst) < self.most;
            if has_room || self.is_answered.load(SeqCst) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        self.unread.fetch_add(bytes.len() + OVERHEAD, SeqCst);
        // A block of its own: a value that is kept must not keep its neighbours.
        let bytes = Bytes::copy_from_slice(&bytes);
        let line = Bytes::from_owner(Line { bytes, lines: Arc::clone(self) });
        self.came.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }
}

fn too_long(max: usize) -> Error {
    Error::Unknown(Reason::Limit(LimitReached { name: "max_message", limit: max as u64 }))
}

/// What a line costs beside its bytes, so that a million empty values are not free.
const OVERHEAD: usize = 64;
