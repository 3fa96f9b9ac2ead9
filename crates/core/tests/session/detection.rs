//! Which protocol a peer speaks: by its first bytes, and what happens before and without them.

use std::{sync::Arc, task::Waker, time::Duration};

use tinyrpc_core::{
    ContentLength, Ended, Error, Framing, Id, Incoming, Lane, Length, Limits, Lines, NetString,
    Outcome, Reason, Role, Session, Settings, Shape, Turn,
};

use crate::support::{Identity, Pair, Script, Setup, pair::show};

const ONE: Identity = Identity { mark: b'=', batches: true, cancels: false, chunk: None };
const OTHER: Identity = Identity { mark: b'#', batches: true, cancels: false, chunk: None };

fn undecided(shape: Shape, spoken: Identity) -> Pair {
    let setup = Setup { served: vec![ONE, OTHER], ..Setup::shape(shape).protocol(spoken) };
    setup.pair()
}

#[test]
fn the_first_byte_decides() {
    for shape in [Shape::Messages, Shape::Stream, Shape::Exchange] {
        for spoken in [ONE, OTHER] {
            let mut pair = undecided(shape, spoken);
            assert_eq!(pair.server.caller().format(), None);
            let call = pair.call::<Vec<u8>>("echo", (5,));
            pair.settle();
            assert_eq!(call.ok(), [5], "{shape:?}");
            assert!(pair.server.caller().format().is_some());
        }
    }
}

#[test]
fn byte_by_byte() {
    let mut pair = undecided(Shape::Stream, OTHER);
    pair.bytes = 1;
    let call = pair.call::<Vec<u8>>("echo", (5,));
    pair.settle();
    assert_eq!(call.ok(), [5]);
}

#[test]
fn a_server_that_calls_first_waits_for_a_word() {
    let mut pair = undecided(Shape::Messages, OTHER);
    let early = pair.call_back::<Vec<u8>>("echo", (1,));
    let notification = {
        let caller = pair.server.caller();
        pair.tasks.spawn(async move { caller.notify("note", (2,)).await })
    };
    pair.settle();
    assert!(early.is_pending() && notification.is_pending());
    let call = pair.call::<Vec<u8>>("echo", (5,));
    pair.settle();
    assert_eq!(call.ok(), [5]);
    assert_eq!(early.ok(), [1]);
    notification.ok();
    assert_eq!(pair.client.script.started, ["echo[1]", "note[2]"]);
}

#[track_caller]
fn check_cause(error: Error) {
    assert_eq!(error.outcome(), Outcome::NotExecuted);
    assert_eq!(
        error.to_string(),
        "the call was not executed: the connection is closed: the peer has not spoken yet, so its \
         protocol is not known: name one in the URL"
    );
}

#[test]
fn a_peer_that_never_speaks_is_the_cause() {
    let mut pair = undecided(Shape::Messages, OTHER);
    let waiting = pair.call_back::<()>("echo", (1,));
    let caller = pair.server.caller();
    let impatient = pair.tasks.spawn(async move { caller.try_call::<_, ()>("echo", ()).await });
    pair.settle();
    check_cause(impatient.err());
    assert_eq!(pair.server.next, Some(pair.now + 30_000_000));
    pair.pass(Duration::from_secs(30));
    check_cause(waiting.err());

    let lost = pair.call_back::<()>("echo", (1,));
    pair.settle();
    pair.server.session.lose(Reason::Closed("gone".into()));
    pair.tasks.run();
    assert_eq!(lost.err().outcome(), Outcome::NotExecuted);
}

#[test]
fn a_stranger_is_answered_once_and_executes_nothing() {
    for shape in [Shape::Messages, Shape::Stream, Shape::Exchange] {
        for greeting in ["POST / HTTP/1.1", " ", "\0\0\0\0", "?=q1\u{1f}note\u{1f}\u{1f}\u{1f}[]"] {
            let mut pair = undecided(shape, ONE);
            let lane = if shape == Shape::Exchange { Lane(4) } else { Lane::DUPLEX };
            pair.server.receive_on(lane, greeting.into());
            pair.server.receive_on(lane, ONE.call(Some(Id::Number(1)), "note", "[]"));
            pair.server.turn(pair.now);
            assert!(pair.server.script.started.is_empty());
            assert!(pair.server.session.is_closing());
            if shape == Shape::Stream {
                let bytes = pair.server.session.outgoing().bytes();
                let text = String::from_utf8_lossy(bytes).into_owned();
                assert_eq!(text.matches("belong to no protocol").count(), 1, "{text}");
                continue;
            }
            let answer = pair.server.pop().expect("an answer");
            assert_eq!(answer.lane, lane);
            assert!(pair.server.pop().is_none(), "{shape:?} {greeting:?}");
            if shape == Shape::Exchange {
                // Both messages claimed the same lane, so it ends twice.
                let expected = [(lane, Ended::Answered), (lane, Ended::Refused)];
                assert_eq!(pair.server.ended, expected);
            }
        }
    }
}

