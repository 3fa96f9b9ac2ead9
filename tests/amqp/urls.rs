//! What a URL may say.

use tinyrpc::{ClientBuilder, Url, transports::amqp::Target};

#[test]
fn good_ones() {
    for (url, shown) in [
        ("amqp://h?queue=q", "amqp://h?queue=q"),
        ("jsonrpc+amqp://h:1/office?queue=a%2fb", "amqp://h:1/office?queue=a%2fb"),
        ("msgpack+amqp://ada:s3cr3t@h/%2f?queue=q&durable", "amqp://h/%2f?queue=q&durable"),
        ("amqp://h?queue=q&durable=false&timeout=5", "amqp://h?queue=q&durable=false&timeout=5"),
        (
            "amqp://h?queue=q&exchange=x&routing_key=k&prefetch=9&tries=2&reply=direct",
            "amqp://h?queue=q&exchange=x&routing_key=k&prefetch=9&tries=2&reply=direct",
        ),
    ] {
        let builder = ClientBuilder::from_url(url).expect(url);
        assert_eq!(builder.address(), shown);
        assert_eq!(url.parse::<Url>().expect(url).to_string(), url);
    }
}

#[test]
fn addresses_of_targets() {
    for (target, address) in [
        (Target::new("h", "q"), "amqp://h:5672?queue=q"),
        (Target::new("ada:s3cr3t@h:1/office", "a/b"), "amqp://h:1/office?queue=a%2fb"),
        (Target::new("ada:s3cr3t@h/%2f", "q"), "amqp://h:5672?queue=q"),
        (Target::new("[::1]", "q"), "amqp://[::1]:5672?queue=q"),
        (
            Target::new("h", "q").and_then(|target| target.exchange("x")?.routing_key("k")),
            "amqp://h:5672?queue=q&exchange=x&routing_key=k",
        ),
    ] {
        let target = target.expect(address);
        assert_eq!(target.address(), address);
        assert!(!format!("{target:?}").contains("s3cr3t"), "{target:?}");
    }
}

#[test]
fn bad_ones() {
    for (url, why) in [
        ("amqp://h", "which queue"),
        ("amqp://h?queue=", "1 to 250 bytes"),
        ("amqp://ada:s3cr3t@h:port?queue=q", "expected [USER"),
        ("amqp://ada:s3cr3t@h", "which queue"),
        ("amqp://h?queue=q&prefetch=0", "from 1 to 65535"),
        ("amqp://h?queue=q&tries=many", "a number"),
        ("amqp://h?queue=q&durable=maybe", "`true`, `false` or no value"),
        ("amqp://h?queue=q&reply=never", "`queue` or `direct`"),
        ("amqp://h?queue=%ff", "text"),
        ("amqp://?queue=q", "expected [USER"),
        ("amqp://[::1?queue=q", "expected [USER"),
        ("amqp://h?queue=q&lanes=2", "unknown option"),
    ] {
        let error = ClientBuilder::from_url(url).expect_err(url).to_string();
        assert!(error.contains(why), "{url}: {error}");
        assert!(!error.contains("s3cr3t"), "{error}");
    }
}

#[tokio::test]
async fn nobody_there() {
    // A port that was free a moment ago.
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.local_addr().expect("an address").port()
    };
    let url = format!("amqp://ada:s3cr3t@127.0.0.1:{port}?queue=q");
    let called = tinyrpc::connect(&url).await.expect_err("nobody listens");
    let served = tinyrpc::Server::new(tinyrpc::Dispatcher::new()).listen(&url).await;
    for error in [called, served.expect_err("nobody listens")] {
        let error = error.to_string();
        assert!(error.contains("refused") && !error.contains("s3cr3t"), "{error}");
    }
}

#[tokio::test]
async fn servers_listen_and_clients_connect() {
    for url in ["amqp://h?queue=q", "amqps://h?queue=q"] {
        if cfg!(not(feature = "tls")) && url.starts_with("amqps") {
            continue;
        }
        let server = tinyrpc::Server::new(tinyrpc::Dispatcher::new()).connect(url).await;
        let error = server.expect_err(url).to_string();
        assert!(error.contains("listen"), "{error}");
    }
}
