//! `Network`: a relay that loses datagrams.

use std::net::SocketAddr;

use tokio::{net::UdpSocket, task::JoinHandle};

/// Lies between one client and its server.
pub(crate) struct Network {
    address: SocketAddr,
    relay: JoinHandle<()>,
}

impl Network {
    /// A network in front of a server. `passes` is told whether a datagram is for the server, and
    /// the how-manieth it is in its direction.
    pub(crate) async fn new(
        server: &str,
        passes: impl Fn(bool, usize) -> bool + Send + 'static,
    ) -> Self {
        let server: SocketAddr = server.trim_start_matches("udp://").parse().expect("an address");
        let near = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
        let far = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
        let address = near.local_addr().expect("an address");
        let relay = tokio::spawn(async move {
            let (mut there, mut back) = (vec![0; 1 << 16], vec![0; 1 << 16]);
            let (mut client, mut counts) = (None, [0, 0]);
            loop {
                tokio::select! {
                    Ok((length, from)) = near.recv_from(&mut there) => {
                        client = Some(from);
                        if passes(true, counts[0]) {
                            _ = far.send_to(&there[..length], server).await;
                        }
                        counts[0] += 1;
                    }
                    Ok((length, _)) = far.recv_from(&mut back) => {
                        if let (Some(client), true) = (client, passes(false, counts[1])) {
                            _ = near.send_to(&back[..length], client).await;
                        }
                        counts[1] += 1;
                    }
                }
            }
        });
        Self { address, relay }
    }

    pub(crate) fn address(&self) -> String {
        format!("udp://{}", self.address)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.relay.abort();
    }
}
