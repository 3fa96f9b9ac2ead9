//! `capture`: an answer as a value in place of bytes for the wire.
//!
//! A reply can only be written on behalf of a session, so there is one here: of one exchange, with
//! a protocol whose envelope is empty.

use std::sync::{Arc, Mutex, PoisonError};

use tinyrpc_core::{
    Codec, Decoder, Encoder, Format, Frame, FrameRef, Hint, Id, Incoming, Invalid, Lane, Limits,
    Message, Payload, Profile, Protocol, ReplyTo, Request, Role, RpcError, Scan, Serve, Session,
    Settings, Shape, Taken, Ticket, Unsupported,
};

/// Runs `write` and gives what it answered.
///
/// What a notification is answered with is nothing.
pub(crate) fn capture(
    format: Format,
    notification: bool,
    write: impl FnOnce(&mut ReplyTo<'_>),
) -> Result<Payload, RpcError> {
    let kept = Arc::new(Envelope { format, notification, error: Mutex::default() });
    let mut session = Session::new(Settings {
        role: Role::Server,
        shape: Shape::Exchange,
        protocols: vec![Arc::new(Bare(Arc::clone(&kept)))],
        framing: None,
        limits: Arc::new(limits()),
    });
    let mut incoming = Incoming::new();
    incoming.push(Frame { lane: LANE, bytes: format.null().into(), hint: Hint::None });
    session.handle(&mut incoming, &mut Once(Some(write)));
    let answer = match session.outgoing().pop() {
        Some(Taken::Frame(frame)) => frame.bytes,
        _ => return Ok(Payload { bytes: Default::default(), format }),
    };
    if &answer[..] != ERROR {
        return Ok(Payload { bytes: answer, format });
    }
    let error = kept.error.lock().unwrap_or_else(PoisonError::into_inner).take();
    Err(error.unwrap_or_else(|| RpcError::internal("an error without words")))
}

/// The limits of the connection come later, when the answer is sent.
#[expect(clippy::field_reassign_with_default, reason = "`Limits` has fields to come")]
fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_message = usize::MAX;
    limits
}

/// The protocol: a request is any frame, a result is its own encoding, an error stays here.
#[derive(Debug)]
struct Bare(Arc<Envelope>);

#[derive(Debug)]
struct Envelope {
    format: Format,
    notification: bool,
    error: Mutex<Option<RpcError>>,
}

impl Protocol for Bare {
    fn name(&self) -> &'static str {
        "captured"
    }

    fn open(&self, _limits: &Limits) -> Codec {
        Codec {
            decoder: Box::new(Self(Arc::clone(&self.0))),
            encoder: Arc::new(Self(Arc::clone(&self.0))),
            profile: Profile::new(self.0.format),
        }
    }
}

impl Decoder for Bare {
    fn find(&mut self, buffer: &[u8]) -> Scan {
        Scan::frame(0, buffer.len())
    }

    fn decode<'f>(&mut self, frame: FrameRef<'f>) -> Result<Message<'f>, Invalid<'f>> {
        Ok(Message::Request(Request {
            id: (!self.0.notification).then_some(Id::Null),
            method: "".into(),
            params: frame.payload(&[], self.0.format),
            named: None,
            meta: None,
            lane: frame.lane,
        }))
    }
}

impl Encoder for Bare {
    fn request(
        &self,
        _out: &mut Vec<u8>,
        _id: Option<&Id<'_>>,
        _method: &str,
        _params: &[u8],
    ) -> Result<(), Unsupported> {
        Err(Unsupported { who: "a captured answer", what: "make calls" })
    }

    fn begin_result(&self, _out: &mut Vec<u8>, _id: &Id<'_>) {}

    fn error(&self, out: &mut Vec<u8>, _id: &Id<'_>, error: &RpcError) {
        *self.0.error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.clone());
        out.extend_from_slice(ERROR);
    }
}

/// Serves the one request.
struct Once<F>(Option<F>);

impl<F: FnOnce(&mut ReplyTo<'_>)> Serve for Once<F> {
    type Pending = ();

    fn start(&mut self, _request: &Request<'_>, reply: &mut ReplyTo<'_>) -> Option<()> {
        let write = self.0.take()?;
        write(reply);
        None
    }

    fn pending(&mut self, _ticket: Ticket, _pending: ()) {}

    fn cancelled(&mut self, _ticket: Ticket) {}
}

const LANE: Lane = Lane(1);
/// Stands where an error was answered; it begins no value in any format.
const ERROR: &[u8] = &[0xc1];
