//! [`Walk`]: the walk over a message that arrives in pieces, or that has something wrong with it.

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
    /// See [`Flaw::Syntax`](super::Flaw::Syntax).
    Syntax { at: usize, what: &'static str },
    /// A limit.
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
    /// A value.
    Value,
    /// The rest of a string.
    Text,
    /// The rest of a number.
    Number(Phase),
    /// Behind a value: a comma, or the end of the container.
    After,
}

/// Where a walk stands: all that it must remember between two pieces of a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Walk {
    step: Step,
    /// The first byte that was not walked.
    at: usize,
    /// Whether each open container is an object (1) or an array (0), the innermost lowest.
    kinds: u64,
    /// How many containers are open.
    depth: u32,
    /// How many more values may come.
    values: u32,
    /// Where the string or the number being walked begins; a string behind its quote.
    token: usize,
    /// Whether bytes outside of ASCII stand in the string being walked.
    wide: bool,
    /// The member of the envelope being walked.
    member: Option<Member>,
    /// Where the value of that member begins.
    value: usize,
}

impl Walk {
    /// A walk that begins.
    pub(super) fn new(values: u32) -> Self {
        Self {
            step: Step::Value,
            at: 0,
            kinds: 0,
            depth: 0,
            values,
            token: 0,
            wide: false,
            member: None,
            value: 0,
        }
    }

    /// Walks on, to the end of the value if it can.
    pub(super) fn run(
        &mut self,
        buffer: &[u8],
        limits: &ScanLimits,
        outline: &mut Outline,
    ) -> Result<usize, Stop> {
        if u32::try_from(buffer.len()).is_err() {
            return Err(Stop::Syntax { at: 0, what: "a message of 4 GiB" });
        }
        // A copy, so that the compiler may keep it in registers.
        let mut walk = *self;
        let result = walk.steps(buffer, limits, outline);
        *self = walk;
        result
    }

    #[inline(always)]
    fn steps(
        &mut self,
        buffer: &[u8],
        limits: &ScanLimits,
        outline: &mut Outline,
    ) -> Result<usize, Stop> {
        loop {
            match self.step {
                Step::FirstKey | Step::Key | Step::KeyText | Step::Colon => {
                    self.key(buffer, outline)?;
                }
                Step::FirstValue | Step::Value => self.value(buffer, limits, outline)?,
                Step::Text => {
                    self.text(buffer)?;
                    self.end_value(outline);
                }
                Step::Number(phase) => {
                    self.number(buffer, phase, limits)?;
                    self.end_value(outline);
                }
                Step::After if self.depth == 0 => return Ok(self.at),
                Step::After => self.after(buffer, outline)?,
            }
        }
    }

    /// Walks a key and its colon, or to the end of an empty object.
    #[inline(always)]
    fn key(&mut self, buffer: &[u8], outline: &mut Outline) -> Result<(), Stop> {
        if let Step::FirstKey | Step::Key = self.step {
            match token::peek(buffer, &mut self.at)? {
                b'"' => self.begin_text(Step::KeyText),
                b'}' if self.step == Step::FirstKey => {
                    self.step = Step::After;
                    return Ok(());
                }
                _ => return Err(Stop::Syntax { at: self.at, what: "a key was expected" }),
            }
        }
        if self.step == Step::KeyText {
            let key = self.text(buffer)?;
            if self.depth == 1 {
                self.member = Member::of_key(key);
                outline.unknown |= self.member.is_none();
            }
            self.step = Step::Colon;
        }
        match token::peek(buffer, &mut self.at)? {
            b':' => self.at += 1,
            _ => return Err(Stop::Syntax { at: self.at, what: "a colon was expected" }),
        }
        self.step = Step::Value;
        Ok(())
    }

