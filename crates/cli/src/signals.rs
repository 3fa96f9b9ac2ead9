//! `Signals`: what asks a server or a stream to end.

use std::io;
#[cfg(unix)]
use std::task::Poll;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::failure::Failure;

/// Ctrl-C, and on Unix SIGTERM. From the moment it is made, neither ends the process by itself.
#[derive(Debug)]
pub(crate) struct Signals {
    #[cfg(unix)]
    interrupt: Signal,
    #[cfg(unix)]
    terminate: Signal,
}

/// A signal that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// Ctrl-C.
    Interrupt,
    /// SIGTERM.
    #[cfg(unix)]
    Terminate,
}

impl Told {
    /// Ends this process as the signal would have, had nobody listened to it.
    pub(crate) fn obey(self) -> Failure {
        #[cfg(unix)]
        {
            let signal = match self {
                Self::Interrupt => SignalKind::interrupt(),
                Self::Terminate => SignalKind::terminate(),
            };
            // It comes back only where the system refuses.
            _ = signal_hook::low_level::emulate_default_handler(signal.as_raw_value());
        }
        Failure::no_answer("the call was ended by a signal")
    }
}

impl Signals {
    /// Begins to listen.
    ///
    /// # Errors
    ///
    /// The system refuses.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            interrupt: signal(SignalKind::interrupt())?,
            #[cfg(unix)]
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// The next signal of either kind.
    #[cfg(unix)]
    pub(crate) async fn next(&mut self) -> Told {
        std::future::poll_fn(|cx| {
            if self.interrupt.poll_recv(cx).is_ready() {
                return Poll::Ready(Told::Interrupt);
            }
            self.terminate.poll_recv(cx).map(|_| Told::Terminate)
        })
        .await
    }

    /// The next Ctrl-C.
    #[cfg(not(unix))]
    pub(crate) async fn next(&mut self) -> Told {
        // Where nobody can press it, a server runs until it is killed.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Told::Interrupt
    }
}
