//! How calls and connections end: every call exactly once, and its outcome known.

use std::{
    sync::{Arc, Condvar, Mutex},
    thread,
    time::Duration,
};

use tinyrpc::{Context, Dispatcher, Error, Limits, Outcome, Reason, Server};

use crate::{
    PATIENCE,
    world::{World, service},
};

/// Handlers wait in it; it counts them.
#[derive(Default)]
struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    begun: usize,
    cancelled: usize,
    open: bool,
}

impl Gate {
    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap());
        self.changed.notify_all();
    }

    #[track_caller]
    fn until(&self, until: impl Fn(&State) -> bool) {
        let state = self.state.lock().unwrap();
        let waited = self.changed.wait_timeout_while(state, PATIENCE, |state| !until(state));
        assert!(!waited.unwrap().1.timed_out(), "the gate did not change");
    }

    fn service(self: &Arc<Self>) -> Dispatcher {
        let gate = Arc::clone(self);
        service().method("wait", move |context: Context| {
            gate.change(|state| state.begun += 1);
            let mut state = gate.state.lock().unwrap();
            while !state.open {
                if context.is_cancelled() {
                    state.cancelled += 1;
                    gate.changed.notify_all();
                    break;
                }
                // A thread learns that it is not needed any more only by asking.
                state = gate.changed.wait_timeout(state, Duration::from_millis(1)).unwrap().0;
            }
            1
        })
    }
}

pub(crate) fn timeouts(world: World) {
    let gate = Arc::new(Gate::default());
    let at = world.serve(gate.service());
    let hasty = at.client.with_timeout(Duration::from_millis(30));
    let error = hasty.call::<_, u8>("wait", ()).unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert_eq!(error.outcome(), Outcome::Unknown);
    assert!(error.to_string().contains("30 ms"), "{error}");
    let mut batch = at.client.batch().timeout(Duration::from_millis(30));
    let item = batch.call::<u8>("wait", ()).unwrap();
    let error = batch.send().unwrap().take(item).unwrap_err();
    assert!(error.is_timeout(), "{error}");
    gate.change(|state| state.open = true);
    assert_eq!(at.client.call::<_, i64>("add", (2, 3)).unwrap(), 5);
}

pub(crate) fn limits(world: World) {
    let gate = Arc::new(Gate::default());
    let tight = Limits { max_calls: 4, max_requests: 4, ..Limits::default() };
    let server = Server::new(gate.service()).limits(tight.clone());
    let at = world.serve_with(server, |builder| builder.limits(tight));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(at.client.call::<_, u8>("wait", ()).unwrap(), 1));
        }
        gate.until(|state| state.begun == 4);
        let error = at.client.try_call::<_, i64>("add", (2, 3)).unwrap_err();
        assert_eq!(error.outcome(), Outcome::NotExecuted);
        assert!(error.to_string().contains("max_calls"), "{error}");
        let hasty = at.client.with_timeout(Duration::from_millis(20));
        let error = hasty.call::<_, i64>("add", (2, 3)).unwrap_err();
        assert!(error.is_timeout() && error.outcome() == Outcome::NotExecuted, "{error}");
        // The fifth waits its turn.
        let fifth = scope.spawn(|| at.client.call::<_, i64>("add", (2, 3)));
        gate.change(|state| state.open = true);
        assert_eq!(fifth.join().unwrap().unwrap(), 5);
    });
}

/// True where a call that came too late ended as it should. A client of HTTP may write it to a
/// connection that is just being closed, and then nobody can know.
fn was_refused(world: World, error: &Error) -> bool {
    match error.outcome() {
        Outcome::NotExecuted => true,
        Outcome::Unknown => !world.permanent(),
        Outcome::Answered => false,
    }
}

pub(crate) fn shutdown(world: World) {
    let gate = Arc::new(Gate::default());
    let at = world.serve(gate.service());
    thread::scope(|scope| {
        let call = scope.spawn(|| at.client.call::<_, u8>("wait", ()));
        gate.until(|state| state.begun == 1);
        let stopping = scope.spawn(|| at.server.shutdown());
        // Until the order arrives calls are still served; then they are refused.
        let error = loop {
            match at.client.call::<_, i64>("add", (2, 3)) {
                Ok(_) => thread::yield_now(),
                Err(error) => break error,
            }
        };
        assert!(was_refused(world, &error), "{error}");
        gate.change(|state| state.open = true);
        assert_eq!(call.join().unwrap().unwrap(), 1, "the call in flight is answered");
        stopping.join().unwrap();
    });
    at.server.wait();
    if world.permanent() {
        at.client.wait();
    }
    let error = at.client.call::<_, i64>("add", (2, 3)).unwrap_err();
    assert!(was_refused(world, &error), "{error}");
    assert!(at.server.listen("tcp://127.0.0.1:0").is_err(), "it is down for good");
}

pub(crate) fn lost_server(world: World) {
    let gate = Arc::new(Gate::default());
    let at = world.serve(gate.service());
    thread::scope(|scope| {
        let calls: Vec<_> =
            (0..10).map(|_| scope.spawn(|| at.client.call::<_, u8>("wait", ()))).collect();
        gate.until(|state| state.begun == 10);
        at.server.close();
        for call in calls {
            let error = call.join().unwrap().unwrap_err();
            assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
        }
    });
    // The handlers are told.
    gate.until(|state| state.cancelled == 10);
    if world.permanent() {
        at.client.wait();
        assert!(at.client.closed().is_some());
    }
    let error = at.client.call::<_, u8>("wait", ()).unwrap_err();
    assert_eq!(error.outcome(), Outcome::NotExecuted, "{error}");
}

pub(crate) fn closed_client(world: World) {
    let gate = Arc::new(Gate::default());
    let at = world.serve(gate.service());
    thread::scope(|scope| {
        let call = scope.spawn(|| at.client.call::<_, u8>("wait", ()));
        gate.until(|state| state.begun == 1);
        let closing = scope.spawn(|| at.client.close());
        gate.change(|state| state.open = true);
        assert_eq!(call.join().unwrap().unwrap(), 1, "a clean close waits for calls in flight");
        assert!(closing.join().unwrap(), "everything was taken");
    });
    let error = at.client.call::<_, u8>("wait", ()).unwrap_err();
    assert!(matches!(error, Error::NotExecuted(Reason::Closed(_))), "{error}");
}
