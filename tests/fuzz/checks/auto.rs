//! A server that recognises protocols and framings, with handlers that answer at once or later.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
    task::{Context, Waker},
};

use tinyrpc_core::{
    ContentLength, FrameReader, Framing, Id, Incoming, Length, Limits, Meta, NetString,
    PeerAddress, Protocol, Role, RpcError, Session, Settings, Shape, Turn,
};
use tinyrpc_dispatch::{Dispatcher, Engine, Scope, Service};
use tinyrpc_protocols::{JsonRpc, MsgPackRpc};

use super::{
    Dice, frame,
    said::{Answered, Said},
    stream::{Event, read_framed},
    value::Value,
};

/// The bytes of a peer, in pieces, while the answers leave in pieces, too.
pub(crate) fn auto(data: &[u8]) {
    for limits in [tight(), Limits { max_syntax_errors: 8, ..Limits::default() }] {
        let limits = Arc::new(limits.checked());
        let expected = Expected::of(data, &limits);
        let mut server = Server::new(Arc::clone(&limits), data);
        server.serve(data);
        server.compare(&expected);
    }
}

/// Limits that inputs of a few hundred bytes reach.
fn tight() -> Limits {
    Limits {
        max_depth: 8,
        max_values: 64,
        max_batch: 4,
        max_requests: 3,
        max_calls: 2,
        max_syntax_errors: 5,
        ..Limits::smallest()
    }
}

fn service() -> Arc<dyn Service> {
    static SERVICE: OnceLock<Arc<dyn Service>> = OnceLock::new();
    let service = SERVICE.get_or_init(|| {
        let service = Dispatcher::new()
            .method("add", |a: i64, b: i64| a.saturating_add(b))
            .params(["a", "b"])
            .method("echo", |value: Value| value)
            .method("text", |text: String, more: Option<char>| (more, text.len()))
            .method("fail", |code: i64| Err::<(), _>(RpcError::new(code, "as you wish")))
            .method("large", |size: u16| "x".repeat(size.into()))
            .method("later", |turns: u8, value: Value| async move {
                for _ in 0..turns {
                    turn().await;
                }
                value
            })
            .method("a", || {});
        Arc::new(service)
    });
    Arc::clone(service)
}

