//! `Dialled`: a listener whose connections are made, and not accepted: a worker, which connects to
//! a client that waits for it.

use std::{
    io,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use async_trait::async_trait;
use tinyrpc_core::{Accepted, Connection, Connector, Listener, Outgoing, Runtime, SendHalf};
use tokio::sync::oneshot;

use crate::{Backoff, attempt::attempt, backoff::Failures};

/// Connects, and when that connection has ended or none came of it, connects again.
pub(super) struct Dialled {
    connector: Arc<dyn Connector>,
    runtime: Arc<dyn Runtime>,
    /// For one attempt.
    patience: Duration,
    failures: Failures,
    state: State,
}

enum State {
    /// At this time the next attempt is made.
    Waiting { until: u64 },
    /// A connection was made at this time, and ends with the sender of this.
    Connected { since: u64, end: oneshot::Receiver<()> },
}

impl Dialled {
    pub(super) fn new(
        connector: Arc<dyn Connector>,
        backoff: Backoff,
        patience: Duration,
        runtime: Arc<dyn Runtime>,
    ) -> Self {
        let state = State::Waiting { until: 0 };
        Self { connector, runtime, patience, failures: Failures::new(backoff), state }
    }

    fn wait(&mut self, time: Duration) {
        let time = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.state = State::Waiting { until: self.runtime.now().saturating_add(time) };
    }
}

#[async_trait]
impl Listener for Dialled {
    async fn accept(&mut self) -> io::Result<Accepted> {
        loop {
            match &mut self.state {
                State::Connected { since, end } => {
                    let since = *since;
                    // It says nothing but that the connection is gone.
                    _ = end.await;
                    let lasted = self.runtime.now().saturating_sub(since);
                    let wait = self.failures.ended(lasted);
                    self.wait(wait);
                    continue;
                }
                State::Waiting { until } if self.runtime.now() < *until => {
                    self.runtime.sleep_until(*until).await;
                }
                State::Waiting { .. } => {}
            }
            match attempt(&*self.connector, self.patience, &*self.runtime).await {
                Ok(connection) => {
                    let (ends, end) = oneshot::channel();
                    self.state = State::Connected { since: self.runtime.now(), end };
                    let send = Box::new(Ending { inner: connection.send, _ends: ends });
                    return Ok(Connection { send, ..connection }.into());
                }
                Err(error) => {
                    let wait = self.failures.failed();
                    let address = self.connector.address();
                    tracing::debug!(%error, address, ?wait, "cannot connect, and will try again");
                    self.wait(wait);
                }
            }
        }
    }

    /// Nobody reaches it there.
    fn address(&self) -> String {
        String::new()
    }
}

/// The sending half of a connection, which its driver has to the end.
struct Ending {
    inner: Box<dyn SendHalf>,
    _ends: oneshot::Sender<()>,
}

impl SendHalf for Ending {
    fn poll_send(&mut self, cx: &mut Context<'_>, out: &mut Outgoing) -> Poll<io::Result<()>> {
        self.inner.poll_send(cx, out)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner.poll_close(cx)
    }
}
