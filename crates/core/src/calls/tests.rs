//! What two threads at once can do to each other, step by step.

use std::task::Waker;

use super::*;
use crate::{Encoder, Format, Id, Outcome, Profile, RpcError};

/// Says nothing but the method.
#[derive(Debug)]
struct Plain {
    /// Closed while a call is encoded outside of the lock, as by another thread.
    meanwhile: Mutex<Option<Arc<Calls>>>,
}

impl Encoder for Plain {
    fn request(
        &self,
        out: &mut Vec<u8>,
        _id: Option<&Id<'_>>,
        method: &str,
        params: &[u8],
    ) -> Result<(), Unsupported> {
        if let Some(calls) = self.meanwhile.lock().expect("unpoisoned").take() {
            let reason = Reason::Closed("meanwhile".into());
            calls.close(&reason, Rest::Dropped, &Outgoing::new(Shape::Messages), &mut Vec::new());
        }
        out.extend_from_slice(method.as_bytes());
        out.extend_from_slice(params);
        Ok(())
    }

    fn begin_result(&self, _out: &mut Vec<u8>, _id: &Id<'_>) {}

    fn error(&self, _out: &mut Vec<u8>, _id: &Id<'_>, _error: &RpcError) {}
}

fn wire(encoder: Plain) -> Wire {
    Wire {
        encoder: Arc::new(encoder),
        framing: None,
        profile: Profile::new(Format::Json),
        shape: Shape::Messages,
        max_message: 1 << 20,
        most: Arc::default(),
    }
}

fn undecided() -> Arc<Calls> {
    Calls::new(Line::DUPLEX, Arc::new(Limits::default()))
}

fn draft(params: &[u8], encoded: bool) -> Draft<'_> {
    Draft {
        method: "m",
        params,
        encoded,
        timeout: 1000,
        nested: None,
        concealed: false,
        opening: None,
    }
}

#[test]
fn the_protocol_becomes_known_between_encoding_and_sending() {
    let calls = undecided();
    // The params could not be encoded, then the peer spoke: the call must not go out without them.
    calls.decide(wire(Plain { meanwhile: Mutex::default() }), &mut Vec::new());
    let patience = Patience::Wait(None, Waker::noop());
    let Ok(Begun::Waiting(key)) = calls.begin(&draft(b"", false), patience, None) else {
        panic!("it is sent without params");
    };
    // The next turn lets the caller try again.
    let mut out = Outgoing::new(Shape::Messages);
    calls.collect(&mut out, 0, None, 5, Waker::noop(), &mut Vec::new());
    assert!(out.is_empty());
    let patience = Patience::Wait(Some(key), Waker::noop());
    assert!(matches!(calls.begin(&draft(b"[1]", true), patience, None), Ok(Begun::Sent(1))));
    calls.collect(&mut out, 0, None, 5, Waker::noop(), &mut Vec::new());
    assert!(matches!(out.pop(), Some(crate::Taken::Frame(frame)) if *frame.bytes == *b"m[1]"));
}

#[test]
fn the_connection_closes_while_large_params_are_encoded() {
    let calls = undecided();
    let meanwhile = Mutex::new(Some(Arc::clone(&calls)));
    calls.decide(wire(Plain { meanwhile }), &mut Vec::new());
    let params = vec![b'1'; LARGE];
    let begun = calls.begin(&draft(&params, true), Patience::Fail, None);
    // Either it fails at once or it is ended: it must not wait for ever, and nothing is sent.
    let error = begun.map(|_| ()).expect_err("the connection is closed");
    assert_eq!(error.outcome(), Outcome::NotExecuted);
    assert_eq!(calls.in_flight(), 0);
    let mut out = Outgoing::new(Shape::Messages);
    calls.collect(&mut out, 0, None, 5, Waker::noop(), &mut Vec::new());
    assert!(out.is_empty());
}

#[test]
fn places_are_counted_through_the_encoding_of_large_params() {
    let limits = Limits { max_calls: 1, ..Limits::default() };
    let calls = Calls::new(Line::DUPLEX, Arc::new(limits));
    calls.decide(wire(Plain { meanwhile: Mutex::default() }), &mut Vec::new());
    let params = vec![b'1'; LARGE];
    assert!(matches!(calls.begin(&draft(&params, true), Patience::Fail, None), Ok(Begun::Sent(_))));
    assert!(calls.begin(&draft(&params, true), Patience::Fail, None).is_err());
    assert_eq!(calls.in_flight(), 1);
}
