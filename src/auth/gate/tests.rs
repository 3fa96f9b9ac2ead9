//! The gate under a clock that is set by hand.

use std::{sync::Mutex, task::Waker};

use bytes::Bytes;
use tinyrpc_core::{
    Frame, Hint, Incoming, Lane, PeerAddress, Role, Session, Settings, Shape, Taken, Turn,
};
use tinyrpc_dispatch::{Context as CallContext, Dispatcher};
use tinyrpc_protocols::JsonRpc;

use super::*;
use crate::{Token, TokenLogin};

/// A gate in front of a service, and what was asked of both.
struct Guarded {
    engine: Engine,
    incoming: Incoming,
    gate: Option<Gate>,
    failures: Failures,
    now: u64,
    answers: Vec<String>,
}

/// Decides as its tests say; `None` for as long as nothing was said.
#[derive(Clone, Default)]
struct Slow(Arc<Mutex<Option<Decision>>>);

#[async_trait::async_trait]
impl Authenticate for Slow {
    async fn authenticate(&self, _attempt: Attempt) -> Decision {
        std::future::poll_fn(|_| match self.0.lock().expect("unpoisoned").clone() {
            Some(decision) => Poll::Ready(decision),
            None => Poll::Pending,
        })
        .await
    }
}

fn service() -> Arc<dyn Service> {
    let who = |context: CallContext| context.identity().map(|identity| identity.name().to_owned());
    Arc::new(Dispatcher::new().method("add", |a: i64, b: i64| a + b).method("who", who))
}

impl Guarded {
    fn new(hook: impl Authenticate + 'static, shape: Shape) -> Self {
        let settings = Settings::new(Role::Server, shape, vec![Arc::new(JsonRpc)]);
        let session = Session::new(Settings { gated: true, ..settings });
        let scope = Arc::new(Scope::new(PeerAddress::Memory, session.caller(), None));
        let stand = match shape {
            Shape::Exchange => Stand::Exchange,
            _ => Stand::Permanent { until: None, make: Some(Box::new(|_| Ok(service()))) },
        };
        let nobody: Arc<dyn Service> = match shape {
            Shape::Exchange => service(),
            _ => Arc::new(Dispatcher::new()),
        };
        let failures = Failures::default();
        let gate = Gate::new(Arc::new(hook), Arc::clone(&failures), PATIENCE, stand);
        Self {
            engine: Engine::new(session, nobody, scope),
            incoming: Incoming::new(),
            gate: Some(gate),
            failures,
            now: 1_000_000,
            answers: Vec::new(),
        }
    }

    fn receive(&mut self, lane: u64, message: &str) -> &mut Self {
        let lane = if lane == 0 { Lane::DUPLEX } else { Lane(lane) };
        let bytes = Bytes::copy_from_slice(message.as_bytes());
        self.incoming.push(Frame { lane, bytes, hint: Hint::None });
        self
    }

    /// What a driver does in a turn, after some time.
    fn pass(&mut self, micros: u64) -> &mut Self {
        self.now += micros;
        let mut cx = Context::from_waker(Waker::noop());
        loop {
            while self.engine.handle(&mut self.incoming, &mut cx) == Turn::More {}
            let Some(gate) = &mut self.gate else { break };
            match gate.poll(&mut self.engine, self.now, &mut cx) {
                Passed::Nobody => break,
                Passed::Some => {}
                Passed::All => self.gate = None,
            }
        }
        self.engine.session().turn(self.now, Waker::noop());
        while let Some(taken) = self.engine.session().outgoing().pop() {
            if let Taken::Frame(frame) = taken {
                self.answers.push(String::from_utf8_lossy(&frame.bytes).into_owned());
            }
        }
        self
    }

    fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.answers)
    }

    fn refused(&self) -> u64 {
        self.failures.load(Relaxed)
    }
}

fn call(id: u32, method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#)
}

fn result(id: u32, value: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{value}}}"#)
}

fn logins() -> TokenLogin {
    TokenLogin::new("alice", Token::new("hunter2")).or("bob", "swordfish")
}

const PATIENCE: u64 = 5_000_000;

