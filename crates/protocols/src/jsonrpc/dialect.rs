//! [`Dialect`]: which requests are taken for some.

use tinyrpc_core::Id;

/// A version of JSON-RPC. Answers are read alike in all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// 1.x: requests have no version, and those without an id are notifications, whether it is
    /// null or absent.
    One,
    /// 2.0.
    Two,
}

impl Dialect {
    /// The id of a request, which makes it no notification.
    pub(super) fn id(self, id: Option<Id<'_>>) -> Option<Id<'_>> {
        match (self, id) {
            (Self::One, Some(Id::Null)) => None,
            (_, id) => id,
        }
    }
}
