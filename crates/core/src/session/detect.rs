//! Which protocol the peer speaks, by its first bytes.

use std::sync::Arc;

use super::{Link, Session};
use crate::{
    Code, Framing, Lane, Length, Profile, Protocol, Reason, RpcError, Shape, Unsupported,
    outgoing::LARGE, wire::Wire,
};

/// What the first bytes told.
pub(super) enum Detected {
    /// The protocol is known.
    Yes,
    /// More bytes are needed.
    NeedMore,
    /// Nothing that is served here; the session is closing.
    No,
}

impl Session {
    /// Looks at the first bytes of a peer.
    ///
    /// | first byte | meaning |
    /// |---|---|
    /// | claimed by a protocol | that protocol in its own framing |
    /// | 0x00 | a length of four bytes; the byte behind it decides |
    /// | anything else | answered once in the first protocol, and closed |
    pub(super) fn detect(&mut self, buffer: &[u8], lane: Lane) -> Detected {
        let Some(&first) = buffer.first() else { return Detected::NeedMore };
        if let Some(protocol) = self.claimant(first) {
            let framing = self.settings.framing.clone();
            self.decide(&protocol, framing);
            return Detected::Yes;
        }
        let explicit = self.settings.framing.is_some() || self.settings.shape != Shape::Stream;
        if first == 0 && !explicit {
            let Some(&behind) = buffer.get(LENGTH_HEAD) else { return Detected::NeedMore };
            if let Some(protocol) = self.claimant(behind) {
                self.decide(&protocol, Some(Arc::new(Length)));
                return Detected::Yes;
            }
        } else if let Some(framing) = self.settings.framing.clone()
            && self.settings.shape == Shape::Stream
        {
            // A framing hides the protocol's first byte: look into the first frame.
            match framing.reader(self.settings.limits.max_message).find(buffer) {
                crate::Scan::Need(_) => return Detected::NeedMore,
                crate::Scan::Frame { start, .. } => {
                    let inner = buffer.get(start).copied().and_then(|byte| self.claimant(byte));
                    if let Some(protocol) = inner {
                        self.decide(&protocol, Some(framing));
                        return Detected::Yes;
                    }
                }
                _ => {}
            }
        }
        if self.trace.is_some() {
            self.trace_received(buffer);
        }
        self.refuse_stranger(lane);
        Detected::No
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
        let framing = framing.filter(|_| self.settings.shape == Shape::Stream);
        if framing.as_ref().is_some_and(|framing| !framing.carries(codec.profile.format)) {
            let what = "carry this protocol, which is not text: use its own framing or `length`";
            return self.close(Unsupported { who: "the framing `lines`", what }.into());
        }
        let wire = Wire {
            encoder: codec.encoder,
            profile: Profile { chunk, ..codec.profile },
            shape: self.settings.shape,
            max_message: match chunk {
                Some(_) => limits.max_split,
                None => limits.max_message,
            },
            framing: framing.clone(),
        };
        self.calls.decide(wire.clone(), &mut self.wakes);
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
        if spoken.is_none_or(|link| link.protocol.claims(first)) {
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
        self.settings.protocols.iter().find(|protocol| protocol.claims(first)).cloned()
    }

    /// Answers bytes of no known protocol once, and closes.
    fn refuse_stranger(&mut self, lane: Lane) {
        const WHY: &str = "the first bytes belong to no protocol that is served here";
        if let Some(protocol) = self.settings.protocols.first().cloned() {
            self.decide(&protocol, None);
            self.bad(Some(RpcError::new(Code::PARSE_ERROR, WHY)), true, lane);
        } else {
            self.close(Reason::Closed(WHY.into()));
        }
    }
}

/// The bytes of a length before a message.
const LENGTH_HEAD: usize = 4;
