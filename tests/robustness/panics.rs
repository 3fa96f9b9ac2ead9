//! Handlers that panic cost their callers an error, and nobody else anything.

use std::{panic, sync::Once};

use futures_util::future::join_all;
use tinyrpc::{Caller, Dispatcher, Error, Server, connect};

use crate::{beside, block_on};

const CALLS: u32 = 100_000;
const IN_FLIGHT: u32 = 500;
const WORDS: &str = "on purpose: canary 4711";

/// Panics of the handlers below say nothing; all others are told as ever.
fn silence() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if info.payload().downcast_ref::<&str>() != Some(&WORDS) {
                usual(info);
            }
        }));
    });
}

/// Of ten calls of each kind one panics: at once, or after it has waited.
fn service() -> Dispatcher {
    Dispatcher::new()
        .method("now", |n: u32| {
            if n % 10 == 9 {
                panic::panic_any(WORDS);
            }
            n + 1
        })
        .method("later", async |n: u32| {
            tokio::task::yield_now().await;
            if n % 10 == 9 {
                panic::panic_any(WORDS);
            }
            n + 1
        })
}

#[test]
fn ten_thousand_panics_among_a_hundred_thousand_calls() {
    silence();
    beside(|| {
        block_on(async {
            let server = Server::new(service()).listen("tcp://127.0.0.1:0").await.expect("a port");
            let address = server.addresses().concat();
            for protocol in ["jsonrpc", "msgpack"] {
                let client = connect(format!("{protocol}+{address}")).await.expect("it listens");
                let mut panics = 0;
                for first in (0..CALLS).step_by(IN_FLIGHT as usize) {
                    let calls = (first..first + IN_FLIGHT).map(|n| {
                        let method = if n % 20 < 10 { "now" } else { "later" };
                        client.call::<_, u32>(method, (n,))
                    });
                    for (n, answer) in (first..).zip(join_all(calls).await) {
                        match answer {
                            Ok(value) => assert_eq!(value, n + 1),
                            Err(Error::Answered(error)) => {
                                assert_eq!((n % 10, error.code.0), (9, -32603), "{error}");
                                assert!(!error.message.contains("canary"), "{error}");
                                panics += 1;
                            }
                            Err(error) => panic!("{n}: {error}"),
                        }
                    }
                }
                assert_eq!(panics, CALLS / 10);
                assert!(Caller::closed(&client).is_none());
                assert_eq!(server.peers().len(), 1, "one connection for all calls");
                client.close().await;
            }
        });
    });
}
