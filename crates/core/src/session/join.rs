//! Joining: messages that come in chunks.
//!
//! Nobody is taken at their word: what is kept is bounded in number and size, small parts are
//! refused, and what does not go on is given up.

use std::collections::HashMap;

use bytes::{Bytes, BytesMut};

use super::{Serve, Session, pace::Pace};
use crate::{
    Chunk, FrameRef, Lane, Message, Reason,
    calls::{Calls, Delivery},
    streams::Terms,
};

/// What is being received in chunks.
#[derive(Debug, Default)]
pub(super) struct Joins {
    /// What came of each message that is not finished, by its number.
    receiving: HashMap<u32, BytesMut>,
    /// Bytes of all of them.
    received: usize,
    /// The last parts that came, with their lengths: they are put to the others once what is to be
    /// said has left. Memory that is new to the process costs more time than anything else here.
    staged: Vec<(u32, usize)>,
    stage: Vec<u8>,
    /// A part came since the last turn.
    moved: bool,
    /// When what was not finished by then is given up.
    until: Option<u64>,
    /// A message that came in parts is being handled.
    completing: bool,
    pace: Pace,
}

impl Joins {
    /// Notes that a message came that does not stand in chunks.
    pub(super) fn disturb(&mut self) {
        if !self.completing {
            self.pace.disturb();
        }
    }

    fn stage(&mut self, message: u32, part: &[u8]) {
        self.receiving.entry(message).or_default();
        self.staged.push((message, part.len()));
        self.stage.extend_from_slice(part);
        if self.stage.len() > STAGED {
            self.unstage();
        }
    }

    /// Puts the parts that came to the others of their messages.
    pub(super) fn unstage(&mut self) {
        let mut rest = self.stage.as_slice();
        for (message, len) in self.staged.drain(..) {
            let Some((part, behind)) = rest.split_at_checked(len) else { break };
            rest = behind;
            self.receiving.entry(message).or_default().extend_from_slice(part);
        }
        self.stage.clear();
    }

    /// Takes a message away of which all has come.
    fn finish(&mut self, message: u32) -> Option<Bytes> {
        self.unstage();
        let whole = self.receiving.remove(&message)?;
        self.received -= whole.len();
        if self.receiving.is_empty() {
            self.pace.rest();
            self.stage = Vec::new();
        }
        Some(whole.freeze())
    }

    /// Notes the time of what came since the last turn.
    pub(super) fn turn(&mut self, now: u64) {
        self.pace.turn(now);
    }

    /// True where parts wait to be put to the others, or the peer to be let send more.
    pub(super) fn is_due(&self) -> bool {
        !self.staged.is_empty() || self.pace.is_due()
    }
}

impl Session {
    /// Takes a chunk in, and the message that it completes.
    pub(super) fn chunk<'c, S: Serve>(
        &mut self,
        chunk: Chunk<'_>,
        calls: &'c Calls,
        delivery: &mut Option<Delivery<'c>>,
        serve: &mut S,
    ) {
        let Some(link) = self.links.get(self.tongue) else { return };
        let profile = &link.wire.profile;
        let may = profile.chunk.is_some() || profile.extension && self.calls.is_offered();
        if !may {
            // Of a peer to which nobody said that it may.
            self.counters.ignored += 1;
            return;
        }
        let (window, least) = match profile.chunk {
            Some(_) => (profile.initial_window, 0),
            None => {
                let terms = Terms::ours(&self.settings.limits, link.wire.format().is_text());
                (terms.window, terms.part().min(LEAST_PART) as usize)
            }
        };
        if self.joins.completing {
            // Any depth of them would fit into one message.
            return self.close(Reason::Closed("the peer sent a chunk inside of a chunk".into()));
        }
        let (limits, part) = (&self.settings.limits, chunk.bytes.as_ref());
        // Nobody keeps much for a peer of which nothing is known.
        let most = if self.gate.is_closed() { limits.max_message } else { limits.max_split };
        if !chunk.last && part.len() < least {
            // They would cost us more than they bring.
            let why = format!("the peer cuts messages into chunks of less than {least} bytes");
            return self.close(Reason::Closed(why.into()));
        }
        let known = self.joins.receiving.contains_key(&chunk.message);
        if (!known && self.joins.receiving.len() >= limits.max_splits)
            || self.joins.received + part.len() > most
        {
            let why = "the peer sends more in chunks than `max_splits` and `max_split` allow";
            return self.close(Reason::Closed(why.into()));
        }
        self.joins.moved = true;
        self.joins.received += part.len();
        if !self.joins.pace.take(part.len(), window) {
            let why = "the peer sends more in chunks than it was granted";
            return self.close(Reason::Closed(why.into()));
        }
        self.joins.stage(chunk.message, part);
        if chunk.last
            && let Some(block) = self.joins.finish(chunk.message)
        {
            let frame = FrameRef { lane: Lane::DUPLEX, bytes: &block, block: Some(&block) };
            self.joins.completing = true;
            self.frame(frame, calls, delivery, serve);
            self.joins.completing = false;
        }
    }

    /// Lets the peer send more of what it sends in chunks.
    pub(super) fn grant_chunks(&mut self) {
        if !self.is_closing()
            && let Some(amount) = self.joins.pace.grant()
        {
            // A protocol that has chunks has credit for them.
            _ = self.say(&Message::Window(amount));
        }
    }

    /// Closes a connection whose peer goes on with none of the messages that it has begun in chunks,
    /// while we read; gives the time by which it is to be looked at.
    pub(super) fn watch_joins(&mut self, now: u64) -> u64 {
        let moved = std::mem::take(&mut self.joins.moved);
        if self.joins.receiving.is_empty() || self.is_closing() {
            self.joins.until = None;
            return u64::MAX;
        }
        if moved || self.is_paused() {
            self.joins.until = None;
        }
        let until = *self.joins.until.get_or_insert_with(|| now.saturating_add(LONGEST_GAP));
        if until > now {
            return until;
        }
        let why = "the peer did not go on with a message in chunks for 30 s";
        self.close(Reason::Closed(why.into()));
        u64::MAX
    }
}

/// Every chunk but the last of a message has at least so many bytes (`docs/extensions.md`, section 5).
const LEAST_PART: u32 = 1 << 10;
/// Bytes of parts that wait to be put to the others at most.
const STAGED: usize = 64 << 10;
/// In microseconds: for how long nothing may come of the messages that were begun.
const LONGEST_GAP: u64 = 30_000_000;
