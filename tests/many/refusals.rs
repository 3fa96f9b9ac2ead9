//! What cannot work is said where it is asked for.

use tinyrpc::{ClientBuilder, Dispatcher, Server};

async fn bind(url: &str) -> String {
    match ClientBuilder::bind(url) {
        Err(error) => error.to_string(),
        Ok(builder) => builder.connect().await.expect_err(url).to_string(),
    }
}

async fn connect(url: &str) -> String {
    Server::new(Dispatcher::new()).connect(url).await.expect_err(url).to_string()
}

#[tokio::test]
async fn urls() {
    for (what, words) in [
        (bind("tcp://0.0.0.0:0").await, "reachable from other machines"),
        (bind("auto+tcp://127.0.0.1:0").await, "a client cannot use `auto`"),
        (bind("tcp://256.0.0.1:0").await, "256.0.0.1"),
        (connect("tcp:127.0.0.1").await, "is not a URL"),
        #[cfg(feature = "http")]
        (bind("http://127.0.0.1:0").await, "bind over ws"),
        #[cfg(feature = "http")]
        (connect("http://127.0.0.1:1").await, "use ws"),
        #[cfg(feature = "udp")]
        (bind("udp://127.0.0.1:0").await, "nobody is called who connects"),
        #[cfg(feature = "udp")]
        (connect("udp://127.0.0.1:1").await, "nobody is called who connects"),
        #[cfg(feature = "amqp")]
        (bind("amqp://127.0.0.1:1?queue=a").await, "services listen on their queue"),
        #[cfg(feature = "amqp")]
        (connect("amqp://127.0.0.1:1?queue=a").await, "services listen on their queue"),
        #[cfg(feature = "tls")]
        (bind("tls://127.0.0.1:0").await, "needs a certificate"),
        #[cfg(feature = "stdio")]
        (bind("exec:true").await, "starts a program"),
    ] {
        assert!(what.contains(words), "`{what}` has no `{words}`");
    }
    assert!(ClientBuilder::from_urls(Vec::<String>::new()).is_err());
    // With leave it may.
    let remote = ClientBuilder::bind("tcp://0.0.0.0:0").expect("a URL").allow_remote();
    remote.connect().await.expect("it listens");
}
