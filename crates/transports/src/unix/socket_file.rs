//! `SocketFile`: the file of a listening socket, which is made safely and removed only by its owner.

use std::{
    fs::{self, DirBuilder, Metadata, Permissions},
    io,
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt},
        net::UnixListener,
    },
    path::{Path, PathBuf},
    process,
};

use rustix::process::geteuid;
use socket2::{Domain, SockAddr, Socket, Type};

use super::lock::{Lock, same};

/// Removes the file when it is dropped, if it is still the same one.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    made: Metadata,
    /// Given up last.
    _lock: Lock,
}

impl SocketFile {
    /// Listens on a path. At no time is there a socket in any place with other permissions than
    /// `mode`, except in a directory that only this user may enter.
    pub(super) fn bind(path: &Path, mode: u32) -> io::Result<(UnixListener, Self)> {
        check_length(path)?;
        let lock = Lock::take(path)?;
        clear(path)?;
        let room = Room::make(path)?;
        let inside = room.socket();
        check_length(&inside)?;
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.bind(&SockAddr::unix(&inside)?)?;
        fs::set_permissions(&inside, Permissions::from_mode(mode))?;
        // Once it is in its place, it can be connected to.
        socket.listen(BACKLOG)?;
        socket.set_nonblocking(true)?;
        let made = fs::symlink_metadata(&inside)?;
        place(&inside, path)?;
        Ok((socket.into(), Self { path: path.to_owned(), made, _lock: lock }))
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|there| same(&there, &self.made)) {
            _ = fs::remove_file(&self.path);
        }
    }
}

/// Refuses a path that does not fit into the address of a socket.
pub(super) fn check_length(path: &Path) -> io::Result<()> {
    let length = path.as_os_str().as_bytes().len();
    if length <= MOST {
        return Ok(());
    }
    let why = format!(
        "the path of a Unix socket may have at most {MOST} bytes, and {} has {length}",
        path.display()
    );
    Err(io::Error::new(io::ErrorKind::InvalidInput, why))
}

/// Removes a socket that a server of this user has left behind, and nothing else.
fn clear(path: &Path) -> io::Result<()> {
    let refused = |kind, why: &str| Err(io::Error::new(kind, format!("{}: {why}", path.display())));
    let there = match fs::symlink_metadata(path) {
        Ok(there) => there,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !there.file_type().is_socket() {
        let why = "there is something that is not a socket: it is left alone";
        return refused(io::ErrorKind::AlreadyExists, why);
    }
    if there.uid() != geteuid().as_raw() {
        let why = format!("there is a socket of the user {}: it is left alone", there.uid());
        return refused(io::ErrorKind::PermissionDenied, &why);
    }
    let probe = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // A server whose queue is full must not be waited for: it answers in its own time.
    probe.set_nonblocking(true)?;
    match probe.connect(&SockAddr::unix(path)?) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        _ => refused(io::ErrorKind::AddrInUse, "a server listens there already"),
    }
}

/// Moves a file to a place where nothing is.
fn place(from: &Path, to: &Path) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    {
        use rustix::{
            fs::{CWD, RenameFlags, renameat_with},
            io::Errno,
        };
        match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            // Some file systems do not know how to.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
            done => return Ok(done?),
        }
    }
    // A link replaces nothing either; the first name goes with the directory that it is in.
    fs::hard_link(from, to)
}

/// A fresh directory beside a path, which nobody else may enter. It goes when it is dropped.
#[derive(Debug)]
struct Room(PathBuf);

impl Room {
    fn make(path: &Path) -> io::Result<Self> {
        let beside = path.parent().unwrap_or(path);
        let mut attempt = 0;
        loop {
            // Short, because the path of the socket in it must fit, too.
            let room = beside.join(format!(".{:x}-{attempt:x}", process::id()));
            match DirBuilder::new().mode(0o700).create(&room) {
                Ok(()) => return Ok(Self(room)),
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                // Another thread, or a process that had the same number and was killed.
                Err(error) if attempt == ATTEMPTS => return Err(error),
                Err(_) => attempt += 1,
            }
        }
    }

    fn socket(&self) -> PathBuf {
        self.0.join("s")
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        _ = fs::remove_file(self.socket());
        _ = fs::remove_dir(&self.0);
    }
}

/// Bytes of a path in the address of a socket, the zero behind it left out.
const MOST: usize = if cfg!(any(target_os = "linux", target_os = "android")) { 107 } else { 103 };
/// Connections that the system keeps until they are accepted.
const BACKLOG: i32 = 1024;
/// So many rooms can be left behind in one directory by one number of a process.
const ATTEMPTS: u32 = 255;
