//! Hello: the peer says that it knows the extension, and is told what we take.

use super::{Place, Session};
use crate::{
    Format, Lane, Request, RpcError,
    streams::{HELLO, Hello},
};

impl Session {
    /// True for the request by which a peer says that it knows the extension.
    pub(super) fn is_hello(&self, request: &Request<'_>) -> bool {
        request.method == HELLO
            && request.id.is_some()
            && self.calls.line.is_duplex()
            && request.lane == Lane::DUPLEX
            && self.links.get(self.tongue).is_some_and(|link| link.wire.profile.extension)
    }

    /// Answers it: from then on both sides may speak the extension.
    pub(super) fn hello(&mut self, request: &Request<'_>, place: Option<Place>) {
        let Some(format) = self.links.get(self.tongue).map(|link| link.wire.format()) else {
            return;
        };
        let terms = read(format, request.params.bytes).and_then(|hello| hello.terms());
        let ours = Hello::ours(&self.settings.limits, format.is_text());
        let known = terms.is_some();
        self.reply(request.id.as_ref(), request.lane, None, place, |reply| match known {
            true => reply.result(&ours),
            false => {
                let why = "hello takes one map with a `version` of at least 1";
                reply.error(&RpcError::invalid_params(why));
            }
        });
        if let Some(terms) = terms {
            self.calls.set_terms(terms);
        }
    }
}

/// The map, by itself or as the only one of the params.
fn read(format: Format, params: &[u8]) -> Option<Hello> {
    let one = format.decode::<(Hello,)>(params).map(|(hello,)| hello);
    one.or_else(|_| format.decode(params)).ok()
}
