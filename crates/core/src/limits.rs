//! `Limits`: every bound of a connection and of a server, in one place.

use std::time::Duration;

/// All limits, each with its unit, default and reason.
///
/// Every field is finite by default. Names are the same in code, URL options and error messages.
///
/// ```
/// use tinyrpc_core::Limits;
///
/// let limits = Limits { max_calls: 16, ..Limits::default() };
/// assert!(limits.checked().max_requests >= 16);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one message, either way. Default 4 MiB: above it a message should be a stream. To and
    /// from a peer that takes chunks it may be larger, up to `max_split`.
    pub max_message: usize,
    /// Levels of nesting of one message. Default 64: no honest value comes near, and a stack of
    /// 256 KiB survives it.
    pub max_depth: u32,
    /// Values (scalars, sequences, maps) in one message. Default 100,000: an empty array takes one
    /// byte on the wire and more than thirty in memory.
    pub max_values: u32,
    /// Digits of one number in a text format. Default 1,024: parsing is not linear for all of them.
    pub max_digits: u32,
    /// Bytes of a method's name. Default 256.
    pub max_method: usize,
    /// Bytes of an id that is not a number. Default 256: it is kept and echoed.
    pub max_id: usize,
    /// Messages in one batch. Default 100.
    pub max_batch: usize,
    /// Bytes of all answers to one batch. Default 4 MiB: a batch multiplies.
    pub max_batch_answers: usize,
    /// Calls that we may have in flight to one peer. Default 1,024. Further calls wait, or fail
    /// when they said that they would not. Calls nested in a call of that peer do not count.
    pub max_calls: usize,
    /// Requests of one peer that may be in execution. Default 1,024. Further ones wait in the
    /// backlog. INVARIANT: not below `max_calls`, or two peers with the same limits could starve.
    pub max_requests: usize,
    /// Bytes of requests that wait for execution. Default 1 MiB; above it requests are refused as
    /// not executed, and notifications are waited for by not reading on.
    pub max_backlog: usize,
    /// Bytes that wait to be taken by the transport. Default 1 MiB; above it calls wait and
    /// requests are not started.
    pub max_outgoing: usize,
    /// Subscriptions of one peer. Default 256; above it subscribing is refused.
    pub max_subscriptions: usize,
    /// Bytes of all messages of one peer that are being received in chunks. Default 64 MiB.
    pub max_split: usize,
    /// Messages of one peer that are being received in chunks. Default 64.
    pub max_splits: usize,
    /// Values of one stream that a peer may send before it is granted more. Default 1,024: small
    /// values wait for no credit on the way.
    pub stream_items: u32,
    /// Bytes of one stream that a peer may send before it is granted more, half of that over a text
    /// format. Default 256 KiB. Of all its messages in chunks it is an eighth: this over the
    /// throughput is how long a small message can be held up by a large one. That part grows by
    /// itself, four times where nothing else comes, and up to sixteen times where a round trip takes
    /// over a millisecond: to what comes in two of them.
    pub stream_bytes: usize,
    /// Bytes of a stream that is collected into one array for a caller that knows no streams.
    /// Default 1 MiB; a longer one is answered by an error.
    pub max_collected: usize,
    /// How long a peer may take to say whether it knows the extension. Default 5 s.
    pub hello: Duration,
    /// How long a peer may take nothing while bytes wait for it. Default 10 s, then the
    /// connection is closed.
    pub write_stall: Duration,
    /// How long a connection may not be read because nothing of what came can begin. Default 60 s,
    /// then it is closed: meanwhile nobody would notice that the peer is gone.
    pub read_stall: Duration,
    /// How long a call waits for its answer unless it says otherwise. Default 30 s.
    pub call_timeout: Duration,
    /// How deep calls may nest between two peers that call each other. Default 32.
    pub max_nesting: u32,
    /// Messages in a row that do not parse before the connection is closed. Default 100.
    pub max_syntax_errors: u32,
    /// How long a peer may take to log in, and a server to decide about it, where there is a hook
    /// that does. Default 5 s: a login is one message.
    pub auth: Duration,
    /// Connections of one server. Default 1,024.
    pub max_connections: usize,
    /// Connections from one address, loopback exempt. Default 64.
    pub max_connections_per_address: usize,
    /// How long a handshake may take: over HTTP and WebSocket from a connection to its first whole
    /// head, and from the first byte of each further head to its end. Default 10 s, of which that
    /// of TLS has 5 s at most.
    pub handshake: Duration,
    /// Bytes of the head of one HTTP request. Default 16 KiB: cookies and tokens fit, floods do not.
    pub max_head: usize,
    /// Headers of one HTTP request. Default 64.
    pub max_headers: usize,
    /// How long the body of one HTTP request may take. Default 30 s; after 5 s it must also have
    /// come at 1 KiB a second.
    pub body: Duration,
    /// How long an HTTP connection may be idle between two requests. Default 60 s.
    pub idle: Duration,
    /// How often a silent peer is asked whether it lives, where the transport has a question for
    /// that: WebSocket and ZeroMQ have one, and over TCP it is the peer's system that answers
    /// (whole seconds, one at least). It is given up after two questions that it did not answer.
    /// Default 15 s; zero never asks.
    pub heartbeat: Duration,
    /// How long bytes that were sent over TCP may go without an acknowledgement of the peer's
    /// system, on Linux. Default 30 s, as two heartbeats: a system by itself takes a quarter of
    /// an hour to find out that a peer with calls in flight is gone. Zero leaves it to the system.
    pub unacknowledged: Duration,
    /// How long nothing is heard of a call that is idempotent before it is sent again, over a
    /// transport that loses messages, as UDP does; doubled each time. Default 1 s, as RFC 8085
    /// section 3.1.1 has it for those who do not measure.
    pub resend: Duration,
    /// How long the requests of a peer may go on after it has closed its sending side. Default
    /// 1 s: enough for a script that sends a request and closes, short for a peer that is gone.
    pub half_close: Duration,
    /// How long calls in flight may take to finish when a server shuts down. Default 30 s.
    pub shutdown: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_message: 4 << 20,
            max_depth: 64,
            max_values: 100_000,
            max_digits: 1024,
            max_method: 256,
            max_id: 256,
            max_batch: 100,
            max_batch_answers: 4 << 20,
            max_calls: 1024,
            max_requests: 1024,
            max_backlog: 1 << 20,
            max_outgoing: 1 << 20,
            max_subscriptions: 256,
            max_split: 64 << 20,
            max_splits: 64,
            stream_items: 1024,
            stream_bytes: 256 << 10,
            max_collected: 1 << 20,
            hello: Duration::from_secs(5),
            write_stall: Duration::from_secs(10),
            read_stall: Duration::from_secs(60),
            call_timeout: Duration::from_secs(30),
            max_nesting: 32,
            max_syntax_errors: 100,
            auth: Duration::from_secs(5),
            max_connections: 1024,
            max_connections_per_address: 64,
            handshake: Duration::from_secs(10),
            max_head: 16 << 10,
            max_headers: 64,
            body: Duration::from_secs(30),
            idle: Duration::from_secs(60),
            heartbeat: Duration::from_secs(15),
            unacknowledged: Duration::from_secs(30),
            resend: Duration::from_secs(1),
            half_close: Duration::from_secs(1),
            shutdown: Duration::from_secs(30),
        }
    }
}

