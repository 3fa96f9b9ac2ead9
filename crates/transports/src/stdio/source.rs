//! `Source`: reads what can only be read by waiting, in a thread of its own.

use std::{
    io::{self, Read},
    task::{Context, Poll, ready},
    thread,
};

use bytes::{Bytes, BytesMut};
use tinyrpc_core::{Incoming, Received, RecvHalf};
use tokio::sync::mpsc;

/// The receiving half.
#[derive(Debug)]
pub(super) struct Source {
    blocks: mpsc::Receiver<io::Result<Bytes>>,
}

impl Source {
    /// Begins to read. The thread ends at the end of what it reads; after this half is dropped it
    /// reads once more at most.
    pub(super) fn read(mut from: impl Read + Send + 'static) -> io::Result<Self> {
        let (read, blocks) = mpsc::channel(AHEAD);
        thread::Builder::new().name("tinyrpc-input".into()).spawn(move || {
            let mut buffer = BytesMut::zeroed(BLOCK);
            loop {
                let block = match from.read(&mut buffer) {
                    Ok(0) => return,
                    Ok(count) => {
                        Ok(Bytes::copy_from_slice(buffer.get(..count).unwrap_or_default()))
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) => Err(error),
                };
                let failed = block.is_err();
                if read.blocking_send(block).is_err() || failed {
                    return;
                }
            }
        })?;
        Ok(Self { blocks })
    }
}

impl RecvHalf for Source {
    fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        into: &mut Incoming,
    ) -> Poll<io::Result<Received>> {
        let Some(block) = ready!(self.blocks.poll_recv(cx)) else {
            return Poll::Ready(Ok(Received::End));
        };
        into.buffer().extend_from_slice(&block?);
        Poll::Ready(Ok(Received::Some))
    }
}

/// As much as a pipe holds.
const BLOCK: usize = 64 << 10;
/// Blocks that are read before they are asked for.
const AHEAD: usize = 1;
