//! Who proves who it is by a header, and who does not.

use tinyrpc::{
    Client, ClientBuilder, Code, Context, Dispatcher, Error, HeaderLogin, Outcome, Server,
};

use crate::{
    block_on,
    shop::{JSON, Reply, Shop, next, post},
};

const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"buy"}"#;

fn login() -> HeaderLogin {
    HeaderLogin::new().bearer("alice", "5e3a7c").basic("bob", "sword:fish")
}

/// Posts, and what stands in `Authorization`: each is decided about on its own.
#[test]
fn posts() {
    block_on(async {
        let shop = Shop::open("http://127.0.0.1:0", |server| server.authenticate(login())).await;
        let mut peer = shop.visit().await;
        for (name, headers, status) in [
            ("nothing", "", 401),
            ("a token", "Authorization: Bearer 5e3a7c\r\n", 200),
            ("a token, in another case", "AUTHORIZATION: bEARER 5e3a7c\r\n", 200),
            ("another token", "Authorization: Bearer 5e3a7d\r\n", 401),
            ("no token", "Authorization: Bearer\r\n", 401),
            ("a token without its scheme", "Authorization: 5e3a7c\r\n", 401),
            ("a password", "Authorization: Basic Ym9iOnN3b3JkOmZpc2g=\r\n", 200),
            ("another password", "Authorization: Basic Ym9iOnN3b3Jk\r\n", 401),
            ("a password as a token", "Authorization: Bearer Ym9iOnN3b3JkOmZpc2g=\r\n", 401),
            ("a token as a password", "Authorization: Basic 5e3a7c\r\n", 401),
            (
                "two headers",
                "Authorization: Bearer 5e3a7c\r\nAuthorization: Bearer 5e3a7c\r\n",
                401,
            ),
            ("a token again", "Authorization: Bearer 5e3a7c\r\n", 200),
        ] {
            let headers = format!("{JSON}{headers}");
            peer.send(&post(&headers, CALL.as_bytes())).await.expect("it is kept");
            let reply = next(&mut peer).await.unwrap_or_else(|| panic!("{name}: it is closed"));
            assert_eq!(reply.status, status, "{name}: {reply:?}");
            assert_eq!(shop.sold(), usize::from(status == 200), "{name}");
            check_refusal(&reply);
        }
        assert_eq!(shop.server.refused_peers(), 8);
    });
}

/// A refusal says how to log in, and is an answer to the call all the same.
#[track_caller]
fn check_refusal(reply: &Reply) {
    let challenge = (reply.status == 401).then_some("Bearer");
    assert_eq!(reply.header("www-authenticate"), challenge);
    let text = String::from_utf8_lossy(&reply.body);
    assert_eq!(text.contains(r#""id":1,"error":{"code":-32014"#), reply.status == 401, "{text}");
}

fn who(context: Context) -> Option<String> {
    context.identity().map(|identity| identity.name().to_owned())
}

async fn connect(
    server: &tinyrpc::ServerHandle,
    scheme: &str,
    build: impl FnOnce(ClientBuilder) -> ClientBuilder,
) -> Client {
    let bound = server.addresses().concat();
    let address = bound.split_once("://").expect("a URL").1;
    let builder = ClientBuilder::from_url(format!("{scheme}://{address}")).expect("a URL");
    build(builder).connect().await.expect("it listens")
}

/// Clients of both transports and protocols, through one port.
#[test]
fn clients() {
    block_on(async {
        let service = Dispatcher::new()
            .method("who", who)
            .method("tenant", |context: Context| context.header("x-tenant"));
        let server = Server::new(service).authenticate(login());
        let server = server.listen("tcp://127.0.0.1:0").await.expect("a free port");
        for scheme in ["http", "ws", "msgpack+http", "msgpack+ws"] {
            let alice = connect(&server, scheme, |builder| {
                builder.bearer("5e3a7c").header("X-Tenant", "blue")
            })
            .await;
            let bob = connect(&server, scheme, |builder| builder.basic("bob", "sword:fish")).await;
            for (client, name, tenant) in [(&alice, "alice", Some("blue")), (&bob, "bob", None)] {
                let who: String = client.call("who", ()).await.expect("it is known");
                assert_eq!(who, name, "{scheme}");
                let told: Option<String> = client.call("tenant", ()).await.expect("it is known");
                assert_eq!(told.as_deref(), tenant, "{scheme}");
            }
            let stranger = connect(&server, scheme, |builder| builder.bearer("5e3a7d")).await;
            let error = stranger.call::<_, String>("who", ()).await.expect_err("it is a stranger");
            check_stranger(scheme, &error);
        }
    });
}

#[track_caller]
fn check_stranger(scheme: &str, error: &Error) {
    assert_eq!(error.outcome(), Outcome::NotExecuted, "{scheme}: {error}");
    let refusal = error.as_rpc().unwrap_or_else(|| panic!("{scheme}: {error}"));
    assert_eq!(refusal.code, Code::UNAUTHENTICATED, "{scheme}");
}

/// Each call of a connection that is kept has the headers of its own request.
#[test]
fn headers_of_each_post() {
    block_on(async {
        let service = Dispatcher::new().method("tenant", |context: Context| async move {
            tokio::task::yield_now().await;
            context.header("X-Tenant")
        });
        let server = Server::new(service).listen("http://127.0.0.1:0").await.expect("a free port");
        let bound = server.addresses().concat();
        let mut peer = crate::raw::Raw::connect(bound.split_once("://").expect("a URL").1)
            .await
            .expect("it listens");
        let call = CALL.replace("buy", "tenant");
        for (headers, result) in [
            ("X-Tenant: blue\r\n", r#""blue""#),
            ("", "null"),
            ("x-tenant: red\r\n", r#""red""#),
            ("X-Tenant: red\r\nX-Tenant: blue\r\n", "null"),
            ("X-Tenant: \u{fc}\r\n", "null"),
        ] {
            peer.send(&post(&format!("{JSON}{headers}"), call.as_bytes())).await.expect("kept");
            let reply = next(&mut peer).await.expect("an answer");
            let text = String::from_utf8_lossy(&reply.body);
            assert!(text.contains(&format!(r#""result":{result}"#)), "{headers}: {text}");
        }
    });
}
