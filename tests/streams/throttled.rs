//! Small calls beside large ones over a link of 8 Mbit/s: what stands before them, and how long
//! they take.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use futures_util::{
    future::{join_all, select},
    stream,
};
use socket2::SockRef;
use tinyrpc::{Blob, Client, Context, Dispatcher, Server};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpSocket, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::{Instant, sleep_until},
};

use crate::block_on;

/// Bytes a second: 8 Mbit.
const SPEED: u64 = 1_000_000;
/// What the link passes on at once.
const STEP: usize = 2_000;
/// What it may catch up on where it was late: more would be a faster link.
const BURST: Duration = Duration::from_millis(20);
/// Of the sockets of the link, which the system doubles: what it keeps is no part of the proof.
const SMALL_BUFFER: usize = 8 << 10;
/// As Ethernet has it. That of the loopback device is 64 KiB, which no such link has.
const SEGMENT: u32 = 1448;

/// Bytes that went each way.
#[derive(Default)]
struct Passed {
    there: AtomicU64,
    back: AtomicU64,
}

impl Passed {
    fn all(&self) -> u64 {
        self.there.load(SeqCst) + self.back.load(SeqCst)
    }
}

/// Waits for the one connection to a server; gives where.
fn link(server: SocketAddr) -> io::Result<(SocketAddr, Arc<Passed>)> {
    let socket = small_socket()?;
    socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
    let listener = socket.listen(1)?;
    let (address, passed) = (listener.local_addr()?, Arc::<Passed>::default());
    let counts = Arc::clone(&passed);
    tokio::spawn(async move {
        let (client, _) = listener.accept().await?;
        let server = small_socket()?.connect(server).await?;
        let (from_client, to_client) = split(client)?;
        let (from_server, to_server) = split(server)?;
        let there = pass(from_client, to_server, &counts.there);
        let back = pass(from_server, to_client, &counts.back);
        tokio::try_join!(there, back)
    });
    Ok((address, passed))
}

fn small_socket() -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(SMALL_BUFFER as u32)?;
    SockRef::from(&socket).set_tcp_mss(SEGMENT)?;
    Ok(socket)
}

fn split(stream: TcpStream) -> io::Result<(OwnedReadHalf, OwnedWriteHalf)> {
    stream.set_nodelay(true)?;
    Ok(stream.into_split())
}

/// Passes bytes on in one direction, at [`SPEED`].
async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    count: &AtomicU64,
) -> io::Result<()> {
    let mut buffer = [0; STEP];
    let mut free = Instant::now();
    loop {
        let size = from.read(&mut buffer).await?;
        if size == 0 {
            return to.shutdown().await;
        }
        free = free.max(Instant::now() - BURST)
            + Duration::from_micros(size as u64 * 1_000_000 / SPEED);
        sleep_until(free).await;
        to.write_all(&buffer[..size]).await?;
        count.fetch_add(size as u64, SeqCst);
    }
}

fn service() -> Dispatcher {
    Dispatcher::new()
        .method("add", |a: i64, b: i64| a + b)
        .method("big", |size: usize| Blob::from(vec![7; size]))
        .method("take", |bytes: Blob| bytes.len())
        .stream("values", |size: usize| stream::repeat(Blob::from(vec![7; size])))
        .method("swallow", async |context: Context| {
            let mut values = context.input::<Blob>();
            while let Some(Ok(_)) = values.next().await {}
        })
}

/// What moves meanwhile.
#[derive(Clone, Copy, Debug)]
enum Load {
    /// A stream of values of this size.
    Stream(usize),
    /// Values of this size that are sent into a call.
    Upload(usize),
    /// Single results of this size.
    Result(usize),
    /// Single requests of this size.
    Request(usize),
}

impl Load {
    /// Does not end by itself.
    async fn move_on(self, client: &Client) {
        match self {
            Self::Stream(size) => {
                let mut values =
                    client.stream::<_, Blob>("values", (size,)).await.expect("a stream");
                while let Some(value) = values.next().await {
                    value.expect("it has no end");
                }
            }
            Self::Upload(size) => {
                let call = client.upload::<_, Blob, ()>("swallow", ()).await;
                let (values, _answer) = call.expect("a stream");
                let value = Blob::from(vec![7; size]);
                loop {
                    values.send(value.clone()).await.expect("it is read");
                }
            }
            Self::Result(size) => loop {
                let big = client.call::<_, Blob>("big", (size,)).await.expect("an answer");
                assert_eq!(big.len(), size);
            },
            Self::Request(size) => {
                let big = Blob::from(vec![7; size]);
                loop {
                    let took = client.call::<_, usize>("take", (&big,)).await.expect("an answer");
                    assert_eq!(took, size);
                }
            }
        }
    }
}

