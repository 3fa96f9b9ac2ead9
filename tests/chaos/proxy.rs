//! `Proxy`: something between two sockets that does them harm.
//!
//! It waits for one connection, makes one to the server, and passes bytes on as the plan says:
//! in slices, with stalls, until it ends one direction, resets both or swallows what comes.

use std::{
    future::Future,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split},
    net::{TcpListener, TcpStream},
    sync::{Notify, watch},
    time::sleep,
};

use crate::plan::{Fault, Plan, Way};

/// A proxy for one connection, which resets whatever is left of it when it is told to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Proxy {
    torn: Arc<Notify>,
}

impl Proxy {
    /// Waits for the one connection to a server over TCP; gives where.
    ///
    /// # Errors
    ///
    /// There is no free port.
    pub(crate) async fn tcp(&self, server: SocketAddr, plan: Plan) -> io::Result<SocketAddr> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        self.spawn(plan, async move {
            let (client, _) = listener.accept().await?;
            client.set_nodelay(true)?;
            let server = TcpStream::connect(server).await?;
            server.set_nodelay(true)?;
            Ok((client, server))
        });
        Ok(address)
    }

    /// Waits at a path for the one connection to a server at another one.
    ///
    /// # Errors
    ///
    /// Nobody can wait there.
    #[cfg(all(unix, feature = "unix"))]
    pub(crate) fn unix(
        &self,
        path: &std::path::Path,
        server: std::path::PathBuf,
        plan: Plan,
    ) -> io::Result<()> {
        let listener = tokio::net::UnixListener::bind(path)?;
        self.spawn(plan, async move {
            let (client, _) = listener.accept().await?;
            Ok((client, tokio::net::UnixStream::connect(server).await?))
        });
        Ok(())
    }

    fn spawn<S: Socket>(
        &self,
        plan: Plan,
        connect: impl Future<Output = io::Result<(S, S)>> + Send + 'static,
    ) {
        let torn = Arc::clone(&self.torn);
        tokio::spawn(async move {
            // Where the server is down, the client sees the end: both are as good as any fault.
            let Ok((client, server)) = connect.await else { return };
            pass(client, server, plan, &torn).await;
        });
    }

    /// Resets whatever is left of the connection.
    pub(crate) fn tear(&self) {
        self.torn.notify_one();
    }
}

/// What can be between two ends.
trait Socket: AsyncRead + AsyncWrite + Send + Unpin + 'static {
    /// When it is dropped its peer is to see an error, where there is such a thing.
    fn reset(&self);
}

impl Socket for TcpStream {
    fn reset(&self) {
        // With no time to linger it is reset; one that is broken already needs nothing.
        _ = SockRef::from(self).set_linger(Some(Duration::ZERO));
    }
}

#[cfg(all(unix, feature = "unix"))]
impl Socket for tokio::net::UnixStream {
    fn reset(&self) {}
}

/// Passes bytes on in both directions until both have ended, or one is reset.
async fn pass<S: Socket>(mut client: S, mut server: S, plan: Plan, torn: &Notify) {
    let (gone, vanished) = watch::channel(false);
    let ended = {
        let (from_client, to_client) = split(&mut client);
        let (from_server, to_server) = split(&mut server);
        let there = Pump { way: plan.there, muted: false, gone: &gone, vanished: vanished.clone() };
        let back = Pump { way: plan.back, muted: false, gone: &gone, vanished };
        let both = async {
            tokio::try_join!(there.run(from_client, to_server), back.run(from_server, to_client))
        };
        tokio::select! {
            ended = both => ended.is_ok(),
            () = torn.notified() => false,
        }
    };
    if !ended {
        client.reset();
        server.reset();
    }
}

/// One direction.
struct Pump<'a> {
    way: Way,
    muted: bool,
    gone: &'a watch::Sender<bool>,
    vanished: watch::Receiver<bool>,
}

impl Pump<'_> {
    /// Ends well at the end of the direction.
    ///
    /// # Errors
    ///
    /// Both directions are to be reset.
    async fn run(
        mut self,
        mut from: impl AsyncRead + Unpin,
        mut to: impl AsyncWrite + Unpin,
    ) -> io::Result<()> {
        let mut buffer = vec![0; self.way.slice.min(BUFFER)];
        let mut passed = 0;
        loop {
            while let Some(&(at, fault)) = self.way.faults.front()
                && at <= passed
            {
                self.way.faults.pop_front();
                match fault {
                    Fault::Stall(time) => sleep(time).await,
                    Fault::Reset => return Err(io::ErrorKind::ConnectionReset.into()),
                    // The sender goes on, and nobody reads what it sends.
                    Fault::End => return to.shutdown().await,
                    Fault::Mute => self.muted = true,
                    Fault::Vanish => _ = self.gone.send(true),
                }
            }
            let before = self.way.faults.front().map_or(u64::MAX, |(at, _)| at - passed);
            let most = before.min(self.way.step().min(buffer.len()) as u64) as usize;
            let count = from.read(&mut buffer[..most]).await?;
            if count == 0 {
                sleep(self.way.parting).await;
                return match self.is_silent() {
                    true => std::future::pending().await,
                    false => to.shutdown().await,
                };
            }
            passed += count as u64;
            if !self.way.latency.is_zero() {
                sleep(self.way.latency).await;
            }
            if !self.is_silent() {
                to.write_all(&buffer[..count]).await?;
            }
        }
    }

    fn is_silent(&self) -> bool {
        self.muted || *self.vanished.borrow()
    }
}

/// As much as is passed on in one step.
const BUFFER: usize = 64 << 10;
