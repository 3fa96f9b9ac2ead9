//! [`Walk`]: where a scan stands, and the grammar by which it moves.

use super::{
    Bound, Kind, Member, Outline, ScanLimits, Span,
    skip::Skip,
    token::{self, Phase},
};

/// Why a walk stopped before the end of the value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stop {
    /// The buffer ended first.
    More,
    Syntax {
        at: usize,
        what: &'static str,
    },
    Excess(Bound),
}

/// What may come next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Behind `{`: a key, or the end.
    FirstKey,
    /// Behind the comma of an object: a key.
    Key,
    /// The rest of a key.
    KeyText,
    /// Behind a key.
    Colon,
    /// Behind `[`: a value, or the end.
    FirstValue,
    Value,
    /// The rest of a string.
    Text,
    /// The rest of a number.
    Number,
    /// Behind a value: a comma, or the end of the container.
    After,
}

/// Where a scan stands: all that it must remember between two pieces of a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Walk {
    step: Step,
    phase: Phase,
    /// The first byte that was not walked.
    at: usize,
    /// Whether each open container is an object (1) or an array (0), the innermost lowest.
    kinds: u64,
    /// How many containers are open.
    depth: u32,
    /// How many more values may come.
    values: u32,
    /// Where the string or number being walked begins.
    token: usize,
    /// Whether the string being walked may hold bytes outside of ASCII.
    wide: u64,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Inside {
    /// The member of the envelope being walked, and where its value begins.
    member: Option<Member>,
    value: usize,
}

impl Walk {
    #[inline]
    pub(super) fn new(values: u32) -> Self {
        Self {
            step: Step::Value,
            phase: Phase::Sign,
            at: 0,
            kinds: 0,
            depth: 0,
            values,
            token: 0,
            wide: 0,
        }
    }

    /// Walks to the end of the value.
    pub(super) fn run(
        &mut self,
        buffer: &[u8],
        limits: &ScanLimits,
        inside: &mut Inside,
        outline: &mut Outline,
    ) -> Result<usize, Stop> {
        // A copy, so that the compiler may keep it in registers.
        let mut walk = *self;
        let result = walk.steps(buffer, limits, inside, outline);
        *self = walk;
        result
    }

