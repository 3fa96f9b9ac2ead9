//! `Script`: a service whose answers a test decides.

use tinyrpc_core::{Channels, ReplyTo, Request, RpcError, Serve, Ticket};

/// What was asked of it, and what was held back.
///
/// | method | what it does |
/// |---|---|
/// | `echo` | answers with its params |
/// | `large` | answers with a text of as many bytes as its first param says |
/// | `fail` | answers with an error |
/// | `mute` | forgets to answer |
/// | `note` | answers null |
/// | anything else | goes on until the test finishes it |
#[derive(Default)]
pub(crate) struct Script {
    /// Every request that was begun: its method and params.
    pub(crate) started: Vec<String>,
    /// Requests that go on, oldest first.
    pub(crate) pending: Vec<Ticket>,
    /// Requests that nobody waits for any more.
    pub(crate) cancelled: Vec<Ticket>,
    /// The streams of requests that have some, oldest first.
    pub(crate) channels: Vec<Channels>,
}

impl Serve for Script {
    type Pending = ();

    fn start(&mut self, request: &Request<'_>, reply: &mut ReplyTo<'_>) -> Option<()> {
        let params = String::from_utf8_lossy(request.params.bytes);
        let shown: String = params.chars().take(40).collect();
        self.started.push(format!("{}{shown}", request.method));
        self.channels.extend(request.channels.clone());
        match &*request.method {
            "echo" => reply.payload(request.params),
            "large" => {
                let (size,): (usize,) = request.params.decode().expect("a size");
                reply.result(&"x".repeat(size));
            }
            "fail" => reply.error(&RpcError::server("it failed")),
            "note" => reply.result(&()),
            "mute" => {}
            _ => {
                // Half an answer, which is to be taken back.
                reply.result("never seen");
                return Some(());
            }
        }
        None
    }

    fn pending(&mut self, ticket: Ticket, (): ()) {
        self.pending.push(ticket);
    }

    fn cancelled(&mut self, ticket: Ticket) {
        self.pending.retain(|&other| other != ticket);
        self.cancelled.push(ticket);
    }
}
