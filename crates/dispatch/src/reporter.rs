//! `Reporter`: what a handler tells of its call while that goes on.

use std::fmt;

use serde::{Deserialize, Serialize};
use tinyrpc_core::{Announcement, Caller, Error, PayloadRef, Reports};

/// How far a call is, as its caller asked to be told. See
/// [`Context::progress`](crate::Context::progress).
///
/// Reports wait for nothing. Dropping it says that the work has ended, too, without a message.
#[must_use = "dropping it says that the work has ended"]
pub struct Reporter {
    caller: Caller,
    token: Told,
    /// The last that was said, in percent; reports of the Model Context Protocol have to grow.
    reached: f64,
    is_over: bool,
}

/// The token by which a caller knows the reports of its call, and whose words they are in.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Told {
    words: Reports,
    token: Token,
}

/// As it came.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Token {
    Number(i64),
    Text(Box<str>),
}

impl Told {
    /// The token in the params of a call, where its caller has named one.
    pub(crate) fn find(words: Reports, params: PayloadRef<'_>) -> Option<Self> {
        #[derive(Deserialize)]
        struct Lsp {
            #[serde(rename = "workDoneToken")]
            token: Token,
        }
        #[derive(Deserialize)]
        struct Meta {
            #[serde(rename = "progressToken")]
            token: Token,
        }
        #[derive(Deserialize)]
        struct Mcp {
            #[serde(rename = "_meta")]
            meta: Meta,
        }
        let token = match words {
            Reports::Mcp => params.decode::<Mcp>().ok()?.meta.token,
            _ => params.decode::<Lsp>().ok()?.token,
        };
        Some(Self { words, token })
    }
}

/// The params of a report.
#[derive(Serialize)]
#[serde(untagged)]
enum Params<'a> {
    Lsp {
        token: &'a Token,
        value: WorkDone<'a>,
    },
    Mcp {
        #[serde(rename = "progressToken")]
        token: &'a Token,
        progress: f64,
        #[serde(skip_serializing_if = "Option::is_none")]
        total: Option<u32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<&'a str>,
    },
}

/// "Work Done Progress" of the Language Server Protocol 3.17.
#[derive(Clone, Copy, Serialize)]
struct WorkDone<'a> {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    percentage: Option<u32>,
}

impl Reporter {
    /// Says that the work begins; `None` where that cannot be sent.
    pub(crate) fn begin(
        caller: &Caller,
        token: Told,
        title: &str,
        percentage: Option<u32>,
    ) -> Option<Self> {
        let mut reporter = Self { caller: caller.clone(), token, reached: -STEP, is_over: false };
        let begin = WorkDone { kind: "begin", title: Some(title), message: None, percentage };
        if reporter.say(begin).is_err() {
            // Nobody has heard of a beginning, so nobody is told of an end.
            reporter.is_over = true;
            return None;
        }
        Some(reporter)
    }

    /// Tells how far the work is, in percent, and what is being done: what is `None` is as before.
    ///
    /// # Errors
    ///
    /// Nothing was sent then: the queue is full, or the connection is closed.
    pub fn report(&mut self, percentage: Option<u32>, message: Option<&str>) -> Result<(), Error> {
        self.say(WorkDone { kind: "report", title: None, message, percentage })
    }

    /// Says that the work has ended, and how.
    ///
    /// # Errors
    ///
    /// As [`Reporter::report`].
    pub fn end(mut self, message: Option<&str>) -> Result<(), Error> {
        self.is_over = true;
        self.say(WorkDone { kind: "end", title: None, message, percentage: None })
    }

    fn say(&mut self, said: WorkDone<'_>) -> Result<(), Error> {
        let percentage = said.percentage.map(|percentage| percentage.min(WHOLE));
        let Told { words, token } = &self.token;
        if *words != Reports::Mcp {
            let value = WorkDone { percentage, ..said };
            return Announcement::new("$/progress", Params::Lsp { token, value })
                .send(&self.caller);
        }
        let percentage = if said.kind == "end" { Some(WHOLE) } else { percentage };
        // What does not grow by itself grows by next to nothing.
        let progress = percentage.map_or(0.0, f64::from).max(self.reached + STEP);
        let message = said.title.or(said.message);
        let total = percentage.map(|_| WHOLE);
        let params = Params::Mcp { token, progress, total, message };
        Announcement::new("notifications/progress", params).send(&self.caller)?;
        self.reached = progress;
        Ok(())
    }
}

impl Drop for Reporter {
    fn drop(&mut self) {
        if !self.is_over {
            // Where it cannot be sent, nobody waits for it.
            _ = self.say(WorkDone { kind: "end", title: None, message: None, percentage: None });
        }
    }
}

impl fmt::Debug for Reporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reporter").field("token", &self.token).finish_non_exhaustive()
    }
}

const WHOLE: u32 = 100;
/// A binary fraction, so that sums of a few are exact.
const STEP: f64 = 1.0 / 1024.0;
