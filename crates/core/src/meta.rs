//! `Meta`: what travels beside the params of a request or the result of a response.

use std::time::Duration;

use crate::{Allowance, Payload};

/// Optional companions of a message.
///
/// Requests and responses hold an `Option<Box<Meta>>`, so that the usual message without any pays
/// one null pointer. A protocol carries what it can say and leaves out the rest; nothing in here
/// is needed to execute a call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meta {
    /// How long the caller is still willing to wait. A duration, not a time: clocks differ.
    pub deadline: Option<Duration>,
    /// The caller wants the result as a stream, and takes this much before it grants more.
    pub stream: Option<Allowance>,
    /// The caller will send values of its own into the call.
    pub sends: bool,
    /// How many calls the caller is nested in; 0 for a root call.
    pub depth: u32,
    /// The trace context, as the W3C `traceparent` text.
    pub trace: Option<String>,
    /// The key under which a repeated request is recognised.
    pub idempotency_key: Option<String>,
    /// Who the transport or an authentication hook says the caller is.
    pub identity: Option<String>,
    /// Anything else the protocol carries, in the order in which it came.
    pub entries: Vec<(String, Payload)>,
}
