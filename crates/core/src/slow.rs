//! `Slow`: what is done about a subscriber that takes less than there is.

/// What becomes of the items of a subscription for which there is no room.
///
/// It is chosen for each subscription, by either side for itself: the server's buffer is before
/// the connection, the client's behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Slow {
    /// Nothing is lost, and whoever gives the items waits. A server asks its stream for no more
    /// items than the connection takes. A client stops reading its connection while its buffer is
    /// full and no call of its own is in flight.
    Wait,
    /// The oldest item in the buffer makes room for the newest: for subscribers that want to know
    /// how things are, and not how they came to be so.
    DropOldest,
    /// What does not fit is dropped.
    DropNewest,
    /// The subscription ends with an error, behind what is in the buffer.
    Close,
}
