//! `Proxy`: something between two sockets that does them harm.
//!
//! It waits for one connection, makes one to the server, and passes bytes on as the plan says:
//! in slices, with stalls, until it ends one direction, resets both or swallows what comes.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use socket2::SockRef;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    sync::{Notify, watch},
    time::sleep,
};

use crate::plan::{Fault, Plan, Way};

/// A proxy for one connection.
#[derive(Debug)]
pub(crate) struct Proxy {
    address: SocketAddr,
    torn: Arc<Notify>,
}

impl Proxy {
    /// Waits for the one connection to the server.
    ///
    /// # Errors
    ///
    /// There is no free port.
    pub(crate) async fn start(server: SocketAddr, plan: Plan) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let torn = Arc::new(Notify::new());
        let proxy = Self { address, torn: Arc::clone(&torn) };
        tokio::spawn(async move {
            let serve = async {
                let (client, _) = listener.accept().await?;
                drop(listener);
                // Where the server is down the client sees the end.
                let server = TcpStream::connect(server).await?;
                pass(client, server, plan, &torn).await
            };
            // What becomes of the sockets is what the two ends are to make of it.
            _ = serve.await;
        });
        Ok(proxy)
    }

    /// Where the client is to connect.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Resets whatever is left of the connection.
    pub(crate) fn tear(&self) {
        self.torn.notify_one();
    }
}

/// Passes bytes on in both directions until both have ended.
async fn pass(
    mut client: TcpStream,
    mut server: TcpStream,
    plan: Plan,
    torn: &Notify,
) -> io::Result<()> {
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (gone, vanished) = watch::channel(false);
    let ended = {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        let there = Pump { way: plan.there, muted: false, gone: &gone, vanished: vanished.clone() };
        let back = Pump { way: plan.back, muted: false, gone: &gone, vanished };
        tokio::select! {
            ended = async {
                tokio::try_join!(there.run(from_client, to_server), back.run(from_server, to_client))
            } => ended.is_ok(),
            () = torn.notified() => false,
        }
    };
    if !ended {
        // With no time to linger a socket that is dropped resets its connection.
        for socket in [&client, &server] {
            SockRef::from(socket).set_linger(Some(Duration::ZERO))?;
        }
    }
    Ok(())
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
    async fn run(mut self, mut from: ReadHalf<'_>, mut to: WriteHalf<'_>) -> io::Result<()> {
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
