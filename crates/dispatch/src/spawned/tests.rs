//! Tasks that answer, panic, and are dropped.

use std::{
    future::pending,
    sync::{Arc, mpsc::channel},
    thread,
};

use tinyrpc_core::Code;

use crate::{
    Begun, Context, Dispatcher, PendingReply,
    testing::{Call, FORMATS, PATIENCE, Threads, scope, text, wait},
};

#[track_caller]
fn begin(service: &Dispatcher, call: Call) -> PendingReply {
    let call = Call { scope: Arc::new(scope(Some(Arc::new(Threads)))), ..call };
    match call.start(service) {
        Begun::Pending(pending) => pending,
        Begun::Ready(answer) => panic!("answered at once: {answer:?}"),
    }
}

#[test]
fn a_handler_runs_in_a_task() {
    let here = thread::current().id();
    let service = Dispatcher::new()
        .method("plain", move |a: i64, b: i64| (thread::current().id() != here, a - b))
        .params(["a", "b"])
        .spawned()
        .method("later", move |ok: bool| async move {
            yield_once().await;
            assert!(thread::current().id() != here);
            if ok { Ok("later") } else { Err(tinyrpc_core::RpcError::new(3, "no")) }
        })
        .spawned()
        .method("panic", async || -> u8 { panic!("at once") })
        .spawned()
        .method("late_panic", async || -> u8 {
            yield_once().await;
            panic!("later")
        })
        .spawned();
    for format in FORMATS {
        let answer = |method: &str, params: &str| {
            text(wait(begin(&service, Call::new(format, method, params))))
        };
        assert_eq!(answer("plain", r#"{"b": 1, "a": 3}"#).expect("an answer"), "[true,2]");
        assert_eq!(answer("later", "[true]").expect("an answer"), "\"later\"");
        assert_eq!(answer("later", "[false]").expect_err("an error").code, Code(3));
        assert_eq!(answer("later", "[1]").expect_err("a bool").code, Code::INVALID_PARAMS);
        for method in ["panic", "late_panic"] {
            assert_eq!(answer(method, "").expect_err("a panic").code, Code::INTERNAL_ERROR);
        }
    }
}

#[test]
fn a_call_that_is_given_up_drops_its_task() {
    struct Told(std::sync::mpsc::Sender<bool>, Context);
    impl Drop for Told {
        fn drop(&mut self) {
            _ = self.0.send(self.1.is_cancelled());
        }
    }
    let (tell, told) = channel();
    let service = Dispatcher::new()
        .method("wait", move |context: Context| {
            let told = Told(tell.clone(), context);
            told.0.send(false).expect("a test");
            async move {
                let _told = told;
                pending::<()>().await;
            }
        })
        .spawned();
    for format in FORMATS {
        let call = begin(&service, Call::new(format, "wait", ""));
        assert_eq!(told.recv_timeout(PATIENCE), Ok(false), "it has begun");
        drop(call);
        assert_eq!(told.recv_timeout(PATIENCE), Ok(true));
    }
}

#[test]
fn a_notification_runs_too() {
    let (tell, told) = channel();
    let service = Dispatcher::new().method("note", move |n: u8| tell.send(n).is_ok()).spawned();
    for format in FORMATS {
        let call = Call { notification: true, ..Call::new(format, "note", "[7]") };
        let pending = begin(&service, call);
        assert_eq!(told.recv_timeout(PATIENCE), Ok(7));
        assert_eq!(text(wait(pending)).expect("silence"), "nothing");
    }
}

async fn yield_once() {
    let mut yielded = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return std::task::Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}
