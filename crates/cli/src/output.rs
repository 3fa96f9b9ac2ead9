//! What is written, and where: results on standard output, everything else on standard error.

use std::io::{self, IsTerminal as _, Write as _};

use crate::failure::Failure;

/// Writes to standard output, and through to whoever reads it.
///
/// A reader that has gone away took what it wanted: that is no failure.
///
/// # Errors
///
/// It cannot be written.
pub(crate) fn put(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::no_answer(format!("standard output cannot be written: {error}")))
        }
        _ => Ok(()),
    }
}

/// Writes a line to standard error. Where that is closed nobody listens, and nobody misses it.
pub(crate) fn tell(line: &str) {
    _ = writeln!(io::stderr().lock(), "{line}");
}

/// True where a person looks at standard output.
pub(crate) fn is_terminal() -> bool {
    io::stdout().is_terminal()
}
