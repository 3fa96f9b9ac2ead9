//! `Exit`: how the command ended, for scripts.

use std::process::ExitCode;

/// The exit codes. They are a contract: a new kind of ending gets a new number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The call was answered, the notification sent, or the server ended as it was told to.
    Answered = 0,
    /// The peer answered with an error.
    PeerError = 1,
    /// The command was used wrongly: nothing was sent. clap uses the same number.
    Usage = 2,
    /// There is no answer: no connection, no time left, nowhere to write.
    NoAnswer = 3,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
