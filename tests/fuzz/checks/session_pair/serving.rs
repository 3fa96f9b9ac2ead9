//! [`Serving`]: what one side does with the requests of the other.

use std::{cell::RefCell, rc::Rc};

use serde::de::IgnoredAny;
use tinyrpc_core::{Caller, Error, ReplyTo, Request, RpcError, Serve, Ticket};

use super::{
    Ledger, Promise, Tasks,
    ledger::Entry,
    script::{CALL_TIMEOUT, End},
};

/// The handlers of one side.
///
/// | method | what it does |
/// |---|---|
/// | `echo` | answers with its params |
/// | `sized` | answers with a text of as many bytes as its argument says, times ten |
/// | `fail` | answers with an error |
/// | `mute` | forgets to answer |
/// | `nest` | calls its own peer, as deep as its argument says, and then answers |
/// | `hold` | waits until the script says more |
pub(super) struct Serving {
    end: End,
    caller: Caller,
    /// Whether a handler may call its own peer: not where answers wait for the handler.
    nests: bool,
    tasks: Rc<RefCell<Tasks>>,
    ledger: Rc<RefCell<Ledger>>,
    /// The time, for the deadlines of nested calls.
    pub(super) now: u64,
    pub(super) held: Vec<Ticket>,
    pub(super) nesting: Vec<(Ticket, Promise<Result<(), Error>>)>,
}

/// What a request that goes on waits for.
pub(super) enum Pending {
    Hold,
    Nest(u8),
}

impl Serving {
    pub(super) fn new(
        end: End,
        caller: Caller,
        nests: bool,
        tasks: &Rc<RefCell<Tasks>>,
        ledger: &Rc<RefCell<Ledger>>,
    ) -> Self {
        Self {
            end,
            caller,
            nests,
            tasks: Rc::clone(tasks),
            ledger: Rc::clone(ledger),
            now: 0,
            held: Vec::new(),
            nesting: Vec::new(),
        }
    }
}

impl Serve for Serving {
    type Pending = Pending;

    fn start(&mut self, request: &Request<'_>, reply: &mut ReplyTo<'_>) -> Option<Pending> {
        let (number, argument, _) =
            request.params.decode::<(u32, u8, IgnoredAny)>().expect("params as they were sent");
        self.ledger.borrow_mut().execute(number as usize);
        match &*request.method {
            "echo" => reply.payload(request.params),
            "sized" => reply.result(&"y".repeat(10 * usize::from(argument))),
            "fail" => reply.error(&RpcError::server("as the script wants")),
            "nest" if !self.nests || argument % DEEPEST == 0 => reply.result(&()),
            "nest" => return Some(Pending::Nest(argument % DEEPEST - 1)),
            "hold" => {
                // Half an answer, which is to be taken back.
                reply.result("never seen");
                return Some(Pending::Hold);
            }
            _ => {}
        }
        None
    }

    fn pending(&mut self, ticket: Ticket, pending: Pending) {
        let Pending::Nest(depth) = pending else { return self.held.push(ticket) };
        let deadline = Some(self.now + CALL_TIMEOUT * 1_000_000);
        let number = self.ledger.borrow_mut().open(Entry::call(self.end, deadline));
        let (caller, ledger) = (self.caller.nested(), Rc::clone(&self.ledger));
        let nested = self.tasks.borrow_mut().spawn(async move {
            let params = (number as u32, depth, "");
            let result = caller.call::<_, IgnoredAny>("nest", params).await.map(drop);
            ledger.borrow_mut().end(number, result.clone());
            result
        });
        self.nesting.push((ticket, nested));
    }

    fn cancelled(&mut self, ticket: Ticket) {
        self.held.retain(|held| *held != ticket);
        self.nesting.retain(|(nesting, _)| *nesting != ticket);
    }
}

/// How deep calls nest is bounded by this.
const DEEPEST: u8 = 6;
