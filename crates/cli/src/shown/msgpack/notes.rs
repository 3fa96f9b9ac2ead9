//! `Notes`: what a reader should know about a value, and where in it.

use std::fmt::Write as _;

use crate::plain;

/// Collects notes while a value is walked over.
#[derive(Debug)]
pub(super) struct Notes {
    name: &'static str,
    path: Vec<Step>,
    lines: Vec<String>,
    more: usize,
}

/// One step into a value.
#[derive(Debug)]
enum Step {
    Index(usize),
    Key(String),
}

impl Notes {
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, path: Vec::new(), lines: Vec::new(), more: 0 }
    }

    /// All notes, a line each.
    pub(super) fn into_lines(mut self) -> Vec<String> {
        if self.more > 0 {
            self.lines.push(format!("and {} more values like these", self.more));
        }
        self.lines
    }

    /// Walks into an element.
    pub(super) fn enter(&mut self, index: usize) {
        self.path.push(Step::Index(index));
    }

    /// Walks into the value of a key.
    pub(super) fn enter_key(&mut self, key: &str) {
        self.path.push(Step::Key(key.into()));
    }

    /// Walks out again.
    pub(super) fn leave(&mut self) {
        self.path.pop();
    }

    /// Adds a note on the value of this place.
    pub(super) fn add(&mut self, what: &str) {
        if self.lines.len() == MOST {
            self.more += 1;
            return;
        }
        let mut line = String::from(self.name);
        for step in &self.path {
            _ = match step {
                Step::Index(index) => write!(line, "[{index}]"),
                Step::Key(key) => write!(line, ".{}", plain::line(key)),
            };
        }
        _ = write!(line, " is {what}");
        self.lines.push(line);
    }
}

/// Notes that are shown: the rest are counted, so that a long list of blobs stays readable.
const MOST: usize = 8;
