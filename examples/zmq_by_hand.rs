//! ZeroMQ's REQ and REP by hand, both ends: `cargo run --all-features --example zmq_by_hand`.
//!
//! The sockets are those of the `zmq` crate; nothing in here is async, and no transport of this
//! project is used. Each message is an exchange: one goes out, one comes back.
#![expect(clippy::print_stdout, reason = "it shows what it does")]

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    task::{Context, Poll, Waker},
    thread,
    time::Instant,
};

use tinyrpc::{
    Code, Dispatched, Dispatcher, Endpoint, Error, RpcError, blocking,
    engine::{Engine, Frame, Hint, Incoming, Role, Settings, Shape, Taken},
    protocols::JsonRpc,
};

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// The server: receives a message, has it answered, sends the answer.
fn serve(socket: &zmq::Socket, endpoint: &Endpoint, stopped: &AtomicBool) -> Outcome<()> {
    while !stopped.load(SeqCst) {
        let answer = match endpoint.dispatch_now(socket.recv_bytes(0)?) {
            Dispatched::Ready(answer) => answer,
            // A handler waits for something. REP takes no other message before it has answered.
            Dispatched::Pending(answer) => blocking::wait(answer)?,
        };
        // A notification has no answer, but a REP that sends nothing never receives again.
        socket.send(&*answer.unwrap_or_default(), 0)?;
    }
    Ok(())
}

/// The client: a session whose exchanges are those of a REQ socket.
struct Req {
    socket: zmq::Socket,
    engine: Engine,
    clock: Instant,
}

impl Req {
    fn new(socket: zmq::Socket) -> Self {
        let settings = Settings::new(Role::Client, Shape::Exchange, vec![Arc::new(JsonRpc)]);
        Self { socket, engine: Engine::open(settings, Dispatcher::new()), clock: Instant::now() }
    }

    /// Does what a part of the program wants until that part is done.
    fn run<T>(&mut self, program: impl Future<Output = Result<T, Error>>) -> Outcome<T> {
        let mut program = pin!(program);
        loop {
            let polled = program.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            self.exchange()?;
            if let Poll::Ready(done) = polled {
                return Ok(done?);
            }
        }
    }

    /// Sends what was called, one message after the other, and takes the answer to each.
    fn exchange(&mut self) -> Outcome<()> {
        let mut cx = Context::from_waker(Waker::noop());
        let mut incoming = Incoming::new();
        let now = u64::try_from(self.clock.elapsed().as_micros())?;
        self.engine.turn(&mut incoming, now, &mut cx);
        while let Some(taken) = self.engine.session().outgoing().pop() {
            let Taken::Frame(Frame { lane, bytes, .. }) = taken else { continue };
            self.socket.send(&*bytes, 0)?;
            let answer = self.socket.recv_bytes(0)?;
            match answer.is_empty() {
                // All that a notification gets.
                true => incoming.close_lane(lane),
                false => incoming.push(Frame { lane, bytes: answer.into(), hint: Hint::None }),
            }
        }
        self.engine.turn(&mut incoming, now, &mut cx);
        Ok(())
    }
}

fn main() -> Outcome<()> {
    let context = zmq::Context::new();
    let rep = context.socket(zmq::REP)?;
    rep.bind("tcp://127.0.0.1:*")?;
    let address = rep.get_last_endpoint()?.map_err(|_| "an address that is no text")?;

    let stopped = Arc::<AtomicBool>::default();
    let stop = Arc::clone(&stopped);
    let divide = |a: f64, b: f64| match b {
        0.0 => Err(RpcError::new(Code(1), "division by zero")),
        _ => Ok(a / b),
    };
    let calc = Dispatcher::new()
        .method("add", |a: i64, b: i64| a + b)
        .method("divide", divide)
        .method("stop", move || stop.store(true, SeqCst));
    let endpoint = Endpoint::new(calc, JsonRpc);
    let server = thread::spawn(move || serve(&rep, &endpoint, &stopped));

    let req = context.socket(zmq::REQ)?;
    req.connect(&address)?;
    let mut client = Req::new(req);
    let caller = client.engine.scope().caller.clone();

    let five: i64 = client.run(caller.call("add", (2, 3)))?;
    println!("add(2, 3) = {five}");
    if let Err(error) = client.run(caller.call::<_, f64>("divide", (1, 0))) {
        println!("divide(1, 0): {error}");
    }
    let mut batch = caller.batch();
    let (sum, half) = (batch.call::<i64>("add", (20, 22))?, batch.call::<f64>("divide", (1, 2))?);
    let mut answers = client.run(batch.send())?;
    println!("in one message: {} and {}", answers.take(sum)?, answers.take(half)?);
    client.run(caller.notify("stop", ()))?;
    server.join().map_err(|_| "the server panicked")??;
    println!("the server has stopped");
    Ok(())
}
