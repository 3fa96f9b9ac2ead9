//! Streams over HTTP as our own client has them, with and without TLS.

use std::sync::atomic::Ordering::SeqCst;

use tinyrpc::{
    Client, ClientBuilder, Code, Error, Items, Limits, Outcome, Reason,
    transports::tls::{ClientTls, ServerTls},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::{
    block_on,
    certificates::authority,
    streams::{Open, open},
};

async fn client(url: &str) -> Client {
    let tls = ClientTls::new().authority(authority().pem.as_bytes()).expect("an authority");
    let client = ClientBuilder::from_url(url).expect("a URL").tls(tls);
    client.connect().await.expect("it listens")
}

/// A server, and a client over each of the two.
async fn both(test: impl AsyncFn(&Open, &Client)) {
    let own = &authority().localhost;
    for scheme in ["http", "https"] {
        let at = open(&format!("{scheme}://127.0.0.1:0"), |server| match scheme {
            "http" => server,
            _ => server.tls(ServerTls::new(own.chain.as_bytes(), own.key.as_bytes()).expect("one")),
        })
        .await;
        let client =
            client(&format!("{scheme}://{}", at.address.replace("127.0.0.1", "localhost"))).await;
        test(&at, &client).await;
    }
}

/// All values, and how it ended.
async fn read<T: serde::de::DeserializeOwned>(mut items: Items<T>) -> (Vec<T>, Option<Error>) {
    let mut values = Vec::new();
    while let Some(item) = items.next().await {
        match item {
            Ok(value) => values.push(value),
            Err(error) => {
                assert!(items.next().await.is_none(), "nothing comes behind {error}");
                return (values, Some(error));
            }
        }
    }
    (values, None)
}

#[test]
fn what_comes() {
    block_on(both(async |_, client| {
        for to in [0, 1, 5_000] {
            let items = client.stream::<_, u64>("count", (to,)).await.expect("a stream");
            let (values, end) = read(items).await;
            assert!(end.is_none(), "{end:?}");
            assert!(values.into_iter().eq(0..to));
        }
        for at in [0, 3] {
            let items = client.stream::<_, u64>("fails", (at,)).await.expect("a stream");
            let (values, end) = read(items).await;
            assert!(values.into_iter().eq(0..at));
            let Some(Error::Answered(error)) = end else { panic!("{end:?}") };
            assert_eq!((error.code, &*error.message), (Code(18), "that was all"));
        }
        // A method that does not stream gives its only value, and an error is one.
        let items = client.stream::<_, i64>("add", (2, 3)).await.expect("a call");
        assert_eq!(read(items).await.0, [5]);
        let items = client.stream::<_, i64>("nothing", ()).await.expect("a call");
        let (values, end) = read(items).await;
        assert!(values.is_empty() && end.is_some(), "{values:?} {end:?}");
        // Values that are larger than what may be unread, and a request that is large.
        let items = client.stream::<_, String>("texts", (4, 300_000)).await.expect("a stream");
        let (values, end) = read(items).await;
        assert!(end.is_none(), "{end:?}");
        let sizes: Vec<_> = values.iter().map(String::len).collect();
        assert_eq!(sizes, [300_002; 4]);
        let large = "x".repeat(100_000);
        let items = client.stream::<_, String>("repeat", (3, &large)).await.expect("a stream");
        assert_eq!(read(items).await.0, [&*large; 3]);
        // Two at a time, and an ordinary call between them.
        let mut one = client.stream::<_, u64>("count", (9,)).await.expect("a stream");
        let mut two = client.stream::<_, u64>("count", (9,)).await.expect("a stream");
        for number in 0..9 {
            assert_eq!(one.next().await.expect("more").expect("a number"), number);
            assert_eq!(client.call::<_, i64>("add", (1, 1)).await.expect("an answer"), 2);
            assert_eq!(two.next().await.expect("more").expect("a number"), number);
        }
        assert_eq!((read(one).await.0, read(two).await.0), (vec![], vec![]));
        assert_eq!(client.in_flight(), 0);
    }));
}

/// A stream that is not read stops its producer, and nobody else's; dropping it ends its exchange.
#[test]
fn who_does_not_read() {
    block_on(both(async |at, client| {
        let mut slow = client.stream::<_, String>("endless", (1_000,)).await.expect("a stream");
        slow.next().await.expect("it has no end").expect("a text");
        let mut before = 0;
        loop {
            for _ in 0..20 {
                assert_eq!(client.call::<_, i64>("add", (1, 1)).await.expect("an answer"), 2);
            }
            let now = at.watch.produced.load(SeqCst);
            if now == before {
                break;
            }
            before = now;
        }
        assert!(before < 20_000, "{before} values of 1 kB were taken ahead");
        let mut other = client.stream::<_, u64>("count", (10_000,)).await.expect("a stream");
        let mut count = 0;
        while let Some(value) = other.next().await {
            assert_eq!(value.expect("a number"), count);
            count += 1;
        }
        assert_eq!(count, 10_000);
        // It goes on once it is read, also where the values are kept.
        let mut kept = Vec::new();
        while at.watch.produced.load(SeqCst) == before {
            kept.push(slow.next_payload().await.expect("it has no end").expect("a text"));
        }
        assert_eq!(at.watch.alive.load(SeqCst), 1);
        drop(slow);
        at.watch.until(|watch| watch.alive.load(SeqCst) == 0).await;
        assert_eq!(client.in_flight(), 0);

        let mut quiet = client.stream::<_, u64>("quiet", ()).await.expect("a stream");
        assert_eq!(quiet.next().await.expect("one").expect("a number"), 1);
        drop(quiet);
        at.watch.until(|watch| watch.alive.load(SeqCst) == 0).await;
        // So does its time.
        let quiet = client.stream::<_, u64>("quiet", ());
        let quiet = quiet.timeout(std::time::Duration::from_millis(200)).await.expect("a stream");
        let (values, end) = read(quiet).await;
        assert_eq!(values, [1]);
        assert!(end.as_ref().is_some_and(Error::is_timeout), "{end:?}");
        at.watch.until(|watch| watch.alive.load(SeqCst) == 0).await;
    }));
}

/// The newest of those that were not read, where an old one is of no use.
#[test]
fn the_newest() {
    block_on(both(async |at, client| {
        let endless = client.stream::<_, String>("endless", (1_000,)).newest(2);
        let mut newest = endless.await.expect("a stream");
        while at.watch.produced.load(SeqCst) < 20_000 {
            assert_eq!(client.call::<_, i64>("add", (1, 1)).await.expect("an answer"), 2);
        }
        newest.next().await.expect("it has no end").expect("a text");
        assert!(newest.missed() > 1_000, "{}", newest.missed());
    }));
}

#[test]
fn what_http_cannot_do() {
    block_on(async {
        let at = open("http://127.0.0.1:0", |server| server).await;
        let text = client(&format!("http://{}", at.address)).await;
        let binary = client(&format!("msgpack+http://{}", at.address)).await;
        let refused = |error: Error| {
            assert_eq!(error.outcome(), Outcome::NotExecuted, "{error}");
            assert!(error.to_string().contains("extension"), "{error}");
        };
        refused(text.upload::<_, u64, u64>("sum", ()).await.expect_err("no words for it"));
        refused(text.duplex::<_, u64, u64>("sum", ()).await.expect_err("no words for it"));
        refused(binary.stream::<_, u64>("count", (1,)).await.expect_err("no words for it"));
        assert_eq!(text.call::<_, i64>("add", (2, 3)).await.expect("an answer"), 5);
    });
}

/// Answers each request on a connection of its own with these bytes, and closes it.
async fn answering<T>(answer: &[u8], test: impl AsyncFnOnce(Client) -> T) -> T {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let serve = async {
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            // The client may try the server before it has anything to say, or may be gone.
            _ = one(stream, answer).await;
        }
    };
    let limits = Limits { max_message: 2_000, ..Limits::default() };
    let test = async {
        let client = ClientBuilder::from_url(format!("http://{address}")).expect("a URL");
        test(client.limits(limits).connect().await.expect("it listens")).await
    };
    tokio::select! {
        never = serve => never,
        done = test => done,
    }
}

