//! Media types: a page cannot post a call without asking first.

use crate::{
    block_on,
    shop::{JSON, MSGPACK, Shop, buy, post},
    wire::Wire,
};

const OWN_PAGE: &str = "Origin: http://localhost:PORT\r\n";

#[test]
fn types() {
    use Wire::{Json, MessagePack};
    block_on(async {
        let shop = Shop::open("http://127.0.0.1:0", |server| server).await;
        for (lines, wire, answered) in [
            ("Content-Type: application/json\r\n", Json, true),
            ("Content-Type: application/json-rpc\r\n", Json, true),
            ("Content-Type: application/json-rpc2\r\n", Json, true),
            ("Content-Type: Application/JSON; charset=utf-8\r\n", Json, true),
            ("content-type:application/json;charset=\"UTF-8\"\r\n", Json, true),
            ("Content-Type: application/msgpack\r\n", MessagePack, true),
            ("Content-Type: application/x-msgpack\r\n", MessagePack, true),
            ("Content-Type: application/vnd.msgpack\r\n", MessagePack, true),
            ("", Json, true),
            ("", MessagePack, true),
            ("Content-Type: application/x-json\r\n", Json, false),
            ("Content-Type: application/jsonx\r\n", Json, false),
            ("Content-Type: text/json\r\n", Json, false),
            ("Content-Type: text/plain\r\n", Json, false),
            ("Content-Type: text/plain; application/json\r\n", Json, false),
            ("Content-Type: text/plain;charset=UTF-8\r\n", MessagePack, false),
            ("Content-Type: application/x-www-form-urlencoded\r\n", Json, false),
            ("Content-Type: multipart/form-data; boundary=x\r\n", Json, false),
            ("Content-Type: application/octet-stream\r\n", MessagePack, false),
            ("Content-Type: \r\n", Json, false),
            ("Content-Type: *\r\n", Json, false),
            ("Content-Type: application/json, text/plain\r\n", Json, false),
            ("Content-Type: application/json\r\nContent-Type: text/plain\r\n", Json, false),
            ("Content-Type: application/json\r\nContent-Encoding: gzip\r\n", Json, false),
            ("Content-Encoding: identity\r\n", Json, false),
        ] {
            for page in [false, true] {
                // Without a type, who has an origin is refused.
                let answered = answered && !(page && lines.is_empty());
                let origin = if page { OWN_PAGE.replace("PORT", shop.port()) } else { "".into() };
                let reply = shop.ask(&post(&format!("{lines}{origin}"), &buy(wire))).await;
                let at = format!("{lines:?} {origin:?}: {reply:?}");
                assert_eq!(reply.status, if answered { 200 } else { 415 }, "{at}");
                assert_eq!(shop.sold(), usize::from(answered), "{at}");
                if answered {
                    let own = if wire == Json { JSON } else { MSGPACK };
                    let own = own.trim().strip_prefix("Content-Type: ");
                    assert_eq!(reply.header("content-type"), own, "{at}");
                }
                assert_eq!(reply.header("x-content-type-options"), Some("nosniff"), "{at}");
            }
        }
    });
}

/// The answer says what it is, whatever its request was called.
#[test]
fn a_type_that_is_not_true() {
    block_on(async {
        let shop = Shop::open("http://127.0.0.1:0", |server| server).await;
        for (said, wire, own) in [
            (JSON, Wire::MessagePack, "application/msgpack"),
            (MSGPACK, Wire::Json, "application/json"),
        ] {
            let reply = shop.ask(&post(said, &buy(wire))).await;
            assert_eq!((reply.status, reply.header("content-type")), (200, Some(own)), "{said}");
        }
    });
}
