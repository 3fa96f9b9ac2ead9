//! What our side does: it sends each message back as it came.

use std::{future::poll_fn, task::Poll};

use tinyrpc::transports::{Arrived, Connection, Frame, Incoming, Outgoing, Received};

/// Sends every message back, until the peer closes or breaks the rules.
pub(crate) async fn echo(connection: Connection) {
    answer(connection, |_| true).await;
}

/// The only message of a peer, as text.
pub(crate) async fn text(connection: Connection) -> String {
    let mut heard = Vec::new();
    answer(connection, |frame| {
        heard.extend_from_slice(&frame.bytes);
        false
    })
    .await;
    String::from_utf8(heard).expect("text")
}

/// Sends back what `wanted` says so of.
async fn answer(connection: Connection, mut wanted: impl FnMut(&Frame) -> bool) {
    let Connection { shape, mut recv, mut send, .. } = connection;
    let (mut incoming, mut outgoing) = (Incoming::new(), Outgoing::new(shape));
    let ended = poll_fn(|cx| {
        loop {
            let received = recv.poll_recv(cx, &mut incoming);
            while let Some(arrived) = incoming.pop() {
                if let Arrived::Frame(frame) = arrived
                    && wanted(&frame)
                {
                    outgoing.push(frame);
                }
            }
            if let Poll::Ready(Err(error)) = send.poll_send(cx, &mut outgoing) {
                return Poll::Ready(Err(error));
            }
            match received {
                Poll::Ready(Ok(Received::Some)) => {}
                Poll::Ready(Ok(Received::End)) => return Poll::Ready(Ok(())),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
    });
    // What the peers of this suite do wrong is theirs to judge.
    if ended.await.is_ok() {
        _ = poll_fn(|cx| send.poll_close(cx)).await;
    }
}