#[test]
fn bytes_that_could_still_become_a_protocol_are_waited_for() {
    let mut pair = undecided(Shape::Stream, ONE);
    pair.server.incoming.buffer().extend_from_slice(&[0, 0, 0]);
    pair.server.turn(pair.now);
    assert!(!pair.server.session.is_closing());
    let mut pair = undecided(Shape::Messages, ONE);
    pair.server.receive("".into());
    pair.server.receive(ONE.call(Some(Id::Number(1)), "note", "[]"));
    pair.server.turn(pair.now);
    assert_eq!(pair.server.pop_all(), ["=r1  null"]);
}

/// A server that knows two protocols, and what it made of a stream.
struct Heard {
    started: Vec<String>,
    sent: String,
    closing: bool,
}

/// Feeds a stream in steps to a server that recognises framings, or has this one.
fn hear(stream: &[u8], step: usize, framing: Option<Arc<dyn Framing>>) -> Heard {
    let mut session = Session::new(Settings {
        framing,
        limits: Arc::new(Limits { max_message: 1000, ..Limits::default() }),
        ..Settings::new(Role::Server, Shape::Stream, vec![Arc::new(ONE), Arc::new(OTHER)])
    });
    let (mut incoming, mut script, mut sent) = (Incoming::new(), Script::default(), Vec::new());
    for chunk in stream.chunks(step) {
        incoming.buffer().extend_from_slice(chunk);
        while session.handle(&mut incoming, &mut script) == Turn::More {}
        session.turn(0, Waker::noop());
        while !session.outgoing().is_empty() {
            let count = session.outgoing().bytes().len();
            sent.extend_from_slice(session.outgoing().bytes());
            session.outgoing().advance(count);
        }
    }
    Heard { started: script.started, sent: show(&sent), closing: session.is_closing() }
}

/// In one piece, byte by byte, and in steps that end within heads.
#[track_caller]
fn hear_in_every_way(stream: &[u8], framing: Option<Arc<dyn Framing>>) -> Heard {
    let whole = hear(stream, stream.len(), framing.clone());
    for step in [1, 2, 5] {
        let other = hear(stream, step, framing.clone());
        let text = format!("{:.60}", String::from_utf8_lossy(stream));
        assert_eq!(other.started, whole.started, "{text:?} in steps of {step}");
        assert_eq!(other.sent, whole.sent, "{text:?} in steps of {step}");
        assert_eq!(other.closing, whole.closing, "{text:?} in steps of {step}");
    }
    whole
}

/// Two calls of `note` in a framing.
fn two_calls(protocol: Identity, framing: &dyn Framing) -> Vec<u8> {
    let mut stream = Vec::new();
    for id in [1, 2] {
        let start = framing.open(&mut stream);
        stream.extend_from_slice(&protocol.call(Some(Id::Number(id)), "note", "[]"));
        framing.close(start, &mut stream);
    }
    stream
}

#[test]
fn framings_are_recognised() {
    let framings: [Arc<dyn Framing>; 3] =
        [Arc::new(Length), Arc::new(ContentLength), Arc::new(NetString)];
    for framing in framings {
        for protocol in [ONE, OTHER] {
            let mark = char::from(protocol.mark);
            let stream = two_calls(protocol, &*framing);
            // It is recognised, or was named before.
            for named in [None, Some(Arc::clone(&framing))] {
                let heard = hear_in_every_way(&stream, named);
                assert_eq!(heard.started, ["note[]", "note[]"], "{framing:?}");
                assert!(!heard.closing);
                // The answers are framed alike.
                let mut answers = Vec::new();
                for id in [1, 2] {
                    let start = framing.open(&mut answers);
                    answers.extend_from_slice(format!("{mark}r{id}\x1f\x1fnull").as_bytes());
                    framing.close(start, &mut answers);
                }
                assert_eq!(heard.sent, show(&answers), "{framing:?}");
            }
        }
    }
}

#[test]
fn headers_are_recognised_in_any_case() {
    let call = String::from_utf8(two_calls(ONE, &ContentLength)).expect("text");
    let kind = "content-type: text/plain\r\n";
    for stream in [
        call.to_lowercase(),
        call.replace("Content", "CONTENT"),
        call.replace("Content", "cOnTeNt"),
        call.replace("Content", &format!("{kind}Content")),
        call.replace("\r\n\r\n", &format!("\r\n{kind}\r\n")),
        call.replace('\r', ""),
    ] {
        let heard = hear_in_every_way(stream.as_bytes(), None);
        assert_eq!(heard.started, ["note[]", "note[]"], "{stream:?}");
    }
}

