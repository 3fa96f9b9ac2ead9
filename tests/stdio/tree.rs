//! Whatever a program started ends with the connection, however that ends, and the program too,
//! however it takes that.

use std::{
    io::{ErrorKind, Read},
    net::{TcpListener, TcpStream},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use tinyrpc::{Client, transports::exec::ExecConnector};

use crate::{
    PATIENCE, block_on,
    child::{LIFE, builder, program},
};

/// Programs that live for as long as their connections to it.
struct Lives(TcpListener);

impl Lives {
    fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").expect("a free port"))
    }

    fn address(&self) -> String {
        self.0.local_addr().expect("it is bound").to_string()
    }

    fn next(&self) -> TcpStream {
        let life = self.0.accept().expect("it lives").0;
        life.set_read_timeout(Some(PATIENCE)).expect("not zero");
        life
    }
}

fn has_ended(mut life: &TcpStream) -> bool {
    life.set_nonblocking(true).expect("it is open");
    let read = life.read(&mut [0]);
    life.set_nonblocking(false).expect("it is open");
    !read.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}

/// Waits for the end of a program.
fn end_of(mut life: TcpStream) {
    let read = loop {
        match life.read(&mut [0]) {
            // By the end of a child, which is a signal.
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            read => break read,
        }
    };
    // A reset is an end like another.
    match read {
        Ok(0) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset, "it lives on"),
        Ok(_) => panic!("it says something"),
    }
}

/// A program, something that it started, and the connection to it.
async fn family(program: ExecConnector, stubborn: bool) -> (Client, TcpStream, TcpStream) {
    let lives = Lives::new();
    let program = program.env(LIFE, lives.address());
    let client = builder(program, "jsonrpc").connect().await.expect("it starts");
    let child = lives.next();
    client.call::<_, u32>("spawn", (lives.address(), stubborn)).await.expect("it starts");
    let grandchild = lives.next();
    (client, child, grandchild)
}

/// Shorter than the patience of anybody who waits for a test.
const GRACE: Duration = Duration::from_millis(200);

#[test]
fn a_close_ends_them_all() {
    // Whether each of them goes on when it is asked to end, and how long that may be waited for.
    for (role, stubborn, least) in [
        ("serve", false, Duration::ZERO),
        ("serve", true, GRACE),
        ("stubborn", false, GRACE),
        ("stubborn", true, 2 * GRACE),
    ] {
        block_on(async {
            let (client, child, grandchild) = family(program(role).grace(GRACE), stubborn).await;
            assert!(!has_ended(&child) && !has_ended(&grandchild));
            let began = Instant::now();
            client.close().await;
            // It is over when it says so.
            assert!(began.elapsed() >= least, "{role} {stubborn}: {:?}", began.elapsed());
            assert!(
                began.elapsed() < least + 10 * GRACE,
                "{role} {stubborn}: {:?}",
                began.elapsed()
            );
            end_of(child);
            end_of(grandchild);
        });
    }
}

/// Neither the end of its input nor SIGTERM impresses it.
#[test]
fn a_program_that_says_no_is_killed() {
    block_on(async {
        let lives = Lives::new();
        let deaf = program("stubborn").env(LIFE, lives.address());
        // `trap` lasts through `exec`.
        let line = deaf.to_string();
        let deaf = ExecConnector::new("sh")
            .args(["-c", &format!("trap '' TERM; exec {}", &line["exec:".len()..])])
            .env(LIFE, lives.address())
            .env(crate::child::ROLE, "stubborn")
            .grace(GRACE);
        let client = builder(deaf, "jsonrpc").connect().await.expect("it starts");
        let child = lives.next();
        assert_eq!(client.call::<_, i64>("add", (2, 3)).await.expect("a sum"), 5);
        let began = Instant::now();
        client.close().await;
        assert!(began.elapsed() >= 2 * GRACE, "{:?}", began.elapsed());
        end_of(child);
    });
}

#[test]
fn a_client_that_is_dropped_ends_them_all() {
    block_on(async {
        let (client, child, grandchild) = family(program("serve").grace(GRACE), true).await;
        drop(client);
        // The tasks that do it need this thread.
        tokio::task::spawn_blocking(|| {
            end_of(child);
            end_of(grandchild);
        })
        .await
        .expect("they end");
    });
}

#[test]
fn a_runtime_that_is_dropped_ends_them_all() {
    let (client, child, grandchild) = block_on(family(program("stubborn"), true));
    end_of(child);
    end_of(grandchild);
    drop(client);
}

#[test]
fn when_the_program_is_killed_the_others_end_too() {
    for stubborn in [false, true] {
        block_on(async {
            let (client, child, grandchild) = family(program("serve").grace(GRACE), stubborn).await;
            let number: i32 = client.call("number", ()).await.expect("a number");
            let number = Pid::from_raw(number).expect("not zero");
            kill_process(number, Signal::KILL).expect("it runs");
            client.closed().await;
            tokio::task::spawn_blocking(|| {
                end_of(child);
                end_of(grandchild);
            })
            .await
            .expect("they end");
        });
    }
}
