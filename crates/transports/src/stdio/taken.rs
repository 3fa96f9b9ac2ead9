//! Takes standard input and output away from the rest of the process.

use std::{
    io::{self, Read, Write},
    sync::atomic::{AtomicBool, Ordering::SeqCst},
};

/// True once somebody has them.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// What they are for the one who takes them.
pub(super) fn take() -> io::Result<(impl Read + Send + 'static, impl Write + Send + 'static)> {
    if TAKEN.swap(true, SeqCst) {
        let why = "standard input and output are in use already";
        return Err(io::Error::new(io::ErrorKind::AddrInUse, why));
    }
    away().inspect_err(|_| TAKEN.store(false, SeqCst))
}

/// Duplicates both, then has the originals lead elsewhere.
#[cfg(unix)]
fn away() -> io::Result<(std::fs::File, std::fs::File)> {
    use std::{fs::File, os::fd::AsFd};

    use rustix::stdio::{dup2_stdin, dup2_stdout};

    let input = io::stdin().as_fd().try_clone_to_owned()?;
    let output = io::stdout().as_fd().try_clone_to_owned()?;
    dup2_stdin(File::open("/dev/null")?)?;
    dup2_stdout(io::stderr())?;
    Ok((input.into(), output.into()))
}

/// There is no other place to which they could lead.
#[cfg(not(unix))]
fn away() -> io::Result<(io::Stdin, io::Stdout)> {
    Ok((io::stdin(), io::stdout()))
}
