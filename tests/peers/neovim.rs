//! Neovim 0.7 or newer, and pynvim 0.6.0, by which Python talks to it: MessagePack-RPC where both
//! sides call each other at any time.
//!
//! | | Neovim | pynvim |
//! |---|---|---|
//! | ids | from 1; accepts up to 2^32 - 2 | from 1 |
//! | names of methods | accepts str and bin | str or bin, as its user wrote them |
//! | texts | bytes, sent as str whether they are UTF-8 or not; accepts bin too | str is UTF-8, bin is bytes |
//! | handles of buffers, windows, tab pages | ext types 0, 1, 2 | objects |
//! | integers | 64 bits with a sign | any that fit MessagePack |
//! | errors sent | `[0, message]` for an exception, `[1, message]` for what is invalid | a text, or what its user raises |
//! | errors received | a text, or `[0, message]` and `[1, message]`; all others are an "unknown error" | the second of a sequence |
//! | params | an array | an array |
//! | unknown notifications | logged | given to its user |
//! | pipelined calls | yes, answered in order | in its loop |
//! | calls to its peer | `rpcrequest`; wants answers last in, first out | in its loop only |
//!
//! So a client that Neovim calls sets [`ReplyOrder::Nested`](tinyrpc::ReplyOrder::Nested), and
//! gives errors the code 0 or 1 where their message shall be seen. Calls in flight at the same time
//! that all make Neovim call back are a race that no order can win: Neovim has asked the next one
//! before it reads the answer to the last.

mod embedded;
mod nested;

use std::{path::Path, process::Stdio};

use futures_util::future::join_all;
use serde_json::{Value, json};
use tinyrpc::{
    Blob, Caller, Client, ClientBuilder, Code, Context, Dispatcher, Error, Ext, RpcError, connect,
};
use tokio::process::Command;

use crate::{
    checks,
    kit::Kit,
    process::{TheirServer, our_server, their_client, within},
    service::service,
};

fn kit() -> Option<Kit> {
    Kit::get("neovim")
}

