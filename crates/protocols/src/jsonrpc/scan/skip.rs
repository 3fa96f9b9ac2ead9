//! [`Skip`]: the end of a value, without a look at what is in it.

use memchr::memchr2;

/// Finds the end of a value by its strings and brackets alone, in constant memory.
///
/// For values that were walked already, and for those that will be dropped: brackets are counted
/// and not matched, so that any depth can be followed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Skip {
    /// The first byte that was not walked.
    at: usize,
    /// How many brackets are open.
    depth: usize,
    /// Whether `at` is in a string. Without it, and with no bracket open, `at` is in a number or a
    /// literal.
    text: bool,
}

impl Skip {
    /// Goes on from the middle of a value, but not of a string.
    pub(super) fn new(at: usize, depth: usize) -> Self {
        Self { at, depth, text: false }
    }

    /// The length of the value that begins with the first byte of `buffer`.
    pub(super) fn value(buffer: &[u8]) -> Option<usize> {
        match buffer.first()? {
            b'"' => Self { at: 1, depth: 0, text: true },
            b'{' | b'[' => Self::new(1, 1),
            _ => Self::new(0, 0),
        }
        .run(buffer)
    }

    /// Where the value ends, or `None` when the buffer ends first.
    pub(super) fn run(&mut self, buffer: &[u8]) -> Option<usize> {
        loop {
            if self.text {
                let rest = buffer.get(self.at..)?;
                let Some(offset) = find_end_or_escape(rest) else {
                    self.at = buffer.len();
                    return None;
                };
                self.at += offset;
                if rest.get(offset) == Some(&b'\\') {
                    // The escaped byte must be here too, or it could pass for a closing quote.
                    rest.get(offset + 1)?;
                    self.at += 2;
                    continue;
                }
                self.text = false;
            } else {
                match buffer.get(self.at)? {
                    b'0'..=b'9' | b'a'..=b'z' | b'+' | b'-' | b'.' | b'E' => {
                        self.at += 1;
                        continue;
                    }
                    _ if self.depth == 0 => return Some(self.at),
                    b'"' => {
                        self.at += 1;
                        self.text = true;
                        continue;
                    }
                    b'{' | b'[' => self.depth += 1,
                    b'}' | b']' => self.depth -= 1,
                    _ => {}
                }
            }
            self.at += 1;
            if self.depth == 0 {
                return Some(self.at);
            }
        }
    }
}

/// Where a string ends or an escape stands. Most strings are too short to set up a fast search.
#[inline(always)]
fn find_end_or_escape(text: &[u8]) -> Option<usize> {
    const SHORT: usize = 16;
    let found = text.iter().take(SHORT).position(|byte| matches!(byte, b'"' | b'\\'));
    found.or_else(|| Some(SHORT + memchr2(b'"', b'\\', text.get(SHORT..)?)?))
}
