//! `Lock`: says to other servers that a path is taken.

use std::{
    ffi::OsString,
    fs::{self, File, Metadata},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{FlockOperation, Mode, OFlags, flock, open},
    process::geteuid,
};

/// A file beside the path, locked for as long as this value lives. The system gives it up when the
/// process ends, however it ends.
#[derive(Debug)]
pub(super) struct Lock {
    path: PathBuf,
    file: File,
}

impl Lock {
    /// Takes the lock of a path.
    pub(super) fn take(path: &Path) -> io::Result<Self> {
        let mut name = OsString::from(path);
        name.push(".lock");
        let path = PathBuf::from(name);
        for _ in 0..ATTEMPTS {
            let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let file = File::from(open(&path, flags, Mode::RUSR | Mode::WUSR)?);
            let metadata = file.metadata()?;
            if !metadata.is_file() || metadata.uid() != geteuid().as_raw() {
                let why = format!("{} is not a file of this user", path.display());
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
            }
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {}
                Err(rustix::io::Errno::WOULDBLOCK) => return Err(taken(&path)),
                Err(error) => return Err(error.into()),
            }
            // Its last holder may have removed it between the two calls.
            if fs::symlink_metadata(&path).is_ok_and(|now| same(&now, &metadata)) {
                return Ok(Self { path, file });
            }
        }
        Err(taken(&path))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Removed while it is held: nobody else's can be there.
        let ours = self.file.metadata();
        let there = fs::symlink_metadata(&self.path);
        if let (Ok(ours), Ok(there)) = (ours, there)
            && same(&ours, &there)
        {
            _ = fs::remove_file(&self.path);
        }
    }
}

/// True for two looks at the same file.
pub(super) fn same(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

fn taken(path: &Path) -> io::Error {
    let why = format!("a server listens there already: it holds {}", path.display());
    io::Error::new(io::ErrorKind::AddrInUse, why)
}

/// Each one fails only if another server ended just then.
const ATTEMPTS: usize = 100;