    #[inline(always)]
    fn steps(
        &mut self,
        buffer: &[u8],
        limits: &ScanLimits,
        inside: &mut Inside,
        outline: &mut Outline,
    ) -> Result<usize, Stop> {
        if u32::try_from(buffer.len()).is_err() {
            return Err(Stop::Syntax { at: 0, what: "a message of 4 GiB" });
        }
        if self.at == 0 && buffer.starts_with(PREAMBLE) && limits.values >= 2 {
            self.preamble(outline);
        }
        let mut step = self.step;
        'walk: loop {
            'after: {
                'number: {
                    'text: {
                        'value: {
                            'colon: {
                                match step {
                                    Step::FirstKey => {
                                        self.step = step;
                                        let first = token::peek(buffer, &mut self.at)?;
                                        if first == b'}' {
                                            break 'after;
                                        }
                                        self.open_text(first)?;
                                    }
                                    Step::Key => {
                                        self.step = step;
                                        let first = token::peek(buffer, &mut self.at)?;
                                        self.open_text(first)?;
                                    }
                                    Step::KeyText => {}
                                    Step::Colon => break 'colon,
                                    Step::FirstValue | Step::Value => break 'value,
                                    Step::Text => break 'text,
                                    Step::Number => break 'number,
                                    Step::After => break 'after,
                                }
                                self.step = Step::KeyText;
                                self.text(buffer)?;
                                if self.depth == 1 {
                                    let key = buffer.get(self.token..self.at.saturating_sub(1)).unwrap_or_default();
                                    inside.member = Member::of_key(key);
                                    outline.unknown |= inside.member.is_none();
                                }
                            }
                            self.step = Step::Colon;
                            match token::peek(buffer, &mut self.at)? {
                                b':' => self.at += 1,
                                _ => return Err(Stop::Syntax { at: self.at, what: "a colon was expected" }),
                            }
                            step = Step::Value;
                        }
                        self.step = step;
                        let first = token::peek(buffer, &mut self.at)?;
                        if first == b']' && step == Step::FirstValue {
                            break 'after;
                        }
                        if self.depth == 1 {
                            inside.value = self.at;
                        }
                        let Some(values) = self.values.checked_sub(1) else {
                            return Err(Stop::Excess(Bound::Values));
                        };
                        match first {
                            b'"' => {
                                self.values = values;
                                self.open_text(first)?;
                            }
                            b'{' => {
                                self.open(limits, outline, 1)?;
                                self.values = values;
                                step = Step::FirstKey;
                                continue 'walk;
                            }
                            b'[' => {
                                self.open(limits, outline, 0)?;
                                self.values = values;
                                step = Step::FirstValue;
                                continue 'walk;
                            }
                            b'-' | b'0'..=b'9' => {
                                self.values = values;
                                self.token = self.at;
                                self.at += 1;
                                self.phase = match first {
                                    b'-' => Phase::Sign,
                                    b'0' => Phase::Zero,
                                    _ => Phase::Integer,
                                };
                                break 'text;
                            }
                            _ => {
                                self.at += token::literal(buffer, self.at, first)?;
                                self.values = values;
                                self.ended(inside, outline);
                                break 'after;
                            }
                        }
                        step = Step::Text;
                    }
                    if step == Step::Text {
                        self.step = Step::Text;
                        self.text(buffer)?;
                        self.ended(inside, outline);
                        break 'after;
                    }
                }
                self.step = Step::Number;
                let mut phase = self.phase;
                let result = token::number(buffer, &mut self.at, &mut phase);
                self.phase = phase;
                if self.at - self.token > limits.digits as usize {
                    return Err(Stop::Excess(Bound::Digits));
                }
                result?;
                self.ended(inside, outline);
            }
            self.step = Step::After;
            loop {
                if self.depth == 0 {
                    return Ok(self.at);
                }
                let object = self.kinds & 1 == 1;
                match token::peek(buffer, &mut self.at)? {
                    b',' => {
                        self.at += 1;
                        step = if object { Step::Key } else { Step::Value };
                        break;
                    }
                    b'}' if object => {}
                    b']' if !object => {}
                    _ => {
                        let what = "a comma or the end of the container was expected";
                        return Err(Stop::Syntax { at: self.at, what });
                    }
                }
                self.at += 1;
                self.depth -= 1;
                self.kinds >>= 1;
                self.ended(inside, outline);
            }
        }
    }

    #[inline(always)]
    fn open(&mut self, limits: &ScanLimits, outline: &mut Outline, kind: u64) -> Result<(), Stop> {
        if self.depth == 0 {
            outline.kind = if kind == 1 { Kind::Object } else { Kind::Array };
        }
        if self.depth == limits.depth {
            return Err(Stop::Excess(Bound::Depth));
        }
        self.at += 1;
        self.depth += 1;
        self.kinds = self.kinds << 1 | kind;
        Ok(())
    }

    #[inline(always)]
    fn open_text(&mut self, first: u8) -> Result<(), Stop> {
        if first != b'"' {
            return Err(Stop::Syntax { at: self.at, what: "a key was expected" });
        }
        self.at += 1;
        self.token = self.at;
        self.wide = 0;
        Ok(())
    }

    /// Takes the bytes with which most messages of most peers begin in one step.
    #[inline(always)]
    fn preamble(&mut self, outline: &mut Outline) {
        self.at = PREAMBLE.len();
        self.step = Step::After;
        self.kinds = 1;
        self.depth = 1;
        self.values = self.values.saturating_sub(2);
        outline.kind = Kind::Object;
        outline.note(Member::Jsonrpc, Span { start: 11, end: 16 });
    }

    /// Walks the rest of a string.
    #[inline(always)]
    fn text(&mut self, buffer: &[u8]) -> Result<(), Stop> {
        token::string(buffer, &mut self.at, &mut self.wide)?;
        if self.wide != 0 {
            self.check_utf8(buffer)?;
        }
        Ok(())
    }

    #[cold]
    fn check_utf8(&self, buffer: &[u8]) -> Result<(), Stop> {
        let text = buffer.get(self.token..self.at).unwrap_or_default();
        match std::str::from_utf8(text) {
            Ok(_) => Ok(()),
            Err(error) => {
                let at = self.token + error.valid_up_to();
                Err(Stop::Syntax { at, what: "a string that is not UTF-8" })
            }
        }
    }

    /// Notes a value that ended when it is a member of the top level.
    #[inline(always)]
    fn ended(&mut self, inside: &mut Inside, outline: &mut Outline) {
        if self.depth == 1
            && let Some(member) = inside.member.take()
        {
            outline.note(member, Span { start: inside.value as u32, end: self.at as u32 });
        }
    }

    /// True when the buffer ended in a number outside of any container that may end there.
    pub(super) fn ends_in_number(&self) -> bool {
        self.depth == 0 && self.step == Step::Number && self.phase.may_end()
    }

    /// The way to the end of a value that is not walked to its end.
    pub(super) fn skip(&self) -> Skip {
        let in_text = self.step == Step::Text;
        Skip::new(self.at, self.depth as usize, in_text)
    }
}

/// How most peers begin a message.
const PREAMBLE: &[u8; 16] = br#"{"jsonrpc":"2.0""#;
