//! `Terms`: what a peer takes of streams and chunks, and how it says so.

use serde::{Deserialize, Serialize};

use crate::{Allowance, Limits, Profile};

/// The method by which peers say that they know the extension.
pub(crate) const HELLO: &str = "rpc.hello";

/// What one side takes. See `docs/extensions.md`, section 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    /// Of each stream, before more is granted.
    pub(crate) stream: Allowance,
    /// The most bytes in one chunk; 0 where it takes none.
    pub(crate) chunk: u32,
    /// Bytes in chunks, before more is granted.
    pub(crate) window: u32,
    /// Bytes of unfinished messages in chunks.
    pub(crate) split: usize,
    /// How many such messages.
    pub(crate) splits: usize,
}

/// Params and result of [`HELLO`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Hello {
    version: u32,
    #[serde(default)]
    items: u32,
    #[serde(default)]
    bytes: u32,
    #[serde(default)]
    chunk: u32,
    #[serde(default)]
    window: u32,
    #[serde(default)]
    split: u32,
    #[serde(default = "one")]
    splits: u32,
}

impl Hello {
    /// What this side says.
    pub(crate) fn ours(limits: &Limits, is_text: bool) -> Self {
        let Terms { stream, chunk, window, split, splits } = Terms::ours(limits, is_text);
        let whole = |size: usize| size.min(MOST as usize) as u32;
        Self {
            version: VERSION,
            items: stream.items,
            bytes: stream.bytes,
            chunk,
            window,
            split: whole(split),
            splits: whole(splits),
        }
    }

    /// What the peer said, where it speaks a version that we know.
    pub(crate) fn terms(&self) -> Option<Terms> {
        let Self { items, bytes, chunk, window, split, splits, .. } = *self;
        let in_range = [items, bytes, chunk, window, split, splits].iter().all(|&one| one <= MOST);
        (self.version > 0 && in_range).then_some(Terms {
            stream: Allowance { items: self.items, bytes: self.bytes },
            chunk: if self.window > 0 { self.chunk } else { 0 },
            window: self.window,
            split: self.split as usize,
            splits: self.splits.max(1) as usize,
        })
    }
}

impl Terms {
    /// What this side takes, in a format that is text or not.
    pub(crate) fn ours(limits: &Limits, is_text: bool) -> Self {
        // Base64 and texts are a third longer and slower to read: the same time is half the bytes.
        let share = if is_text { 2 } else { 1 };
        let bytes = limits.stream_bytes.min(MOST as usize) as u32;
        // A window over the throughput is how long a small message can be held up.
        let window = (bytes / 8).max(1);
        // Sixteen of them, and not only one with its envelope, must fit into a message.
        let chunk = (window / 3).clamp(1, CHUNK).min((limits.max_message / 16) as u32);
        Self {
            stream: Allowance {
                items: limits.stream_items.clamp(1, MOST),
                bytes: (bytes / share).max(1),
            },
            chunk,
            window,
            split: limits.max_split,
            splits: limits.max_splits,
        }
    }

    /// How large a message of ours is at most that the peer takes whole for sure; `None` where it
    /// takes no chunks.
    pub(crate) fn whole(&self) -> Option<usize> {
        (self.chunk > 0).then(|| 16 * self.chunk as usize)
    }

    /// How long chunks of ours are, but for the last of a message: no longer than half of the window,
    /// as who waits for more of it may wait for ever.
    pub(crate) fn part(&self) -> u32 {
        self.chunk.min((self.window / 2).max(1))
    }

    /// What a peer takes whose protocol has streams or chunks of its own: as much as we do.
    pub(crate) fn native(profile: &Profile, limits: &Limits) -> Option<Self> {
        (profile.initial_credit > 0 || profile.chunk.is_some()).then(|| Self {
            stream: Allowance { items: profile.initial_credit, bytes: u32::MAX },
            chunk: profile.chunk.unwrap_or(0),
            window: profile.initial_window,
            split: limits.max_split,
            splits: limits.max_splits,
        })
    }
}

fn one() -> u32 {
    1
}

const VERSION: u32 = 1;
/// The largest number of the specification.
const MOST: u32 = i32::MAX as u32;
/// The largest chunk that we ask for: small enough to be overtaken soon, large enough to cost
/// little more than its bytes.
const CHUNK: u32 = 32 << 10;
