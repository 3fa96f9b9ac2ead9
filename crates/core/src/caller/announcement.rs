//! `Announcement`: one notification for many peers.

use std::{fmt, time::Duration};

use serde::Serialize;

use super::{Caller, encode_params};
use crate::{Choice, Error, Format, Wanted, draft::Draft};

/// A notification that goes to many peers. Its params are encoded once for each format.
///
/// ```
/// # use tinyrpc_core::{Announcement, Caller, Error};
/// # fn example(callers: Vec<Caller>) {
/// let mut news = Announcement::new("news", ("hello",));
/// let told = callers.iter().filter(|caller| news.send(caller).is_ok()).count();
/// # }
/// ```
pub struct Announcement<'a, P> {
    method: &'a str,
    params: P,
    encoded: Vec<(Format, Vec<u8>)>,
}

impl<'a, P: Serialize> Announcement<'a, P> {
    /// Prepares a notification; nothing is encoded yet.
    pub fn new(method: &'a str, params: P) -> Self {
        Self { method, params, encoded: Vec::new() }
    }

    /// Puts the notification into the queue of a peer, and waits for nothing: calls that wait
    /// their turn are overtaken.
    ///
    /// # Errors
    ///
    /// Nothing was sent then: the queue is full ([`Limits::max_outgoing`](crate::Limits::max_outgoing)),
    /// the connection is closed or cannot carry it, its protocol is not known yet, or the params
    /// cannot be encoded.
    pub fn send(&mut self, to: &Caller) -> Result<(), Error> {
        self.try_send(to).map_err(|error| to.errors.map(error))
    }

    fn try_send(&mut self, to: &Caller) -> Result<(), Error> {
        if let Some(roster) = &to.roster {
            // Of several peers one is told.
            let mut to = to.clone();
            to.calls = match roster.choose(&Wanted::any(None)) {
                Choice::Over(chosen) => chosen.calls,
                Choice::Nobody => return Err(Error::NotExecuted(roster.absence(Duration::ZERO))),
                Choice::Closed(reason) => return Err(Error::NotExecuted(reason)),
            };
            to.roster = None;
            return self.try_send(&to);
        }
        to.calls.check()?;
        let method = to.full_name(self.method);
        let draft = Draft {
            method: &method,
            params: &[],
            encoded: false,
            timeout: 0,
            nested: None,
            concealed: to.concealed,
            opening: None,
        };
        match to.format() {
            Some(format) => {
                let params = self.encode(format)?;
                to.calls.announce(&Draft { params, encoded: true, ..draft })
            }
            // It fails, in the words for what is the matter.
            None => to.calls.announce(&draft),
        }
    }

    /// The params in a format.
    fn encode(&mut self, format: Format) -> Result<&[u8], Error> {
        let known = self.encoded.iter().position(|(its, _)| *its == format);
        let index = known.unwrap_or(self.encoded.len());
        if known.is_none() {
            let mut bytes = Vec::new();
            encode_params(format, &self.params, &mut bytes)?;
            self.encoded.push((format, bytes));
        }
        Ok(self.encoded.get(index).map(|(_, bytes)| bytes.as_slice()).unwrap_or_default())
    }
}

impl<P> fmt::Debug for Announcement<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Announcement").field("method", &self.method).finish_non_exhaustive()
    }
}
