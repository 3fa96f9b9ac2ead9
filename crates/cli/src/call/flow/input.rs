//! Standard input, line by line.

use std::{
    io::{self, BufRead as _},
    thread,
};

use tokio::sync::mpsc::{Receiver, channel};

/// The lines of standard input, without their ends.
///
/// They are read by a thread of their own, one ahead: where nobody takes them, whoever writes them is
/// stopped.
pub(super) fn lines() -> Receiver<io::Result<String>> {
    let (sender, lines) = channel(1);
    thread::spawn(move || {
        for line in io::stdin().lock().lines() {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    lines
}
