//! How a caller learns whether its peer knows the extension.

use std::{
    future::{Future, IntoFuture, poll_fn},
    pin::pin,
    task::Poll,
    time::Duration,
};

use super::{Caller, ErrorMap};
use crate::{
    Code, Error, Format, Payload, Reason, Reports, Unsupported,
    calls::not_extended,
    format::Shape,
    streams::{HELLO, Hello, Terms},
};

impl Caller {
    /// Asks the peer whether it knows the extension (`docs/extensions.md`), and tells it that we do.
    ///
    /// From then on dropped calls and timeouts are told to the peer, deadlines travel, and messages
    /// that are over `max_message` go in chunks, up to `max_split`. The first call that streams asks
    /// by itself, and the first one whose params are over `max_message`. Other calls never do,
    /// because some peers close the connection when they meet a method that they do not know.
    ///
    /// # Errors
    ///
    /// [`Reason::Unsupported`] where the peer answers by an error, or not within
    /// [`Limits::hello`](crate::Limits::hello); where protocol or transport cannot carry it; and over
    /// several connections, each of which is asked when it is first needed. Otherwise as any call.
    ///
    /// # Cancel safety
    ///
    /// As for any call. Asking again is harmless, and costs nothing once the peer has answered.
    pub async fn extend(&self) -> Result<(), Error> {
        self.extend_within(self.calls.limits.hello).await
    }

    /// The same within another time.
    pub(super) async fn extend_within(&self, time: Duration) -> Result<(), Error> {
        if self.roster.is_some() {
            let what = "say hello: each of its connections does when it is needed";
            return Err(Unsupported { who: "a caller over several connections", what }.into());
        }
        if self.calls.terms().is_some() {
            return Ok(());
        }
        self.calls.check()?;
        if !self.calls.can_extend() {
            return Err(not_extended().into());
        }
        let caller =
            Self { prefix: None, errors: ErrorMap::default(), ..self.clone() }.with_timeout(time);
        let is_text = self.format().is_none_or(Format::is_text);
        let ours = Hello::ours(&self.calls.limits, is_text);
        self.calls.offer();
        let mut asked = pin!(caller.call_raw(HELLO, (ours,)).into_future());
        let mut known = pin!(self.calls.known());
        let answer = poll_fn(|cx| match known.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(None),
            Poll::Pending => asked.as_mut().poll(cx).map(Some),
        });
        // It may have answered somebody else, or have said so by itself.
        let Some(answer) = answer.await else { return Ok(()) };
        match answer {
            Ok(theirs) => match read(&theirs) {
                Some(terms) => self.calls.set_terms(terms),
                None => {
                    self.calls.set_stock();
                    return Err(not_extended().into());
                }
            },
            Err(Error::NotExecuted(Reason::Refused(error))) if error.code == Code::REFUSED => {
                return Err(Error::NotExecuted(Reason::Refused(error)));
            }
            Err(Error::Answered(_) | Error::Mismatch(_)) => {
                self.calls.set_stock();
                return Err(not_extended().into());
            }
            Err(error) if error.is_timeout() => return Err(not_extended().into()),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// In which words reports of a call that goes on can be sent to the peer; `None` where the
    /// protocol has none, or is not known yet, and where nothing can be sent but answers.
    pub fn reports(&self) -> Option<Reports> {
        let reports = self.calls.wire()?.profile.reports?;
        self.calls.check().ok().map(|()| reports)
    }

    /// True once the peer has said that it knows the extension.
    pub fn is_extended(&self) -> bool {
        self.calls.terms().is_some()
    }
}

/// What a peer says that it takes. Only a map counts: a peer may answer anything by anything.
fn read(theirs: &Payload) -> Option<Terms> {
    match theirs.format.shape(&theirs.bytes) {
        Shape::Map { .. } => theirs.decode::<Hello>().ok()?.terms(),
        _ => None,
    }
}
