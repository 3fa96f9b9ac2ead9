//! `Failure`: why the command did not do what it was to do, for people and for scripts.

use std::fmt;

use crate::{exit::Exit, output, plain};

/// One line that says what is wrong, lines with labels that scripts may look for, and advice.
#[must_use = "a failure is reported"]
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    headline: String,
    lines: Vec<(&'static str, String)>,
}

impl Failure {
    fn new(exit: Exit, headline: impl Into<String>) -> Self {
        Self { exit, headline: headline.into(), lines: Vec::new() }
    }

    /// The command was used wrongly.
    pub(crate) fn usage(headline: impl Into<String>) -> Self {
        Self::new(Exit::Usage, headline)
    }

    /// There is no answer.
    pub(crate) fn no_answer(headline: impl Into<String>) -> Self {
        Self::new(Exit::NoAnswer, headline)
    }

    /// The peer answered with an error.
    pub(crate) fn peer_error(headline: impl Into<String>) -> Self {
        Self::new(Exit::PeerError, headline)
    }

    /// Adds a line with a label.
    pub(crate) fn with(mut self, label: &'static str, text: impl Into<String>) -> Self {
        self.lines.push((label, text.into()));
        self
    }

    /// Adds advice.
    pub(crate) fn hint(self, text: impl Into<String>) -> Self {
        self.with("hint", text)
    }

    /// Tells the user; the command then ends with this.
    pub(crate) fn report(self) -> Exit {
        output::tell(&self.to_string());
        self.exit
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", plain::line(&self.headline))?;
        for (label, text) in &self.lines {
            write!(f, "\n  {label}: {}", plain::line(text))?;
        }
        Ok(())
    }
}