fn nvim() -> Command {
    let mut command = Command::new("nvim");
    // No configuration of whoever runs this, no files beside those it edits.
    command.args(["--headless", "-u", "NONE", "-i", "NONE", "-n"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    command
}

fn script(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/neovim");
    folder.join(name).to_str().expect("a path in UTF-8").to_owned()
}

async fn listening() -> TheirServer {
    let mut command = nvim();
    command.args(["--listen", "127.0.0.1:0", "-S", &script("listen.vim")]);
    TheirServer::start(command).await
}

/// What our client serves to Neovim.
fn served() -> Dispatcher {
    service()
        .method("dig", dig)
        .method("refuse", || Err::<(), _>(RpcError::new(Code(1), "it is refused")))
}

/// Counts down through calls of Neovim's `Dig`, which calls this one.
async fn dig(context: Context, n: u32) -> Result<u32, RpcError> {
    let Some(less) = n.checked_sub(1) else { return Ok(0) };
    let call = context.peer().call::<_, u32>("nvim_call_function", ("Dig", [less]));
    Ok(1 + call.await.map_err(RpcError::internal)?)
}

/// A client that Neovim can call, at the number that its variable `client` has.
async fn called_client(url: &str) -> Client {
    let builder = ClientBuilder::from_url(url).expect("a URL").serve(served());
    let client = builder.connect().await.expect("it listens");
    introduce(&client).await;
    client
}

async fn introduce(client: &Caller) {
    let (channel, _) = client.call::<_, (u32, Value)>("nvim_get_api_info", ()).await.expect("both");
    client.notify("nvim_set_var", ("client", channel)).await.expect("it is sent");
    let source = format!("source {}", script("call_back.vim"));
    client.call::<_, ()>("nvim_command", (source,)).await.expect("it loads");
}

async fn eval(client: &Caller, expression: &str) -> Value {
    let value = client.call("nvim_eval", (expression,)).await;
    value.unwrap_or_else(|error| panic!("{expression}: {error}"))
}

#[tokio::test]
async fn our_client_calls_neovim() {
    let Some(_) = kit() else { return };
    let server = listening().await;
    let client = connect(server.url("msgpack")).await.expect("it listens");
    within(async {
        values(&client).await;
        handles(&client).await;
        errors(&client).await;
        // Notifications, and calls behind them.
        for n in 0..100 {
            let command = format!("let g:sum = get(g:, 'sum', 0) + {n}");
            client.notify("nvim_command", (command,)).await.expect("it is sent");
        }
        client.notify("nvim_nope", ()).await.expect("it is sent");
        assert_eq!(eval(&client, "g:sum").await, json!(4950));
        let expressions: Vec<_> = (0..256).map(|n| format!("{n} * 2")).collect();
        let answers = join_all(expressions.iter().map(|sum| eval(&client, sum))).await;
        assert!(answers.iter().zip(0_u64..).all(|(answer, n)| *answer == json!(2 * n)));
    })
    .await;
}

async fn values(client: &Caller) {
    let cases = [
        ("1 + 2", json!(3)),
        ("v:numbermax", json!(i64::MAX)),
        ("v:numbermin", json!(i64::MIN)),
        ("1.5", json!(1.5)),
        ("[v:true, v:false, v:null]", json!([true, false, null])),
        ("{'a': [1, {'b': 'grüße 😀'}]}", json!({"a": [1, {"b": "grüße 😀"}]})),
        ("repeat('x', 300000)", json!("x".repeat(300_000))),
    ];
    for (expression, value) in cases {
        assert!(eval(client, expression).await == value, "{expression}");
    }
    // Its texts are bytes.
    let bytes: Blob = client.call("nvim_eval", (r#""\xff\x80""#,)).await.expect("bytes");
    assert_eq!(&*bytes, [0xff, 0x80]);
    let error = client.call::<_, String>("nvim_eval", (r#""\xff""#,)).await.expect_err("no text");
    assert!(matches!(error, Error::Mismatch(_)), "{error}");
    let expression = Blob::from(b"1 + 2".to_vec());
    assert_eq!(client.call::<_, u8>("nvim_eval", (expression,)).await.expect("a sum"), 3);
}

async fn handles(client: &Caller) {
    let buffer: Ext = client.call("nvim_get_current_buf", ()).await.expect("a buffer");
    assert_eq!(buffer, Ext { tag: 0, data: vec![1].into() });
    let lines = ["one", "zwölf", "三"];
    let edit = client.call::<_, ()>("nvim_buf_set_lines", (&buffer, 0, -1, false, lines)).await;
    edit.expect("it is edited");
    let read = client.call::<_, Vec<String>>("nvim_buf_get_lines", (&buffer, 0, -1, false)).await;
    assert_eq!(read.expect("lines"), lines);
    let windows: Vec<Ext> = client.call("nvim_list_wins", ()).await.expect("windows");
    assert_eq!(windows.iter().map(|window| window.tag).collect::<Vec<_>>(), [1]);
}

async fn errors(client: &Caller) {
    checks::error(client, "nvim_command", json!(["nosuch"]), 0, "E492").await;
    checks::error(client, "nvim_nope", json!([]), 0, "Invalid method: nvim_nope").await;
    checks::error(client, "nvim_eval", json!([]), 0, "expecting 1 but got 0").await;
    checks::error(client, "nvim_eval", json!([5]), 0, "expecting String").await;
    let nowhere = Ext { tag: 0, data: vec![99].into() };
    let error = client.call::<_, u32>("nvim_buf_line_count", (nowhere,)).await.expect_err("none");
    let error = error.as_rpc().expect("an answer");
    assert_eq!((error.code, &*error.message), (Code(1), "Invalid buffer id: 99"));
    // Named params are an array of one map on the wire, which is one argument to Neovim.
    let error = client.call::<_, u32>("nvim_eval", json!({"expr": "1"})).await.expect_err("named");
    assert!(error.to_string().contains("expecting String"), "{error}");
}

#[tokio::test]
async fn neovim_calls_our_client() {
    let Some(_) = kit() else { return };
    let server = listening().await;
    let client = called_client(&server.url("msgpack")).await;
    within(calls_back(&client)).await;
}

/// Neovim calls the client during the client's call.
async fn calls_back(client: &Caller) {
    let cases = [
        ("rpcrequest(g:client, 'add', 20, 22)", json!(42)),
        ("rpcrequest(g:client, 'echo', [1, {'b': v:null}])", json!([1, {"b": null}])),
        ("rpcrequest(g:client, 'echo', repeat('x', 300000)) == repeat('x', 300000)", json!(1)),
        ("rpcrequest(g:client, 'blob', \"\\xff\\x80\") == \"\\xff\\x80\"", json!(1)),
        ("rpcrequest(g:client, 'dig', 12)", json!(12)),
        ("map(range(100), {_, n -> rpcrequest(g:client, 'add', n, n)})[99]", json!(198)),
    ];
    for (expression, value) in cases {
        assert_eq!(eval(client, expression).await, value, "{expression}");
    }
    // It shows the message of an error that has the code of one of its own.
    for (method, message) in [("refuse", "it is refused"), ("fail", "unknown error")] {
        let call = format!("rpcrequest(g:client, '{method}')");
        checks::error(client, "nvim_eval", json!([call]), 0, message).await;
    }
    for n in 1..=10 {
        eval(client, &format!("rpcnotify(g:client, 'note', {n})")).await;
    }
    eval(client, "rpcnotify(g:client, 'nosuch')").await;
    assert_eq!(eval(client, "rpcrequest(g:client, 'noted')").await, json!(55));
}

/// Our client asks a plugin in Python through Neovim, and the plugin asks our client through it.
#[tokio::test]
async fn a_plugin_and_our_client_call_each_other_through_neovim() {
    let Some(kit) = kit() else { return };
    let server = listening().await;
    let client = called_client(&server.url("msgpack")).await;
    let mut command = kit.python("plugin.py");
    command.arg(&server.said);
    let plugin = TheirServer::start(command).await;
    let plugin = &plugin.said;
    within(async {
        let doubled = eval(&client, &format!("rpcrequest({plugin}, 'double', 21)")).await;
        assert_eq!(doubled, json!(42));
        let inner = "rpcrequest(g:client, 'add', 20, 22)";
        let onward = format!("rpcrequest({plugin}, 'onward', \"{inner}\")");
        assert_eq!(eval(&client, &onward).await, json!(42));
        let unknown = format!("rpcrequest({plugin}, 'nosuch')");
        checks::error(&client, "nvim_eval", json!([unknown]), 0, "there is no nosuch").await;
    })
    .await;
}

/// As much of a Neovim as pynvim wants to see before it does anything.
fn half_a_neovim() -> Dispatcher {
    let types = json!({
        "Buffer": {"id": 0, "prefix": "nvim_buf_"},
        "Window": {"id": 1, "prefix": "nvim_win_"},
        "Tabpage": {"id": 2, "prefix": "nvim_tabpage_"},
    });
    let info = json!([7, {"version": {"api_level": 9}, "types": types, "functions": []}]);
    service()
        .method("nvim_get_api_info", move || info.clone())
        .method("nvim_set_client_info", |_: Value, _: Value, _: Value, _: Value, _: Value| {})
        .method("nvim_get_current_buf", || Ext { tag: 0, data: vec![1].into() })
        .method("nvim_buf_line_count", |_: Ext| 4711)
}

#[tokio::test]
async fn pynvim_calls_our_server() {
    let Some(kit) = kit() else { return };
    for scheme in ["tcp", "msgpack+tcp"] {
        let server = our_server(scheme, half_a_neovim()).await;
        their_client(kit.python("client.py"), &server, 10).await;
    }
}
