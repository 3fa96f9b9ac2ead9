//! The same for threads.

use futures_util::stream;
use tinyrpc::{Dispatcher, Error, Slow, blocking};

#[test]
fn an_iterator_of_items() {
    let service = Dispatcher::new()
        .subscription("count", "counted", "uncount", |from: u32, to: u32| stream::iter(from..to))
        .subscription("silence", "heard", "unsilence", stream::pending::<u32>);
    let server = blocking::Server::new(service).listen("tcp://127.0.0.1:0").unwrap();
    let url = format!("jsonrpc+{}", server.addresses()[0]);
    let client = blocking::connect(url).unwrap();
    // As many as wait for a reader who is late.
    let counted = client.subscribe::<u32>("count", (0, 1000), "uncount").unwrap();
    let counted: Vec<u32> = counted.map(Result::unwrap).collect();
    assert_eq!(counted, (0..1000).collect::<Vec<_>>());
    let slow = (Slow::Wait, 3);
    let counted = client.subscribe_slow::<u32>("count", (0, 2000), "uncount", slow).unwrap();
    assert_eq!(counted.map(Result::unwrap).count(), 2000);
    let silence = client.subscribe::<u32>("silence", (), "unsilence").unwrap();
    assert!(silence.unsubscribe().unwrap());
    let mut silence = client.subscribe::<u32>("silence", (), "unsilence").unwrap();
    assert_eq!(silence.missed(), 0);
    server.shutdown();
    assert!(matches!(silence.next(), Some(Err(Error::Interrupted(_)))));
    assert!(silence.next().is_none());
}
