//! The `Host` header: a name that a foreign page resolves to this machine opens nothing.

use tinyrpc::transports::http::Web;

use crate::{
    block_on,
    shop::{JSON, Shop, buy},
    wire::Wire,
};

/// Values of one header, with the port of the server for `PORT`.
const NAMES: &[(&str, bool)] = &[
    ("localhost", true),
    ("LOCALHOST", true),
    ("LocalHost:PORT", true),
    ("localhost.", true),
    ("localhost.:PORT", true),
    ("localhost..", false),
    ("localhost:1", true),
    ("localhost:65536", false),
    ("localhost:x", false),
    ("localhost:", true),
    ("127.0.0.1:", true),
    ("[::1]:", true),
    ("evil.example:", false),
    ("localhost::", false),
    ("localhost:PORT:", false),
    ("localhost:+80", false),
    ("127.0.0.1", true),
    ("127.0.0.1:PORT", true),
    ("127.0.0.1.", true),
    ("127.0.0.2:PORT", true),
    ("127.1", false),
    ("2130706433", false),
    ("0x7f.0.0.1", false),
    ("[::1]", true),
    ("[::1]:PORT", true),
    ("[0:0:0:0:0:0:0:1]:PORT", true),
    ("[::1", false),
    ("[::1]x", false),
    ("::1", false),
    ("[::]", false),
    ("0.0.0.0:PORT", false),
    ("10.0.0.1", false),
    ("evil.example", false),
    ("evil.example:PORT", false),
    ("localhost.evil.example", false),
    ("127.0.0.1.evil.example", false),
    ("xlocalhost", false),
    ("l\u{f6}calhost", false),
    ("user@localhost", false),
    ("user:word@localhost", false),
    ("localhost@evil.example", false),
    ("localhost:PORT@evil.example", false),
    ("localhost/", false),
    ("localhost/@evil.example", false),
    ("localhost evil.example", false),
    ("localhost, evil.example", false),
    ("", false),
    ("rpc.example.com", true),
    ("RPC.Example.Com.:PORT", true),
    ("example.com", false),
    ("sub.rpc.example.com", false),
];

/// Targets and all lines with a host.
const REQUESTS: &[(&str, &str, bool)] = &[
    ("/ HTTP/1.1", "", false),
    ("/ HTTP/1.0", "", false),
    ("/ HTTP/1.0", "Host: localhost\r\n", true),
    ("/ HTTP/1.1", "Host: localhost\r\nHost: localhost\r\n", false),
    ("/ HTTP/1.1", "Host: localhost\r\nHost: evil.example\r\n", false),
    ("/ HTTP/1.1", "Host: evil.example\r\nX-Forwarded-Host: localhost\r\n", false),
    ("http://localhost:PORT/ HTTP/1.1", "Host: localhost:PORT\r\n", true),
    ("http://localhost:/ HTTP/1.1", "Host: localhost:\r\n", true),
    ("http://LOCALHOST./ HTTP/1.1", "Host: localhost\r\n", true),
    ("http://[::1]:PORT/ HTTP/1.1", "Host: [::1]:PORT\r\n", true),
    ("http://localhost/ HTTP/1.1", "", false),
    ("http://evil.example/ HTTP/1.1", "Host: localhost\r\n", false),
    ("http://localhost/ HTTP/1.1", "Host: evil.example\r\n", false),
    ("http://user@localhost/ HTTP/1.1", "Host: localhost\r\n", false),
];

#[test]
fn foreign_hosts_are_refused() {
    block_on(async {
        let mut tried = 0;
        for url in ["http://127.0.0.1:0", "tcp://127.0.0.1:0"] {
            let web = Web::new().host("rpc.example.com");
            let shop = Shop::open(url, |server| server.web(web)).await;
            let names = NAMES.iter().map(|(name, known)| {
                ("/ HTTP/1.1".to_owned(), format!("Host: {name}\r\n"), *known)
            });
            let requests = REQUESTS.iter();
            let requests = requests.map(|(to, host, known)| ((*to).into(), (*host).into(), *known));
            for (target, host, known) in names.chain(requests) {
                let body = buy(Wire::Json);
                let head =
                    format!("POST {target}\r\n{host}{JSON}Content-Length: {}\r\n\r\n", body.len());
                let head = head.replace("PORT", shop.port());
                let reply = shop.ask(&[head.as_bytes(), &body].concat()).await;
                let at = format!("{url} {target} {host:?}");
                assert_eq!(reply.status, if known { 200 } else { 403 }, "{at}: {reply:?}");
                assert_eq!(shop.sold(), usize::from(known), "{at}");
                tried += 1;
            }
        }
        assert!(tried >= 2 * 40, "only {tried}");
    });
}

/// Whoever listens for other machines is reached by their names for it, but not by any name.
#[test]
fn addresses_are_no_names() {
    block_on(async {
        let url = "http://0.0.0.0:0";
        let shop = Shop::open(url, |server| server.allow_remote()).await;
        let local = format!("127.0.0.1:{}", shop.port());
        for (host, known) in [("10.0.0.1", true), ("[2001:db8::1]:80", true), ("a.example", false)]
        {
            let body = buy(Wire::Json);
            let length = body.len();
            let head = format!(
                "POST / HTTP/1.1\r\nHost: {host}\r\n{JSON}Content-Length: {length}\r\n\r\n"
            );
            let mut peer = crate::raw::Raw::connect(&local).await.expect("it listens");
            peer.send(&[head.as_bytes(), &body].concat()).await.expect("it listens");
            let reply = crate::shop::next(&mut peer).await.expect("an answer");
            assert_eq!(reply.status, if known { 200 } else { 403 }, "{host}");
            assert_eq!(shop.sold(), usize::from(known), "{host}");
        }
    });
}
