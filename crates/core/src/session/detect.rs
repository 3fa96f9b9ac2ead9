//! Which protocol the peer speaks, and in which framing, by its first bytes.

use std::sync::Arc;

use super::{Link, Session};
use crate::{
    Code, ContentLength, FrameReader, Framing, Lane, Length, NetString, Profile, Protocol, Reason,
    RpcError, Scan, Shape, Unsupported, outgoing::LARGE, streams::Terms, wire::Wire,
};

/// What the first bytes told.
pub(super) enum Detected {
    /// The protocol is known.
    Yes,
    /// More bytes are needed.
    NeedMore,
    /// So many bytes say nothing.
    Skip(usize),
    /// Nothing that is served here; the session is closing.
    No,
}

/// A peer whose framing is known: the first message decides the protocol.
#[derive(Debug)]
pub(super) struct Recognition {
    framing: Arc<dyn Framing>,
    /// It goes on where it stopped, however few bytes come at a time.
    reader: Box<dyn FrameReader>,
}

/// What the first bytes of a stream say about its framing.
enum Beginning {
    /// This one.
    Framed(Arc<dyn Framing>),
    /// None, or one that is not known here.
    Bare,
    /// Nothing yet.
    Open,
}

impl Session {
    /// Looks at the first bytes of a peer.
    ///
    /// | first bytes | meaning |
    /// |---|---|
    /// | one that a protocol claims | that protocol in its own framing |
    /// | 0x00 | a length of four bytes |
    /// | a digit | a netstring |
    /// | `Content-`, in any case | a header with the length |
    /// | anything else | answered once in the first protocol, and closed |
    ///
    /// Inside of a framing, whether it was recognised or set before, the first byte of the first
    /// message decides.
    pub(super) fn detect(&mut self, buffer: &[u8], lane: Lane) -> Detected {
        let Some(&first) = buffer.first() else { return Detected::NeedMore };
        if self.recognition.is_none() && self.settings.shape == Shape::Stream {
            let beginning = match &self.settings.framing {
                Some(framing) => Beginning::Framed(Arc::clone(framing)),
                None if self.claimant(first).is_some() => Beginning::Bare,
                None => beginning(buffer),
            };
            match beginning {
                Beginning::Framed(framing) => {
                    let reader = framing.reader(self.settings.limits.max_message);
                    self.recognition = Some(Recognition { framing, reader });
                }
                Beginning::Bare => {}
                Beginning::Open => return Detected::NeedMore,
            }
        }
        let Some(recognition) = &mut self.recognition else {
            return match self.claimant(first) {
                Some(protocol) => self.choose(&protocol, None),
                None => self.refuse_stranger(buffer, None, None, lane),
            };
        };
        let framing = Some(Arc::clone(&recognition.framing));
        match recognition.reader.find(buffer) {
            Scan::Need(_) => Detected::NeedMore,
            Scan::Skip(count) => Detected::Skip(count),
            Scan::Frame { start, end, .. } => {
                let first = buffer.get(start..end).and_then(|message| message.first());
                match first.and_then(|&first| self.claimant(first)) {
                    Some(protocol) => self.choose(&protocol, framing),
                    None => self.refuse_stranger(buffer, framing, None, lane),
                }
            }
            Scan::Bad { error, .. } => self.refuse_stranger(buffer, framing, error, lane),
        }
    }

    fn choose(
        &mut self,
        protocol: &Arc<dyn Protocol>,
        framing: Option<Arc<dyn Framing>>,
    ) -> Detected {
        self.decide(protocol, framing);
        Detected::Yes
    }

