//! `KeepAlive`: how soon a TCP connection notices that its peer is gone without a word.

use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tinyrpc_core::Limits;
use tokio::net::TcpStream;

/// Has the system ask silent peers whether they live, and give those up that do not answer.
///
/// It is their system that answers: no peer sees a byte that it does not know, and a program that
/// is busy, or stopped in a debugger, loses no connection. What the system of this machine does
/// not have is left out: Windows and macOS have no `TCP_USER_TIMEOUT`.
///
/// ```
/// use std::time::Duration;
/// use tinyrpc_transports::tcp::KeepAlive;
///
/// let impatient = KeepAlive { every: Duration::from_secs(2), ..KeepAlive::default() };
/// assert_eq!(KeepAlive::default().every, Duration::from_secs(15));
/// # _ = impatient;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepAlive {
    /// How long a connection may be silent before its peer is asked, and how often it is asked
    /// then; it is given up after two questions without an answer. Whole seconds, one at least;
    /// zero never asks. The default is that of [`Limits::heartbeat`].
    pub every: Duration,
    /// How long bytes may go without an acknowledgement (`TCP_USER_TIMEOUT`), on Linux and
    /// Android. Milliseconds, three times `every` at most, as the system lets it end the wait for
    /// answers, too; zero leaves it to the system, which takes a quarter of an hour. The default is
    /// that of [`Limits::unacknowledged`].
    pub unacknowledged: Duration,
}

impl KeepAlive {
    /// As the limits of a connection say.
    pub fn of(limits: &Limits) -> Self {
        Self { every: limits.heartbeat, unacknowledged: limits.unacknowledged }
    }

    /// Sets it on a stream.
    pub(super) fn set(self, stream: &TcpStream) {
        let socket = SockRef::from(stream);
        // A connection without is a connection all the same.
        if !self.every.is_zero() {
            let every = self.every.clamp(Duration::from_secs(1), MOST);
            let keepalive = TcpKeepalive::new().with_time(every);
            #[cfg(not(target_os = "openbsd"))]
            let keepalive = keepalive.with_interval(every);
            #[cfg(not(target_os = "openbsd"))]
            let keepalive = keepalive.with_retries(QUESTIONS);
            _ = socket.set_tcp_keepalive(&keepalive);
        }
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if !self.unacknowledged.is_zero() {
            let asked = match self.every.is_zero() {
                true => LONGEST,
                // With this option the system does not count its questions.
                false => self.every.clamp(Duration::from_secs(1), MOST) * (QUESTIONS + 1),
            };
            let longest = self.unacknowledged.max(Duration::from_millis(1)).min(asked);
            _ = socket.set_tcp_user_timeout(Some(longest));
        }
    }
}

impl Default for KeepAlive {
    fn default() -> Self {
        Self::of(&Limits::default())
    }
}

/// One lost question may be an accident.
#[cfg(not(target_os = "openbsd"))]
const QUESTIONS: u32 = 2;
/// Linux takes no more.
const MOST: Duration = Duration::from_secs(32_767);
/// Nor more than this, in milliseconds.
#[cfg(any(target_os = "linux", target_os = "android"))]
const LONGEST: Duration = Duration::from_millis(i32::MAX as u64);

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::tcp::{TcpListener, dial};

    /// What a stream has, in seconds and milliseconds.
    fn read(stream: &TcpStream) -> (bool, u64, u64, u32, u128) {
        let socket = SockRef::from(stream);
        (
            socket.keepalive().expect("a socket"),
            socket.tcp_keepalive_time().expect("a socket").as_secs(),
            socket.tcp_keepalive_interval().expect("a socket").as_secs(),
            socket.tcp_keepalive_retries().expect("a socket"),
            socket.tcp_user_timeout().expect("a socket").unwrap_or_default().as_millis(),
        )
    }

    #[tokio::test]
    async fn both_sides_have_it() {
        let usual = (true, 15, 15, 2, 30_000);
        let millis = Duration::from_millis;
        for (every, unacknowledged, expected) in [
            (None, None, usual),
            (Some(millis(2_000)), None, (true, 2, 2, 2, 6_000)),
            (Some(millis(1)), Some(millis(7)), (true, 1, 1, 2, 7)),
            (Some(Duration::MAX), Some(Duration::MAX), (true, 32_767, 32_767, 2, 98_301_000)),
        ] {
            let usual = KeepAlive::default();
            let keepalive = KeepAlive {
                every: every.unwrap_or(usual.every),
                unacknowledged: unacknowledged.unwrap_or(usual.unacknowledged),
            };
            let listener = TcpListener::bind(([127, 0, 0, 1], 0).into()).expect("a free port");
            let mut listener = listener.keepalive(keepalive);
            let (made, _) = dial(listener.local_addr(), keepalive).await.expect("it listens");
            let (accepted, _) = listener.accept_stream().await.expect("it was made");
            assert_eq!(read(&made), expected);
            assert_eq!(read(&accepted), expected);
        }
    }

    #[tokio::test]
    async fn zero_is_without() {
        let listener = TcpListener::bind(([127, 0, 0, 1], 0).into()).expect("a free port");
        for (unacknowledged, expected) in
            [(Duration::ZERO, 0), (Duration::MAX, i32::MAX.unsigned_abs().into())]
        {
            let none = KeepAlive { every: Duration::ZERO, unacknowledged };
            let (made, _) = dial(listener.local_addr(), none).await.expect("it listens");
            let (has, .., unacknowledged) = read(&made);
            assert_eq!((has, unacknowledged), (false, expected));
        }
    }
}