#[test]
fn what_begins_like_a_framing_and_is_none() {
    let call = two_calls(ONE, &Lines);
    #[track_caller]
    fn check(stream: &[u8], framing: Option<Arc<dyn Framing>>, expected: &str) {
        let text = format!("{:.60}", String::from_utf8_lossy(stream));
        let heard = hear_in_every_way(stream, framing);
        assert!(heard.started.is_empty(), "{text:?}");
        assert!(heard.closing, "{text:?}");
        assert!(heard.sent.contains(expected), "{text:?}: {}", heard.sent);
        let answers = heard.sent.matches("=e").count();
        assert_eq!(answers, 1, "{text:?}: {}", heard.sent);
    }
    let none = "belong to no protocol";
    for (head, expected) in [
        ("CONNECT a.example:443 HTTP/1.1\r\n\r\n", none),
        ("connect: 5\r\n\r\n", none),
        ("Contend-Length: 5\r\n\r\n", none),
        ("Content Length: 5\r\n\r\n", none),
        ("Cookie: a\r\nContent-Length: 5\r\n\r\n", none),
        ("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n", none),
        ("Content-Length: 5\r\n\r\nhello", none),
        ("Content-Length: 0\r\n\r\n", none),
        ("5:hello,", none),
        ("0:,", none),
        ("\0\0\0\x05hello", none),
        ("\0\0\0\0", none),
        ("Content-Length / HTTP/1.1\r\n\r\n", "no `:`"),
        ("Content-Length: -1\r\n\r\n", "not a decimal number"),
        ("Content-Type: text/plain\r\n\r\n", "no Content-Length"),
        ("Content-Length: 1001\r\n", "`max_message` of 1000 bytes"),
        ("1001:", "`max_message` of 1000 bytes"),
        ("\0\0\x7f\x7f", "`max_message` of 1000 bytes"),
        ("7 / HTTP/1.1\r\n\r\n", "begins with its length"),
        ("2:{}.", "no comma"),
    ] {
        let mut stream = head.as_bytes().to_vec();
        // A length that is not met yet is met by the calls behind it.
        stream.extend(call.repeat(100));
        check(&stream, None, expected);
    }
    // Named framings do not look for others.
    let named: [(Arc<dyn Framing>, &[u8], &str); 4] = [
        (Arc::new(ContentLength), b"5:hello,", "control characters"),
        (Arc::new(NetString), b"Content-Length: 5\r\n\r\nhello", "begins with its length"),
        (Arc::new(Length), b"Content-Length: 5\r\n\r\nhello", "`max_message` of 1000 bytes"),
        (Arc::new(Lines), b"5:hello,\n", none),
    ];
    for (framing, head, expected) in named {
        check(&[head, &call].concat(), Some(framing), expected);
    }
}

#[test]
fn a_beginning_that_can_become_anything_is_waited_for() {
    for head in
        ["C", "co", "CON", "Content", "Content-", "Content-Length: 7\r\n\r\n=", "7", "7:=q1"]
    {
        let heard = hear_in_every_way(head.as_bytes(), None);
        assert!(heard.started.is_empty() && heard.sent.is_empty() && !heard.closing, "{head:?}");
    }
    // Empty lines before the first message say nothing.
    let mut stream = b"\r\n\n".to_vec();
    stream.extend(two_calls(OTHER, &Lines));
    let heard = hear_in_every_way(&stream, Some(Arc::new(Lines)));
    assert_eq!(heard.started, ["note[]", "note[]"]);
}

#[test]
fn the_limit_of_a_message_does_not_count_its_head() {
    // A result in the envelope `=r1`, two separators and two quotes.
    const ENVELOPE: usize = 7;
    let framings: [Arc<dyn Framing>; 4] =
        [Arc::new(Lines), Arc::new(Length), Arc::new(ContentLength), Arc::new(NetString)];
    for framing in framings {
        for (size, fits) in [(1000 - ENVELOPE, true), (1001 - ENVELOPE, false)] {
            let mut stream = Vec::new();
            let start = framing.open(&mut stream);
            let call = ONE.call(Some(Id::Number(1)), "large", &format!("[{size}]"));
            stream.extend_from_slice(&call);
            framing.close(start, &mut stream);
            let heard = hear_in_every_way(&stream, Some(Arc::clone(&framing)));
            assert_eq!(heard.sent.contains(&"x".repeat(size)), fits, "{framing:?}");
            assert_eq!(heard.sent.contains("`max_message` of 1000 bytes"), !fits, "{framing:?}");
        }
    }
}
