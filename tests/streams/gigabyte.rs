//! More than memory should hold, through one stream.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
};

use futures_util::stream;
use tinyrpc::{Blob, Client, Context, Dispatcher, RpcError, Server};

use crate::{
    block_on,
    child::{self, Copy, Memory},
    contents::{Checksum, Contents, VALUE},
    folder::Folder,
};

/// What a process may grow by, in KiB.
const GROWTH: u64 = 16 << 10;
/// Values that make buffers what they will be, before memory is looked at.
const WARM_UP: usize = 64;
const SEED: u64 = 6;

#[test]
fn server_process() {
    let Some(task) = child::task() else { return };
    let sent = Arc::new(AtomicU64::new(0));
    let checksum = Arc::clone(&sent);
    let service = Dispatcher::new()
        .stream("read", move |count: usize| {
            let (mut contents, sent) = (Contents::new(SEED), Arc::clone(&sent));
            let mut sum = Checksum::default();
            stream::iter((0..count).map(move |_| {
                let value = contents.value();
                sum.add(&value);
                sent.store(sum.0, SeqCst);
                value
            }))
        })
        .method("checksum", move || checksum.load(SeqCst))
        .method("write", async |context: Context| {
            let (mut values, mut sum) = (context.input::<Blob>(), Checksum::default());
            while let Some(value) = values.next().await {
                sum.add(&value?);
            }
            Ok::<_, RpcError>(sum.0)
        });
    block_on(async {
        let server = Server::new(service).listen(&task[0]).await.expect("a free address");
        child::say(server.addresses().concat());
        pending::<()>().await;
    });
}

#[test]
fn client_process() {
    let Some(task) = child::task() else { return };
    let [url, way, count] = task.as_slice() else { panic!("{task:?}") };
    let count = count.parse().expect("a number");
    block_on(async {
        let client = Client::connect(url).await.expect("the server listens");
        _ = pass(&client, way, WARM_UP).await;
        let before = Memory::own();
        child::say("warm");
        let (ours, theirs) = pass(&client, way, count).await;
        let after = Memory::own();
        assert_eq!(ours, theirs, "the checksums differ");
        child::say(after.peak.saturating_sub(before.now));
        pending::<()>().await;
    });
}

/// Sends so many values one way; gives the checksums of what was sent and of what came.
async fn pass(client: &Client, way: &str, count: usize) -> (u64, u64) {
    let mut sum = Checksum::default();
    if way == "write" {
        let written = client.upload::<_, Blob, u64>("write", ()).await;
        let (values, written) = written.expect("it knows streams");
        let mut contents = Contents::new(SEED);
        for _ in 0..count {
            let value = contents.value();
            sum.add(&value);
            values.send(value).await.expect("it is wanted");
        }
        values.close();
        return (sum.0, written.await.expect("a checksum"));
    }
    let mut values = client.stream::<_, Blob>("read", (count,)).await.expect("it knows streams");
    let mut came = 0;
    while let Some(value) = values.next().await {
        let value = value.expect("a value");
        came += value.len();
        sum.add(&value);
    }
    assert_eq!(came, count * VALUE);
    (sum.0, client.call("checksum", ()).await.expect("a checksum"))
}

/// Both processes by themselves; `url` is where the server listens.
#[track_caller]
fn check(protocol: &str, url: &str, way: &str, mebibytes: usize) {
    let count = (mebibytes << 20) / VALUE;
    let mut server = Copy::start("gigabyte::server_process", &[url]);
    let address = server.hear();
    let url = format!("{protocol}+{address}");
    let mut client = Copy::start("gigabyte::client_process", &[&url, way, &count.to_string()]);
    assert_eq!(client.hear(), "warm");
    let before = server.memory();
    let grown: u64 = client.hear().parse().expect("a number");
    let server = server.memory().peak.saturating_sub(before.now);
    eprintln!(
        "{url} {way}, {mebibytes} MiB: the server grew by {server} KiB, the client by {grown}"
    );
    assert!(server < GROWTH, "the server grew by {server} KiB");
    assert!(grown < GROWTH, "the client grew by {grown} KiB");
}

/// Enough to show that nothing grows with it, in a build that is not optimised.
const SHORT: usize = 64;
const GIGABYTE: usize = 1024;

/// Where a server can listen.
fn everywhere(folder: &Folder) -> Vec<String> {
    let mut urls = vec!["tcp://127.0.0.1:0".to_owned()];
    if cfg!(feature = "unix") {
        urls.push(format!("unix://{}", folder.path("socket").display()));
    }
    if cfg!(feature = "ws") {
        urls.push("ws://127.0.0.1:0".to_owned());
    }
    if cfg!(feature = "zmq") {
        urls.push("zmq://127.0.0.1:0".to_owned());
    }
    urls
}

#[test]
fn memory_stays_flat_while_64_mebibytes_stream() {
    let folder = Folder::new();
    for url in everywhere(&folder) {
        check("msgpack", &url, "read", SHORT);
    }
    check("msgpack", "tcp://127.0.0.1:0", "write", SHORT);
}

/// `cargo test --release --features unix,ws,zmq --test streams -- --ignored --nocapture gigabyte`
#[test]
#[ignore = "takes a minute, and much longer without optimisation"]
fn memory_stays_flat_while_a_gigabyte_streams() {
    let folder = Folder::new();
    for protocol in ["msgpack", "jsonrpc"] {
        for way in ["read", "write"] {
            for url in everywhere(&folder) {
                check(protocol, &url, way, GIGABYTE);
            }
        }
    }
}