async fn one(mut stream: TcpStream, answer: &[u8]) -> std::io::Result<()> {
    let mut heard = Vec::new();
    while !heard.ends_with(b"}") {
        if stream.read_buf(&mut heard).await? == 0 {
            return Ok(());
        }
    }
    stream.write_all(answer).await?;
    stream.shutdown().await
}

/// Servers that do not keep to the rules, and those that do not know them.
#[test]
fn strange_answers() {
    fn lines(body: &str) -> String {
        format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nConnection: close\r\n\r\n{body}"
        )
    }
    fn item(id: u64, value: &str) -> String {
        format!("{{\"jsonrpc\":\"2.0\",\"method\":\"rpc.item\",\"params\":[{id},{value}]}}\n")
    }
    // The first call of a client has this id.
    const ID: u64 = 1;
    let end = format!("{{\"jsonrpc\":\"2.0\",\"id\":{ID},\"result\":null}}\n");
    let first = item(ID, "7");
    let chunked = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/jsonl; charset=utf-8\r\n\
         Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{first}\r\n",
        first.len()
    );
    let array = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n";
    let long = item(ID, &"1".repeat(3_000));
    for (what, answer, values, outcome) in [
        ("as it should be", lines(&format!("{first}{end}")), 1, None),
        ("no last line feed", lines(&format!("{first}{}", end.trim_end())), 1, None),
        ("blanks between", lines(&format!("\n\r\n{first}\n  \n{end}\n")), 1, None),
        ("more behind the end", lines(&format!("{first}{end}{first}{first}")), 1, None),
        ("values of another call", lines(&format!("{}{end}", item(ID + 1, "1"))), 0, None),
        ("no end", lines(&first), 1, Some(Outcome::Unknown)),
        ("nothing", lines(""), 0, Some(Outcome::Unknown)),
        ("broken off", chunked, 1, Some(Outcome::Unknown)),
        ("half a line", lines(&format!("{first}{}", &end[..20])), 1, Some(Outcome::Unknown)),
        ("no JSON", lines(&format!("{first}what?\n{end}")), 1, Some(Outcome::Unknown)),
        ("a line that is too long", lines(&format!("{long}{end}")), 0, Some(Outcome::Unknown)),
        ("one that has no end", lines(&"x".repeat(5_000)), 0, Some(Outcome::Unknown)),
        ("a collected array", format!("{array}{}", end.replace("null", "[1,2]")), 1, None),
        ("refused", "HTTP/1.1 404 Not Found\r\n\r\n".into(), 0, Some(Outcome::NotExecuted)),
    ] {
        let test = async |client: Client| {
            let items = client.stream::<_, u64>("count", (1,)).await.expect("sent");
            collect(items).await
        };
        let (count, end) = block_on(answering(answer.as_bytes(), test));
        let ended = end.as_ref().map(Error::outcome);
        assert_eq!((count, ended), (values, outcome), "{what}: {end:?}");
        assert!(!matches!(end, Some(Error::NotExecuted(Reason::Timeout(_)))), "{what}");
    }
}

async fn collect<T>(mut items: Items<T>) -> (usize, Option<Error>) {
    let mut count = 0;
    while let Some(value) = items.next_payload().await {
        match value {
            Ok(_) => count += 1,
            Err(error) => return (count, Some(error)),
        }
    }
    (count, None)
}
