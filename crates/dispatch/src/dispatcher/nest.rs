//! `Nest`: a service for all methods of one prefix.

use std::{fmt, sync::Arc};

use tinyrpc_core::ReplyTo;

use crate::{Invocation, Service, Started};

/// A service, and what its methods' names begin with.
#[derive(Clone)]
pub(super) struct Nest {
    pub(super) prefix: Arc<str>,
    pub(super) service: Arc<dyn Service>,
}

impl Nest {
    /// The first service that has the method; where all say that they have not, the last whose
    /// prefix fits, to answer so.
    pub(super) fn choose<'n>(nests: &'n [Self], name: &str) -> Option<&'n Self> {
        let mut chosen: Option<&Self> = None;
        for nest in nests.iter().filter(|nest| name.starts_with(&*nest.prefix)) {
            // The usual single candidate is not asked: it looks the method up anyway.
            if chosen.is_some_and(|earlier| earlier.has_method(name)) {
                break;
            }
            chosen = Some(nest);
        }
        chosen
    }

    pub(super) fn has_method(&self, name: &str) -> bool {
        name.strip_prefix(&*self.prefix).is_some_and(|rest| self.service.has_method(rest))
    }

    pub(super) fn start(
        &self,
        invocation: &mut Invocation<'_, '_>,
        reply: &mut ReplyTo<'_>,
    ) -> Started {
        let method = invocation.method.get(self.prefix.len()..).unwrap_or_default();
        self.service.start(&mut Invocation { method, cx: invocation.cx, ..*invocation }, reply)
    }
}

impl fmt::Debug for Nest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nest").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}