/// Lets all others have a turn.
async fn turn() {
    let mut waited = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut waited, true) {
            return std::task::Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

fn protocols() -> Vec<Arc<dyn Protocol>> {
    vec![Arc::new(JsonRpc), Arc::new(MsgPackRpc)]
}

/// What the first bytes of a peer say, by the table in the documentation.
struct Recognised {
    protocol: Arc<dyn Protocol>,
    framing: Option<Arc<dyn Framing>>,
    /// Nobody speaks like that here: one answer, and the end.
    stranger: bool,
}

impl Recognised {
    /// `None` while the bytes say nothing yet.
    fn by(data: &[u8], limits: &Limits) -> Option<Self> {
        let claimant = |first: u8| protocols().into_iter().find(|one| one.claims(first));
        let (&first, json) = (data.first()?, || Arc::new(JsonRpc) as Arc<dyn Protocol>);
        if let Some(protocol) = claimant(first) {
            return Some(Self { protocol, framing: None, stranger: false });
        }
        const HEADER: &[u8] = b"content-";
        let head = &data[..data.len().min(HEADER.len())];
        let framing: Arc<dyn Framing> = match first {
            0 => Arc::new(Length),
            b'0'..=b'9' => Arc::new(NetString),
            _ if head.eq_ignore_ascii_case(HEADER) => Arc::new(ContentLength),
            _ if head.eq_ignore_ascii_case(&HEADER[..head.len()]) => return None,
            _ => return Some(Self { protocol: json(), framing: None, stranger: true }),
        };
        let first = match framing.reader(limits.max_message).find(data) {
            tinyrpc_core::Scan::Need(_) => return None,
            tinyrpc_core::Scan::Frame { start, end, .. } => data[start..end].first().copied(),
            _ => None,
        };
        Some(match first.and_then(claimant) {
            Some(protocol) => Self { protocol, framing: Some(framing), stranger: false },
            None => Self { protocol: json(), framing: Some(framing), stranger: true },
        })
    }

    fn reader(&self, limits: &Limits) -> Option<Box<dyn FrameReader>> {
        self.framing.as_ref().map(|framing| framing.reader(limits.max_message))
    }
}

/// How often an id is to be answered, at least and at most.
type Times = (usize, usize);

/// The answers that a peer may expect.
#[derive(Default)]
struct Expected {
    answers: BTreeMap<Id<'static>, Times>,
    closes: bool,
    /// It used the extension, and so may be told something by it.
    extended: bool,
    /// The peer has said hello, in whatever words.
    greeted: bool,
    /// Chunks came behind a hello, of which it is not known here whether it was one, and which rules
    /// they keep: nothing is expected any more.
    vague: bool,
}

impl Expected {
    fn of(data: &[u8], limits: &Limits) -> Self {
        let mut expected = Self::default();
        let Some(recognised) = Recognised::by(data, limits) else { return expected };
        if recognised.stranger {
            expected.answer(Id::Null, (1, 1));
            expected.closes = true;
            return expected;
        }
        let mut codec = recognised.protocol.open(limits);
        let reader = recognised.reader(limits);
        let mut parts = Parts::default();
        for event in read_framed(&mut codec, reader, data, |_| usize::MAX) {
            match event {
                // Those of a peer that has not said hello are ignored.
                Event::Message { said: Said::Chunk { .. }, .. } if !expected.greeted => {}
                Event::Message { said: Said::Chunk { message, last, bytes }, .. } => {
                    (expected.extended, expected.vague) = (true, true);
                    if !parts.fit(message, &bytes, limits) {
                        expected.closes = true;
                        break;
                    }
                    if let Some(whole) = parts.take(message, last, &bytes) {
                        expected.message(Said::read(&mut *codec.decoder, frame(&whole)));
                    }
                }
                Event::Message { said, .. } => expected.message(said),
                Event::Bad { error, fatal } => {
                    // Where there is no room for an answer to nobody there is none.
                    expected.answer(Id::Null, (0, error.is_some().into()));
                    expected.closes |= fatal;
                }
            }
        }
        if codec.profile.format == tinyrpc_core::Format::MsgPack {
            // It cannot be said.
            expected.answers.remove(&Id::Null);
        }
        expected
    }

    fn message(&mut self, said: Said) {
        match said {
            Said::Call { id: Some(id), method, meta, .. } => {
                self.extended |= method == "rpc.hello" || meta != Meta::default();
                self.greeted |= method == "rpc.hello";
                self.answer(id, (1, 1));
            }
            // In a chunk: any depth of them would fit into one message.
            Said::Chunk { .. } => self.closes = true,
            Said::Wrong { answer: Answered::Error(id), .. } => self.answer(id, (1, 1)),
            Said::Wrong { answer: Answered::Close(id), .. } => {
                self.answer(id, (1, 1));
                self.closes = true;
            }
            Said::Batch(members) => members.into_iter().for_each(|member| self.message(member)),
            _ => {}
        }
    }

    fn answer(&mut self, id: Id<'static>, (least, most): Times) {
        let times = self.answers.entry(id).or_default();
        *times = (times.0 + least, times.1 + most);
    }
}

struct Server {
    engine: Engine,
    incoming: Incoming,
    sent: Vec<u8>,
    limits: Arc<Limits>,
    recognised: Option<Recognised>,
    dice: Dice,
}

impl Server {
    fn new(limits: Arc<Limits>, data: &[u8]) -> Self {
        let session = Session::new(Settings {
            limits: Arc::clone(&limits),
            ..Settings::new(Role::Server, Shape::Stream, protocols())
        });
        let scope = Arc::new(Scope::new(PeerAddress::Memory, session.caller(), None));
        Self {
            engine: Engine::new(session, service(), scope),
            incoming: Incoming::new(),
            sent: Vec::new(),
            recognised: Recognised::by(data, &limits),
            limits,
            dice: Dice::of(data),
        }
    }

    /// Feeds the stream, and then gives everybody all the turns that they want.
    fn serve(&mut self, data: &[u8]) {
        let mut at = 0;
        while at < data.len() {
            let paused = self.engine.session().is_paused();
            if !paused {
                let most = [1, 20, 200, data.len()][self.dice.below(4)];
                let end = data.len().min(at + 1 + self.dice.below(most));
                self.incoming.buffer().extend_from_slice(&data[at..end]);
                at = end;
            }
            let most = [0, 1, 100, usize::MAX - 1][if paused { 3 } else { self.dice.below(4) }];
            self.turn(most);
            self.check();
        }
        for _ in 0..100_000 {
            let sent = self.sent.len();
            let busy = self.turn(usize::MAX);
            self.check();
            let session = self.engine.session();
            let rests = session.is_closing() || !session.can_start() && session.running() == 0;
            if !busy && rests && self.sent.len() == sent {
                return;
            }
        }
        panic!("it does not come to rest: {:?}", self.engine);
    }

    /// One turn of a driver whose transport takes up to `most` bytes; true if a handler went on.
    fn turn(&mut self, mut most: usize) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        while self.engine.handle(&mut self.incoming, &mut cx) == Turn::More {}
        let busy = self.engine.poll_running(&mut cx);
        let session = self.engine.session();
        session.turn(0, Waker::noop());
        while most > 0 && !session.outgoing().is_empty() {
            let waiting = session.outgoing().bytes();
            let count = waiting.len().min(most);
            self.sent.extend_from_slice(&waiting[..count]);
            session.outgoing().advance(count);
            most -= count;
        }
        session.sent();
        busy
    }

    /// Nothing is kept without a bound.
    fn check(&mut self) {
        let limits = &self.limits;
        let (session, unread) = (self.engine.session(), self.incoming.buffer().len());
        // A batch of more requests has its turn when there are no others.
        let most = limits.max_requests.max(limits.max_batch);
        assert!(session.running() <= most, "{} requests, {most} may be", session.running());
        if !session.is_paused() {
            let most = limits.max_message + ContentLength::MAX_HEADER + 1;
            assert!(unread <= most, "{unread} bytes are kept for a message");
        }
        let largest = limits.max_message.max(limits.max_batch_answers) + ENVELOPE;
        let most = 2 * limits.max_outgoing + (limits.max_requests + 2) * largest;
        let waiting = session.outgoing().len();
        assert!(waiting <= most, "{waiting} bytes wait for the transport, {most} may");
    }

    /// Each request has exactly one answer, unless the connection ended before.
    fn compare(mut self, expected: &Expected) {
        let mut answers = BTreeMap::<Id<'static>, usize>::new();
        let roomy = Limits { max_values: u32::MAX, ..Limits::default() };
        if let Some(recognised) = &self.recognised {
            let mut codec = recognised.protocol.open(&roomy);
            let reader = recognised.reader(&roomy);
            let sent = std::mem::take(&mut self.sent);
            let mut parts = Parts::default();
            for event in read_framed(&mut codec, reader, &sent, |_| usize::MAX) {
                match event {
                    Event::Message { said: Said::Chunk { message, last, bytes }, .. }
                        if expected.extended =>
                    {
                        let Some(whole) = parts.take(message, last, &bytes) else { continue };
                        let said = Said::read(&mut *codec.decoder, frame(&whole));
                        *count(&mut answers, &said) += 1;
                    }
                    Event::Message {
                        said:
                            Said::Window(_) | Said::Credit { .. } | Said::Item { .. } | Said::Stop(_),
                        ..
                    } if expected.extended => {}
                    Event::Message { said: Said::Batch(members), .. } => {
                        members.iter().for_each(|member| *count(&mut answers, member) += 1);
                    }
                    Event::Message { said, .. } => *count(&mut answers, &said) += 1,
                    bad => panic!("{bad:?} was sent: {}", sent.escape_ascii()),
                }
            }
        }
        assert!(self.sent.is_empty(), "something was sent to nobody: {:?}", self.sent);
        if expected.vague {
            return;
        }
        let closed = self.engine.session().is_closing();
        assert!(closed || !expected.closes, "it does not close");
        for (id, times) in &answers {
            let most = expected.answers.get(id).map_or(0, |(_, most)| *most);
            assert!(*times <= most, "{times} answers to {id:?}, {most} are due");
        }
        if closed {
            return;
        }
        for (id, (least, _)) in &expected.answers {
            let times = answers.get(id).copied().unwrap_or_default();
            assert!(times >= *least, "{times} answers to {id:?}, {least} are due");
        }
    }
}

/// Messages that come in chunks.
#[derive(Default)]
struct Parts(BTreeMap<u32, Vec<u8>>);

impl Parts {
    /// True where the limits have room for another part.
    fn fit(&self, message: u32, bytes: &[u8], limits: &Limits) -> bool {
        let kept = self.0.values().map(Vec::len).sum::<usize>();
        let begins = !self.0.contains_key(&message);
        !(begins && self.0.len() >= limits.max_splits) && kept + bytes.len() <= limits.max_split
    }

    /// The message that a part completes.
    fn take(&mut self, message: u32, last: bool, bytes: &[u8]) -> Option<Vec<u8>> {
        self.0.entry(message).or_default().extend_from_slice(bytes);
        if last { self.0.remove(&message) } else { None }
    }
}

fn count<'a>(answers: &'a mut BTreeMap<Id<'static>, usize>, said: &Said) -> &'a mut usize {
    match said {
        Said::Result { id, .. } | Said::Error { id, .. } => answers.entry(id.clone()).or_default(),
        other => panic!("{other:?} is no answer"),
    }
}

/// What stands around an answer, at most.
const ENVELOPE: usize = 1024;
