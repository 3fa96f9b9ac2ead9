//! A server and a client in an event loop that knows no async: `cargo run --example foreign_loop`.
//!
//! One thread, sockets of `std` that never block, and one `poll` for all of them. It is how RPC
//! moves into a loop that is there already: a game's, a GUI's, another library's.
#![expect(clippy::print_stdout, reason = "it shows what it does")]

use std::{
    io::{self, ErrorKind::WouldBlock, Read, Write},
    net::{TcpListener, TcpStream},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    task::{self, Poll, Wake, Waker},
    time::{Duration, Instant},
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tinyrpc::{
    Context, Dispatcher, Error, Reason, RpcError,
    engine::{Engine, Incoming, Role, Settings, Shape},
    protocols::{JsonRpc, MsgPackRpc, Protocol},
};

/// One end of a connection.
struct Link {
    socket: TcpStream,
    engine: Engine,
    incoming: Incoming,
    /// The peer may send more.
    open: bool,
}

impl Link {
    fn new(socket: TcpStream, settings: Settings, service: Dispatcher) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        socket.set_nodelay(true)?;
        let engine = Engine::open(settings, service);
        Ok(Self { socket, engine, incoming: Incoming::new(), open: true })
    }

    /// Takes what came, handles it and sends; gives the time by which it wants its next turn.
    fn turn(&mut self, now: u64, cx: &mut task::Context<'_>) -> io::Result<Option<u64>> {
        let mut bytes = [0; 16 << 10];
        while self.open && !self.engine.session().is_paused() {
            match self.socket.read(&mut bytes) {
                Ok(0) => {
                    self.open = false;
                    self.engine.session().end(Reason::Closed("the peer left".into()));
                }
                Ok(count) => self.incoming.buffer().extend_from_slice(&bytes[..count]),
                Err(error) if error.kind() == WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        let next = self.engine.turn(&mut self.incoming, now, cx);
        let outgoing = self.engine.session().outgoing();
        while !outgoing.bytes().is_empty() {
            match self.socket.write(outgoing.bytes()) {
                Ok(count) => outgoing.advance(count),
                Err(error) if error.kind() == WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        self.engine.sent(cx);
        Ok(next)
    }

    /// What the loop waits for on the socket.
    fn wanted(&mut self) -> PollFd<'_> {
        let session = self.engine.session();
        let mut wanted = PollFlags::empty();
        wanted.set(PollFlags::IN, self.open && !session.is_paused());
        wanted.set(PollFlags::OUT, !session.outgoing().is_empty());
        PollFd::new(&self.socket, wanted)
    }
}

/// Says that there is something to do although no socket is ready.
#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        // Where other threads wake the loop, this also writes into a pipe that it polls.
        self.0.store(true, SeqCst);
    }
}

/// Asks the very client that called, during its call.
async fn greet(context: Context, greeting: String) -> Result<String, RpcError> {
    let name: String = context.peer().call("name", ()).await.map_err(RpcError::internal)?;
    Ok(format!("{greeting}, {name}"))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let clock = Instant::now();
    let flag = Arc::<Flag>::default();
    let waker = Waker::from(Arc::clone(&flag));
    let mut cx = task::Context::from_waker(&waker);

    let service = Dispatcher::new().method("add", |a: i64, b: i64| a + b).method("greet", greet);
    let listener = TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let own = Dispatcher::new().method("name", || "Ada");
    let settings = Settings::new(Role::Client, Shape::Stream, vec![Arc::new(MsgPackRpc)]);
    let client = Link::new(TcpStream::connect(listener.local_addr()?)?, settings, own)?;

    // What the program itself does: here, a few calls one after the other.
    let caller = client.engine.scope().caller.clone();
    let mut program = pin!(async {
        let five: i64 = caller.call("add", (2, 3)).await?;
        let greeting: String = caller.call("greet", ("hello",)).await?;
        println!("add(2, 3) = {five}, greet(hello) = {greeting}");
        let sums = (0..1000i64).map(|n| caller.call::<_, i64>("add", (n, n)));
        let sums = futures_util::future::try_join_all(sums).await?;
        println!("1000 calls side by side, the last one is {}", sums[999]);
        Ok::<_, Error>(())
    });

    let mut links = vec![client];
    loop {
        if let Poll::Ready(done) = program.as_mut().poll(&mut cx) {
            return Ok(done?);
        }
        while let Ok((socket, _)) = listener.accept() {
            let either: Vec<Arc<dyn Protocol>> = vec![Arc::new(JsonRpc), Arc::new(MsgPackRpc)];
            let settings = Settings::new(Role::Server, Shape::Stream, either);
            links.push(Link::new(socket, settings, service.clone())?);
        }
        let now = u64::try_from(clock.elapsed().as_micros())?;
        let mut next = now + 60_000_000;
        links.retain_mut(|link| match link.turn(now, &mut cx) {
            Ok(wanted) => {
                next = next.min(wanted.unwrap_or(next));
                !link.engine.session().wants_close()
            }
            Err(_) => false,
        });
        if flag.0.swap(false, SeqCst) {
            continue;
        }
        let sleep = Timespec::try_from(Duration::from_micros(next.saturating_sub(now)))?;
        let mut ready: Vec<_> = links.iter_mut().map(Link::wanted).collect();
        ready.push(PollFd::new(&listener, PollFlags::IN));
        poll(&mut ready, Some(&sleep))?;
    }
}
