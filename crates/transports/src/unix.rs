//! Unix sockets: streams of bytes between the programs of one machine, for one user or for several.
//!
//! There is no moment at which a socket that is for one user can be reached by another: it is bound
//! in a directory that nobody else may enter, and moved to its place when its permissions are set.
//! Whoever connects is then asked of the system, because permissions are not everything: a socket
//! may be inherited, passed on or opened up by hand.

mod lock;
mod socket_file;

use std::{
    future::ready,
    io,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use rustix::process::geteuid;
use tinyrpc_core::{Accepted, Connection, Connector, Listener, Opening, PeerAddress};
use tokio::net::UnixStream;

use self::socket_file::{SocketFile, check_length};
use crate::stream;

/// Accepts connections on a Unix socket.
///
/// The socket's file is removed when the listener is dropped, unless something else is in its place
/// by then. Beside it there is a file `….lock` for as long as it listens, so that no two servers
/// take the same path from each other.
#[derive(Debug)]
pub struct UnixListener {
    listener: tokio::net::UnixListener,
    path: PathBuf,
    admission: Admission,
    /// `None` where the socket was made by somebody else.
    _file: Option<SocketFile>,
}

/// Whose processes may connect. Everybody else is refused, whatever the permissions of the socket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Admission {
    /// Those of the user that listens (its effective user id), and nobody else, not even root. The
    /// socket has the mode 0600.
    #[default]
    Owner,
    /// Those of these user ids. The socket has the mode 0666.
    Users(Vec<u32>),
    /// Everybody on this machine. The socket has the mode 0666.
    Everybody,
}

impl Admission {
    fn admits(&self, uid: u32) -> bool {
        match self {
            Self::Owner => uid == geteuid().as_raw(),
            Self::Users(users) => users.contains(&uid),
            Self::Everybody => true,
        }
    }

    fn mode(&self) -> u32 {
        match self {
            Self::Owner => 0o600,
            Self::Users(_) | Self::Everybody => 0o666,
        }
    }
}

impl UnixListener {
    /// Listens on a path, for the processes of this user.
    ///
    /// A socket that is there already is replaced if it is of this user and nobody answers on it:
    /// the server that made it was killed. Any other file is left alone.
    ///
    /// # Errors
    ///
    /// A server listens there, something else is there, the path is too long for a socket, or its
    /// directory is not there or cannot be written to.
    pub fn bind(path: impl AsRef<Path>) -> io::Result<Self> {
        Self::bind_for(path, Admission::Owner)
    }

    /// As [`UnixListener::bind`], for others too.
    ///
    /// # Errors
    ///
    /// As [`UnixListener::bind`].
    pub fn bind_for(path: impl AsRef<Path>, admission: Admission) -> io::Result<Self> {
        let path = path.as_ref().to_owned();
        let (listener, file) = SocketFile::bind(&path, admission.mode())?;
        let listener = tokio::net::UnixListener::from_std(listener)?;
        Ok(Self { listener, path, admission, _file: Some(file) })
    }

    /// Accepts from a listener that exists already, such as one that was inherited. Its file is not
    /// touched.
    ///
    /// # Errors
    ///
    /// The listener has no address.
    pub fn from_listener(
        listener: tokio::net::UnixListener,
        admission: Admission,
    ) -> io::Result<Self> {
        let path = listener.local_addr()?.as_pathname().map(Path::to_owned).unwrap_or_default();
        Ok(Self { listener, path, admission, _file: None })
    }

    /// Where it listens.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[async_trait]
impl Listener for UnixListener {
    async fn accept(&mut self) -> io::Result<Accepted> {
        let (stream, _) = self.listener.accept().await?;
        let connection = connection(stream)?;
        match connection.peer {
            PeerAddress::Unix { uid, .. } if !self.admission.admits(uid) => {
                let why = format!("the user {uid} may not connect");
                let refused = io::Error::new(io::ErrorKind::PermissionDenied, why);
                // As an error of the listener it would keep others waiting.
                let peer = connection.peer;
                Ok(Accepted::Opening(Opening::new(peer, ready(Err(refused)))))
            }
            _ => Ok(connection.into()),
        }
    }

    fn address(&self) -> String {
        format!("unix://{}", self.path.display())
    }
}

/// Connects to a Unix socket.
#[derive(Clone, Debug)]
pub struct UnixConnector {
    path: PathBuf,
}

impl UnixConnector {
    /// Connects to the socket at a path.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }
}

#[async_trait]
impl Connector for UnixConnector {
    async fn connect(&self) -> io::Result<Connection> {
        check_length(&self.path)?;
        connection(UnixStream::connect(&self.path).await?)
    }

    fn address(&self) -> String {
        format!("unix://{}", self.path.display())
    }
}

/// A connected Unix socket as a transport. Nobody is refused.
///
/// # Errors
///
/// The system does not say who is at the other end.
pub fn connection(stream: UnixStream) -> io::Result<Connection> {
    let peer = stream.peer_cred()?;
    let pid = peer.pid().and_then(|pid| u32::try_from(pid).ok());
    let peer = PeerAddress::Unix { uid: peer.uid(), gid: peer.gid(), pid };
    let (reader, writer) = stream.into_split();
    Ok(stream::halves(reader, writer, peer))
}