/// One small call: how long it took, and how many bytes went over the link meanwhile.
#[derive(Clone, Copy, Debug)]
struct Sample {
    took: Duration,
    passed: u64,
}

/// Makes small calls while something moves: so many callers with so many each, one by one.
async fn measure(protocol: &str, load: Load, callers: usize, calls: usize) -> Vec<Sample> {
    let server = Server::new(service()).listen("tcp://127.0.0.1:0").await.expect("a free port");
    let address = server.addresses().concat();
    let address = address.trim_start_matches("tcp://").parse().expect("an address");
    let (address, passed) = link(address).expect("a free port");
    let client = Client::connect(format!("{protocol}+tcp://{address}")).await.expect("a link");
    client.extend().await.expect("our own kind");
    let small = async {
        // The link is full before anything is measured.
        while passed.all() < SPEED / 2 {
            client.call::<_, i64>("add", (1, 2)).await.expect("an answer");
        }
        let callers = (0..callers).map(async |_| {
            let mut samples = Vec::new();
            for number in 0..calls as i64 {
                let (begun, before) = (Instant::now(), passed.all());
                let sum = client.call::<_, i64>("add", (number, 1)).await;
                assert_eq!(sum.expect("an answer"), number + 1);
                let passed = passed.all() - before;
                samples.push(Sample { took: begun.elapsed(), passed });
            }
            samples
        });
        join_all(callers).await.concat()
    };
    let moving = std::pin::pin!(load.move_on(&client));
    match select(moving, std::pin::pin!(small)).await {
        futures_util::future::Either::Left(_) => panic!("{load:?} ended"),
        futures_util::future::Either::Right((samples, _)) => samples,
    }
}

const LOADS: [Load; 6] = [
    Load::Stream(128 << 10),
    Load::Stream(1 << 10),
    Load::Upload(128 << 10),
    Load::Upload(1 << 10),
    Load::Result(3 << 20),
    Load::Request(3 << 20),
];

/// What the issue asks for: nothing that moves holds a small call up for longer.
const MOST: Duration = Duration::from_millis(250);

/// How much may go over the link, both ways together, from a small call to its answer.
const MOST_BEFORE: u64 = 250_000;

/// Bytes, because time depends on the machine.
#[test]
fn little_stands_before_a_small_call() {
    block_on(async {
        let cases = ["msgpack", "jsonrpc"].into_iter().flat_map(|it| LOADS.map(|load| (it, load)));
        join_all(cases.map(async |(protocol, load)| {
            let samples = measure(protocol, load, 1, 6).await;
            let most = samples.iter().map(|sample| sample.passed).max().expect("some");
            eprintln!("{protocol}, {load:?}: {most} bytes");
            assert!(most < MOST_BEFORE, "{protocol}, {load:?}: {samples:?}");
        }))
        .await;
    });
}

/// `cargo test --release --test streams -- --ignored --nocapture small_calls_over_8_mbit`
#[test]
#[ignore = "takes a few minutes, and a machine with nothing else to do"]
fn small_calls_over_8_mbit() {
    block_on(async {
        let mut slow = Vec::new();
        for protocol in ["msgpack", "jsonrpc"] {
            for load in LOADS {
                let samples = measure(protocol, load, 4, 50).await;
                let mut times: Vec<_> = samples.iter().map(|sample| sample.took).collect();
                times.sort_unstable();
                let most = samples.iter().map(|sample| sample.passed).max().expect("some");
                let (median, p99) = (times[times.len() / 2], times[times.len() * 99 / 100]);
                eprintln!("{protocol}, {load:?}: median {median:?}, p99 {p99:?}, {most} bytes");
                if p99 >= MOST {
                    slow.push((protocol, load, p99));
                }
            }
        }
        assert!(slow.is_empty(), "{slow:?}");
    });
}