impl Limits {
    /// The most calls in flight that a connection can number: the slot takes 16 bits of an id.
    pub const MOST_CALLS: usize = 1 << 16;

    /// The smallest limits with which two peers still finish everything, one call at a time.
    ///
    /// For tests and for tiny machines.
    pub fn smallest() -> Self {
        Self {
            max_message: 512,
            max_depth: 4,
            max_values: 32,
            max_digits: 32,
            max_method: 16,
            max_id: 16,
            max_batch: 1,
            max_batch_answers: 512,
            max_calls: 1,
            max_requests: 1,
            max_backlog: 4 << 10,
            max_outgoing: 512,
            max_subscriptions: 1,
            max_split: 512,
            max_splits: 1,
            stream_items: 1,
            stream_bytes: 256,
            max_collected: 512,
            max_connections: 1,
            max_connections_per_address: 1,
            ..Self::default()
        }
    }

    /// The same limits with every field raised to what a connection needs to work at all, and
    /// `max_requests` to `max_calls`.
    pub fn checked(mut self) -> Self {
        let least = Self::smallest();
        self.max_message = self.max_message.clamp(least.max_message, u32::MAX as usize);
        self.max_depth = self.max_depth.clamp(least.max_depth, 64);
        self.max_values = self.max_values.max(least.max_values);
        self.max_digits = self.max_digits.max(least.max_digits);
        self.max_method = self.max_method.max(least.max_method);
        self.max_id = self.max_id.max(least.max_id);
        self.max_batch = self.max_batch.max(least.max_batch);
        self.max_batch_answers = self.max_batch_answers.max(least.max_batch_answers);
        self.max_calls = self.max_calls.clamp(1, Self::MOST_CALLS);
        self.max_requests = self.max_requests.max(self.max_calls);
        self.max_backlog = self.max_backlog.max(least.max_backlog);
        self.max_subscriptions = self.max_subscriptions.max(least.max_subscriptions);
        self.max_split = self.max_split.max(least.max_split);
        self.max_splits = self.max_splits.max(least.max_splits);
        self.stream_items = self.stream_items.max(1);
        self.stream_bytes = self.stream_bytes.max(least.stream_bytes);
        self.max_collected = self.max_collected.min(self.max_message);
        self.max_outgoing = self.max_outgoing.max(least.max_outgoing);
        self.max_nesting = self.max_nesting.max(1);
        self.max_syntax_errors = self.max_syntax_errors.max(1);
        self.max_connections = self.max_connections.max(1);
        self.max_connections_per_address = self.max_connections_per_address.max(1);
        self
    }
}