#[test]
fn a_token_opens_the_gate() {
    for params in [r#"["hunter2"]"#, r#"{"token":"hunter2"}"#, r#"[{"token":"hunter2"}]"#] {
        let mut guarded = Guarded::new(logins(), Shape::Messages);
        guarded.receive(0, &call(1, "rpc.auth", params)).receive(0, &call(2, "who", "[]")).pass(0);
        assert_eq!(guarded.take(), [result(1, "true"), result(2, "\"alice\"")]);
        // The method means nothing any more.
        guarded.receive(0, &call(3, "rpc.auth", params)).pass(0);
        assert!(guarded.take()[0].contains("method not found"));
        assert!(guarded.gate.is_none() && guarded.refused() == 0);
    }
    let mut guarded = Guarded::new(logins(), Shape::Messages);
    let login = r#"{"jsonrpc":"2.0","method":"rpc.auth","params":["swordfish"]}"#;
    guarded.receive(0, login).receive(0, &call(1, "who", "[]")).pass(0);
    assert_eq!(guarded.take(), [result(1, "\"bob\"")], "a notification does as well");
}

/// Refused in some words, later, with the mark; and so is what waits behind it.
#[track_caller]
fn check_refused(message: &str, words: &str) {
    let mut guarded = Guarded::new(logins(), Shape::Messages);
    guarded.receive(0, message).receive(0, &call(9, "add", "[2,3]")).pass(0);
    let until = guarded.gate.as_ref().and_then(Gate::deadline).expect("it waits");
    let delay = until - guarded.now;
    assert!((100_000..=250_000).contains(&delay), "{delay}");
    assert_eq!(guarded.pass(delay - 1).take(), [""; 0]);
    let answers = guarded.pass(1).take();
    assert_eq!(answers.len(), 2, "{answers:?}");
    for answer in &answers {
        assert!(answer.contains(words) && answer.contains("-32014"), "{answer}");
        assert!(answer.contains("rpc.not_executed") && !answer.contains("letmein"), "{answer}");
    }
    let session = guarded.engine.session();
    assert!(session.wants_close() && session.reason().to_string().contains(words));
    assert_eq!(guarded.refused(), 1);
    guarded.receive(0, &call(10, "add", "[2,3]")).pass(1_000_000);
    assert!(guarded.take().is_empty());
}