    /// Walks into a value, or to the end of an empty array.
    #[inline(always)]
    fn value(
        &mut self,
        buffer: &[u8],
        limits: &ScanLimits,
        outline: &mut Outline,
    ) -> Result<(), Stop> {
        let first = token::peek(buffer, &mut self.at)?;
        if first == b']' && self.step == Step::FirstValue {
            self.step = Step::After;
            return Ok(());
        }
        if self.depth == 1 {
            self.value = self.at;
        }
        let Some(values) = self.values.checked_sub(1) else {
            return Err(Stop::Excess(Bound::Values));
        };
        match first {
            b'"' => self.begin_text(Step::Text),
            b'{' => self.open(Step::FirstKey, Kind::Object, limits, outline)?,
            b'[' => self.open(Step::FirstValue, Kind::Array, limits, outline)?,
            b'-' | b'0'..=b'9' => {
                self.token = self.at;
                self.step = Step::Number(Phase::Start);
            }
            _ => {
                self.at += token::literal(buffer, self.at, first)?;
                self.end_value(outline);
            }
        }
        self.values = values;
        Ok(())
    }

    #[inline(always)]
    fn open(
        &mut self,
        step: Step,
        kind: Kind,
        limits: &ScanLimits,
        outline: &mut Outline,
    ) -> Result<(), Stop> {
        if self.depth == limits.depth {
            return Err(Stop::Excess(Bound::Depth));
        }
        if self.depth == 0 {
            outline.kind = kind;
        }
        self.at += 1;
        self.depth += 1;
        self.kinds = self.kinds << 1 | u64::from(kind == Kind::Object);
        self.step = step;
        Ok(())
    }

    #[inline(always)]
    fn begin_text(&mut self, step: Step) {
        self.at += 1;
        self.token = self.at;
        self.wide = false;
        self.step = step;
    }

    /// Walks the rest of a string and answers what stands between its quotes.
    #[inline(always)]
    fn text<'a>(&mut self, buffer: &'a [u8]) -> Result<&'a [u8], Stop> {
        token::string(buffer, &mut self.at, &mut self.wide)?;
        let text = buffer.get(self.token..self.at - 1).unwrap_or_default();
        if self.wide
            && let Err(error) = std::str::from_utf8(text)
        {
            let at = self.token + error.valid_up_to();
            return Err(Stop::Syntax { at, what: "a string that is not UTF-8" });
        }
        Ok(text)
    }

    /// Walks the rest of a number.
    #[inline(always)]
    fn number(&mut self, buffer: &[u8], mut phase: Phase, limits: &ScanLimits) -> Result<(), Stop> {
        let result = token::number(buffer, &mut self.at, &mut phase);
        self.step = Step::Number(phase);
        // Before everything else, so that it does not matter in which pieces the number comes.
        if self.at - self.token > limits.digits as usize {
            return Err(Stop::Excess(Bound::Digits));
        }
        result
    }

    /// Notes a value that ended, if it is a member of the top level.
    #[inline(always)]
    fn end_value(&mut self, outline: &mut Outline) {
        if self.depth == 1
            && let Some(member) = self.member.take()
        {
            // Both fit: `run` refused longer buffers.
            outline.note(member, Span { start: self.value as u32, end: self.at as u32 });
        }
        self.step = Step::After;
    }

    /// Walks a comma, or the end of a container.
    #[inline(always)]
    fn after(&mut self, buffer: &[u8], outline: &mut Outline) -> Result<(), Stop> {
        let object = self.kinds & 1 == 1;
        match token::peek(buffer, &mut self.at)? {
            b',' => {
                self.at += 1;
                self.step = if object { Step::Key } else { Step::Value };
            }
            byte if byte == if object { b'}' } else { b']' } => {
                self.at += 1;
                self.depth -= 1;
                self.kinds >>= 1;
                self.end_value(outline);
            }
            _ => {
                let what = "a comma or the end of the container was expected";
                return Err(Stop::Syntax { at: self.at, what });
            }
        }
        Ok(())
    }

    /// True when the buffer ended in a number outside of any container that may end there.
    pub(super) fn may_end(&self) -> bool {
        self.depth == 0 && matches!(self.step, Step::Number(phase) if phase.may_end())
    }

    /// The way to the end of the value when it exceeds a limit, which is never inside a string.
    pub(super) fn skip(&self) -> Skip {
        Skip::new(self.at, self.depth as usize)
    }
}
