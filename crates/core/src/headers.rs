//! `Headers`: what a transport is told beside each message.

use crate::Lane;

/// The headers that came with messages: of an HTTP request, of a WebSocket's handshake.
///
/// Authentication hooks and handlers read them. A transport that has none gives none to its
/// [`Connection`](crate::Connection).
pub trait Headers: Send + Sync {
    /// The value of a header of an exchange that goes on. Case does not matter in its name.
    ///
    /// `None` where it was not sent, was sent more than once, is not text, or where the exchange is
    /// over.
    fn get(&self, lane: Lane, name: &str) -> Option<String>;
}