#[test]
fn whoever_has_no_token_is_refused() {
    check_refused(&call(1, "rpc.auth", r#"["letmein"]"#), "the token is not known here");
    check_refused(&call(1, "rpc.auth", r#"[""]"#), "the token is not known here");
    check_refused(&call(1, "add", r#"["letmein"]"#), "log in first: call `rpc.auth`");
    let shape = "`rpc.auth` takes one argument";
    for params in ["[]", "{}", r#"["hunter2","letmein"]"#, r#"{"letmein":"hunter2"}"#, "[5]"] {
        check_refused(&call(1, "rpc.auth", params), shape);
    }
}

#[test]
fn a_login_stands_alone() {
    let mut guarded = Guarded::new(logins(), Shape::Messages);
    let login = call(1, "rpc.auth", r#"["hunter2"]"#);
    guarded.receive(0, &format!("[{login},{}]", call(2, "add", "[2,3]"))).pass(0);
    let answers = guarded.take();
    assert_eq!(answers[0].matches("a message of its own").count(), 2, "{answers:?}");
    assert!(guarded.engine.session().wants_close());
    // A batch of a peer that is known by other means is like any other.
    let accept = |_: Attempt| async { Decision::Accept("somebody".into()) };
    let mut guarded = Guarded::new(accept, Shape::Messages);
    guarded.receive(0, &format!("[{},{}]", call(1, "who", "[]"), call(2, "add", "[2,3]"))).pass(0);
    assert_eq!(guarded.take(), [format!("[{},{}]", result(1, "\"somebody\""), result(2, "5"))]);
}

#[test]
fn a_peer_that_nobody_can_serve_is_refused() {
    let mut guarded = Guarded::new(logins(), Shape::Messages);
    let failed: Make = Box::new(|_| Err(Reason::Closed("no service".into())));
    let gate = guarded.gate.as_mut().expect("a gate");
    gate.stand = Stand::Permanent { until: None, make: Some(failed) };
    guarded.receive(0, &call(1, "rpc.auth", r#"["hunter2"]"#)).receive(0, &call(2, "who", "[]"));
    let answers = guarded.pass(0).take();
    assert!(answers.len() == 2 && answers.iter().all(|answer| answer.contains("cannot serve")));
    assert!(guarded.engine.session().reason().to_string().contains("no service"));
}

#[test]
fn silence_ends() {
    let mut guarded = Guarded::new(logins(), Shape::Messages);
    guarded.pass(0);
    assert_eq!(guarded.gate.as_ref().and_then(Gate::deadline), Some(guarded.now + PATIENCE));
    guarded.pass(PATIENCE - 1);
    assert!(!guarded.engine.session().is_closing());
    guarded.pass(1);
    let reason = guarded.engine.session().reason().to_string();
    assert!(reason.contains("not logged in within `auth`, 5000 ms"), "{reason}");
    assert!(guarded.engine.session().wants_close() && guarded.refused() == 0);
    // A driver whose transport still has last words to take is not woken for nothing.
    guarded.pass(1);
    assert_eq!(guarded.gate.as_ref().and_then(Gate::deadline), None);
}

#[test]
fn a_decision_may_take_its_time() {
    let slow = Slow::default();
    let mut guarded = Guarded::new(slow.clone(), Shape::Messages);
    guarded.receive(0, &call(1, "who", "[]")).receive(0, &call(2, "add", "[2,3]")).pass(0);
    guarded.pass(PATIENCE - 1);
    assert!(guarded.take().is_empty());
    *slow.0.lock().expect("unpoisoned") = Some(Decision::Accept("late".into()));
    assert_eq!(guarded.pass(0).take(), [result(1, "\"late\""), result(2, "5")]);
    // But no more than that.
    let mut guarded = Guarded::new(Slow::default(), Shape::Messages);
    guarded.receive(0, &call(1, "who", "[]")).receive(0, &call(2, "add", "[2,3]")).pass(0);
    let answers = guarded.pass(PATIENCE).take();
    assert!(answers.iter().all(|answer| answer.contains("nobody has decided")), "{answers:?}");
    assert!(answers.len() == 2 && guarded.engine.session().wants_close());
}

#[test]
fn a_hook_that_panics_refuses() {
    let hook = |attempt: Attempt| async move {
        if attempt.method.len() < 100 {
            std::panic::resume_unwind(Box::new("the secret"));
        }
        Decision::Accept("nobody".into())
    };
    let mut guarded = Guarded::new(hook, Shape::Messages);
    guarded.receive(0, &call(1, "who", "[]")).pass(0);
    let answers = guarded.pass(250_000).take();
    assert!(answers[0].contains("authentication failed") && !answers[0].contains("secret"));
    assert!(guarded.engine.session().wants_close() && guarded.refused() == 1);
}

#[test]
fn each_exchange_is_decided_about() {
    let by_token = |attempt: Attempt| async move {
        match attempt.params.decode::<(String,)>() {
            Ok((name,)) if name.len() == 3 => Decision::Accept(name.into()),
            _ => Decision::Refuse("no".into()),
        }
    };
    let mut guarded = Guarded::new(by_token, Shape::Exchange);
    guarded.pass(10 * PATIENCE);
    assert!(!guarded.engine.session().is_closing(), "silence is no harm here");
    for (lane, params) in [(1, r#"["ann"]"#), (2, r#"["?"]"#), (3, r#"["bob"]"#)] {
        guarded.receive(lane, &call(7, "add", params));
    }
    guarded.pass(0);
    let answers = guarded.take();
    assert!(answers.len() == 2 && answers.iter().all(|answer| answer.contains("-32602")));
    let answers = guarded.pass(250_000).take();
    assert!(answers.len() == 1 && answers[0].contains("rpc.not_executed"), "{answers:?}");
    assert!(!guarded.engine.session().is_closing() && guarded.refused() == 1);
    // A login would stand for others.
    let mut guarded = Guarded::new(logins(), Shape::Exchange);
    guarded.receive(1, &call(1, "rpc.auth", r#"["hunter2"]"#)).receive(2, &call(2, "who", "[]"));
    let answers = guarded.pass(0).take();
    assert!(answers.len() == 1 && answers[0].contains("permanent connection"), "{answers:?}");
    assert_eq!(guarded.pass(250_000).take().len(), 1);
}

/// Strangers do not keep others waiting, however many they are.
#[test]
fn refused_exchanges_make_room() {
    let hook = |attempt: Attempt| async move {
        match &*attempt.method {
            "add" => Decision::Accept("friend".into()),
            _ => Decision::Refuse("no".into()),
        }
    };
    let mut guarded = Guarded::new(hook, Shape::Exchange);
    for lane in 1..=500 {
        guarded.receive(lane, &call(1, "who", "[]"));
    }
    guarded.receive(501, &call(2, "add", "[2,3]")).pass(0);
    let answers = guarded.take();
    assert!(answers.contains(&result(2, "5")), "a friend has its answer at once");
    assert!(answers.len() > 430 && guarded.refused() == 500);
    guarded.pass(250_000);
    assert_eq!(answers.len() + guarded.take().len(), 501);
}