    /// Settles the protocol and the framing of the connection.
    pub(super) fn decide(
        &mut self,
        protocol: &Arc<dyn Protocol>,
        framing: Option<Arc<dyn Framing>>,
    ) {
        let limits = &self.settings.limits;
        let codec = protocol.open(limits);
        // An exchange has one message each way. Everywhere else a chunk must fit into a message,
        // whatever its envelope and encoding make of it.
        let chunk = codec.profile.chunk.filter(|&chunk| {
            let room = (limits.max_message / 2).min(u32::MAX as usize) as u32;
            self.settings.shape != Shape::Exchange && chunk.max(LARGE as u32) <= room
        });
        let profile = Profile { chunk, ..codec.profile };
        let framing = framing.filter(|_| self.settings.shape == Shape::Stream);
        if framing.as_ref().is_some_and(|framing| !framing.carries(codec.profile.format)) {
            let what = "carry this protocol, which is not text: use its own framing or `length`";
            return self.close(Unsupported { who: "the framing `lines`", what }.into());
        }
        let wire = Wire {
            encoder: codec.encoder,
            profile,
            shape: self.settings.shape,
            max_message: limits.max_message,
            framing: framing.clone(),
            most: Arc::default(),
        };
        self.calls.decide(wire.clone(), &mut self.wakes);
        if let Some(terms) = Terms::native(&profile, limits) {
            self.calls.set_terms(terms);
        }
        self.recognition = None;
        self.links.push(Link {
            protocol: Arc::clone(protocol),
            decoder: codec.decoder,
            reader: framing.map(|framing| framing.reader(limits.max_message)),
            wire,
        });
        self.speak(self.links.len() - 1);
    }

    /// Has the session speak the protocol of a message: over exchanges each may come from another
    /// peer, as behind a proxy or a broker.
    pub(super) fn speak_as(&mut self, message: &[u8]) {
        if self.settings.shape != Shape::Exchange || self.settings.protocols.len() < 2 {
            return;
        }
        let Some(&first) = message.first() else { return };
        let spoken = self.links.get(self.tongue);
        if spoken.is_none_or(|link| link.protocol.claims_later(first)) {
            return;
        }
        let Some(protocol) = self.claimant(first) else { return };
        let known = self.links.iter().position(|link| Arc::ptr_eq(&link.protocol, &protocol));
        match known {
            Some(tongue) => self.speak(tongue),
            None => self.decide(&protocol, None),
        }
    }

    /// Has the session speak one of its protocols.
    pub(super) fn speak(&mut self, tongue: usize) {
        self.tongue = tongue;
        if let Some(link) = self.links.get(tongue) {
            self.outgoing.set_hint(link.wire.hint());
        }
    }

    fn claimant(&self, first: u8) -> Option<Arc<dyn Protocol>> {
        let is_exchange = self.settings.shape == Shape::Exchange;
        let claims = |protocol: &&Arc<dyn Protocol>| match is_exchange {
            true => protocol.claims_later(first),
            false => protocol.claims(first),
        };
        self.settings.protocols.iter().find(claims).cloned()
    }

    /// Answers bytes of no known protocol once, and closes.
    fn refuse_stranger(
        &mut self,
        buffer: &[u8],
        framing: Option<Arc<dyn Framing>>,
        error: Option<RpcError>,
        lane: Lane,
    ) -> Detected {
        const WHY: &str = "the first bytes belong to no protocol that is served here";
        if self.trace.is_some() {
            self.trace_nonsense(buffer);
        }
        if let Some(protocol) = self.settings.protocols.first().cloned() {
            self.decide(&protocol, framing);
            let error = error.unwrap_or_else(|| RpcError::new(Code::PARSE_ERROR, WHY));
            self.bad(Some(error), true, lane);
        } else {
            self.close(Reason::Closed(WHY.into()));
        }
        Detected::No
    }
}

/// Recognises a framing by its first bytes.
fn beginning(buffer: &[u8]) -> Beginning {
    match buffer.first() {
        Some(0) => Beginning::Framed(Arc::new(Length)),
        Some(b'0'..=b'9') => Beginning::Framed(Arc::new(NetString)),
        _ => {
            // `CONNECT` begins the request to a proxy, and shares three letters.
            let seen = buffer.get(..HEADER.len()).unwrap_or(buffer);
            if !HEADER.get(..seen.len()).is_some_and(|part| part.eq_ignore_ascii_case(seen)) {
                Beginning::Bare
            } else if seen.len() < HEADER.len() {
                Beginning::Open
            } else {
                Beginning::Framed(Arc::new(ContentLength))
            }
        }
    }
}

/// What the first field of a header begins with: its length, or what it is.
const HEADER: &[u8] = b"Content-";
