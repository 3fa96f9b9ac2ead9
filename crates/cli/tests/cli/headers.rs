//! README, "Headers": they arrive, and nobody else learns of the secrets in them.

use tinyrpc::{Context, Dispatcher, HeaderLogin, RpcError, Server, ServerHandle};

use crate::support::{
    command::{Ran, finish, run, tinyrpc},
    files::Files,
};

/// A server that knows one token, over HTTP and WebSocket, and a method that tells its headers.
async fn serving() -> (ServerHandle, Vec<String>) {
    let service = Dispatcher::new()
        .method("header", |context: Context, name: String| context.header(&name))
        .method("leak", |context: Context| {
            let secret = context.header("authorization").unwrap_or_default();
            Err::<(), _>(RpcError::server(format!("got {secret}")))
        });
    let server = Server::new(service).authenticate(HeaderLogin::new().bearer("ada", TOKEN)).start();
    for url in ["http://127.0.0.1:0", "ws://127.0.0.1:0"] {
        server.listen(url).await.expect("a free port");
    }
    let urls = server.addresses();
    (server, urls)
}

/// Runs the command with a secret in its environment.
async fn with_variable(value: &str, args: &[&str]) -> Ran {
    let child = tinyrpc(args).env("RPC_HEADERS", value).spawn().expect("it starts");
    finish(child, args).await
}

#[tokio::test]
async fn every_source() {
    let (_server, urls) = serving().await;
    let files = Files::new();
    files.write("headers", &format!("Authorization: Bearer {TOKEN}\r\n\nX-Tenant:  blue: 1\r\n"));
    let file = format!("@{}", files.path("headers"));
    let authorization = format!("Authorization: Bearer {TOKEN}");
    for url in &urls {
        let args = ["call", "-v", "--header", &file, url, "header", "x-tenant"];
        let ran = run(&args).await;
        assert_eq!((ran.code, &*ran.stdout), (Some(0), "\"blue: 1\"\n"), "{}", ran.stderr);
        let line = ["--header", &authorization, "--header", "x-tenant: red"];
        let args = [&["call", "-v"][..], &line, &[url, "header", "x-tenant"]].concat();
        let ran = run(&args).await;
        assert_eq!((ran.code, &*ran.stdout), (Some(0), "\"red\"\n"), "{}", ran.stderr);
        let args = ["call", "-v", "--header-env", "RPC_HEADERS", url, "header", "x-tenant"];
        let ran = with_variable(&format!("{authorization}\nX-Tenant: green"), &args).await;
        assert_eq!((ran.code, &*ran.stdout), (Some(0), "\"green\"\n"), "{}", ran.stderr);
        let args = ["notify", "-v", "--header-env", "RPC_HEADERS", url, "header", "x-tenant"];
        let ran = with_variable(&authorization, &args).await;
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        assert!(!ran.stderr.contains(TOKEN), "{}", ran.stderr);
    }
}

#[tokio::test]
async fn whoever_is_not_known() {
    let (_server, urls) = serving().await;
    for url in &urls {
        for options in [&[][..], &["--header", "Authorization: Bearer wr0ng-token"]] {
            let args = [&["call", "-v"], options, &[url, "header", "x"]].concat();
            let ran = run(&args).await;
            assert_eq!((ran.code, &*ran.stdout), (Some(1), ""), "{}", ran.stderr);
            assert!(ran.stderr.contains("--header-env VARIABLE"), "{}", ran.stderr);
            assert!(!ran.stderr.contains("wr0ng"), "{}", ran.stderr);
        }
    }
}

/// Not even where the peer says what it was sent.
#[tokio::test]
async fn a_peer_that_tells_secrets() {
    let (_server, urls) = serving().await;
    for url in &urls {
        let args = ["call", "-v", "--header-env", "RPC_HEADERS", url, "leak"];
        let ran = with_variable(&format!("Authorization: Bearer {TOKEN}"), &args).await;
        assert_eq!((ran.code, &*ran.stdout), (Some(1), ""), "{}", ran.stderr);
        assert!(ran.stderr.contains("message: got [cut]\n"), "{}", ran.stderr);
        assert!(!ran.stderr.contains(TOKEN), "{}", ran.stderr);
    }
}

#[tokio::test]
async fn wrong_ones() {
    let files = Files::new();
    files.write("token", TOKEN);
    files.write("empty", "\n\n");
    let token = format!("@{}", files.path("token"));
    let empty = format!("@{}", files.path("empty"));
    let absent = format!("@{}", files.path("absent"));
    let url = "http://127.0.0.1:1";
    let cases: &[(&[&str], &str)] = &[
        (
            &["--header", TOKEN, url],
            "error: --header number 1: there is no colon\n  hint: a header is 'Name: value'",
        ),
        (
            &["--header", "a: b", "--header", "s3cr3t x: y", url],
            "error: --header number 2: what stands before",
        ),
        (
            &["--header", "Content-Length: 7", url],
            "error: --header number 1: `Content-Length` is not for users",
        ),
        (&["--header", &token, url], "token, line 1: there is no colon\n"),
        (&["--header", &empty, url], "empty: there is no header in it\n"),
        (&["--header", &absent, url], "absent cannot be read: No such file"),
        (
            &["--header-env", "RPC_NOT_THERE", url],
            "error: the environment variable RPC_NOT_THERE is not set\n",
        ),
        (
            &["--header-env", TOKEN, url],
            "error: --header-env number 1: the environment variable of this name is not set\n",
        ),
        (
            &["--header", "a: b", "tcp://127.0.0.1:1"],
            "error: `tcp` has no headers\n  hint: only URLs of http,",
        ),
        (&["--header", "a: b", "msgpack+tls://127.0.0.1:1"], "error: `tls` has no headers\n"),
        (&["--header", "a: b", "unix:///a.sock"], "error: `unix` has no headers\n"),
        (&["--header", "a: b", "exec:true"], "error: `exec` has no headers\n"),
    ];
    for (options, why) in cases {
        for command in ["call", "notify"] {
            let args = [&[command], *options, &["m"]].concat();
            let ran = run(&args).await;
            assert_eq!((ran.code, &*ran.stdout), (Some(2), ""), "{args:?}: {}", ran.stderr);
            assert!(ran.stderr.contains(why), "{args:?}: {}", ran.stderr);
            assert!(!ran.stderr.contains(TOKEN) && !ran.stderr.contains("s3cr3t"), "{args:?}");
        }
    }
}

#[tokio::test]
async fn a_password_in_a_url() {
    for scheme in ["http", "wss", "tcp", "tls"] {
        let url = format!("{scheme}://ada:{TOKEN}@127.0.0.1:1");
        let ran = run(&["call", &url, "m"]).await;
        let error = "error: a name or a password in a URL ends up in logs\n  \
                     hint: --header-env VARIABLE or --header @FILE, with Authorization in it";
        assert_eq!(ran, Ran::failed(2, error));
    }
}

const TOKEN: &str = "t0ken-of-ada";
