//! Python LSP Server 1.14.0: a language server, started as editors start them. JSON-RPC 2.0 behind
//! `Content-Length` over its standard streams.
//!
//! | | |
//! |---|---|
//! | ids | numbers and texts; echoed |
//! | params | objects |
//! | errors | code and message; -32601 for an unknown method |
//! | notifications | yes; those that it does not know are dropped |
//! | calls to its peer | `window/workDoneProgress/create`, and notifications such as diagnostics |
//! | headers | `Content-Length` and `Content-Type` |
//! | standard error | its log |
//! | end | on `exit`, and at the end of its input |

use serde_json::{Value, json};
use tinyrpc::{
    Client, Dispatcher,
    protocols::{ContentLength, JsonRpc},
    transports::exec::ExecConnector,
};
use tokio::sync::mpsc;

use crate::{kit::Kit, process::within};

/// What is wrong with it is in the first line; what is asked is in the last one.
const TEXT: &str = "import nothing_that_is_used\n\ndef double(number):\n    '''Twice it.'''\n    \
                    return 2 * number\n\ndoubled = double(21)\n";
const FILE: &str = "file:///project/double.py";

/// An editor: a connection to the server, and the diagnostics that came over it.
async fn editor() -> Option<(Client, mpsc::UnboundedReceiver<Value>)> {
    let kit = Kit::get("python-lsp-server")?;
    let (heard, diagnostics) = mpsc::unbounded_channel();
    let mine = Dispatcher::new()
        .method("textDocument/publishDiagnostics", move |params: Value| _ = heard.send(params))
        .method("window/workDoneProgress/create", |_: Value| ())
        .method("workspace/configuration", |_: Value| [(); 0])
        .method("$/progress", |_: Value| {})
        .method("window/logMessage", |_: Value| {});
    // Of our environment it gets no more than it needs.
    let program = ExecConnector::new(kit.python("").as_std().get_program())
        .args(["-m", "pylsp"])
        .clean_env()
        .env("PYTHONDONTWRITEBYTECODE", "1");
    let client = Client::builder(program, JsonRpc).framing(ContentLength).serve(mine);
    Some((client.connect().await.expect("it starts"), diagnostics))
}

async fn ask(client: &Client, method: &str, params: Value) -> Value {
    let answer = client.call(method, params).await;
    answer.unwrap_or_else(|error| panic!("{method}: {error}"))
}

async fn tell(client: &Client, method: &str, params: Value) {
    client.notify(method, params).await.unwrap_or_else(|error| panic!("{method}: {error}"));
}

async fn open(client: &Client) {
    let capabilities = json!({"window": {"workDoneProgress": true}});
    let params = json!({"processId": null, "rootUri": null, "capabilities": capabilities});
    let answer = ask(client, "initialize", params).await;
    assert_eq!(answer["serverInfo"]["name"], "pylsp");
    assert_eq!(answer["capabilities"]["hoverProvider"], true);
    tell(client, "initialized", json!({})).await;
    let document = json!({"uri": FILE, "languageId": "python", "version": 1, "text": TEXT});
    tell(client, "textDocument/didOpen", json!({"textDocument": document})).await;
}

#[tokio::test]
async fn a_session_of_an_editor() {
    let Some((client, mut diagnostics)) = editor().await else { return };
    within(async {
        open(&client).await;
        let found = diagnostics.recv().await.expect("it looks at what is open");
        assert_eq!(found["uri"], FILE);
        let found = found["diagnostics"][0]["message"].as_str().expect("a message");
        assert!(found.contains("'nothing_that_is_used' imported but unused"), "{found}");

        let at = |line: u32, character: u32| {
            let position = json!({"line": line, "character": character});
            json!({"textDocument": {"uri": FILE}, "position": position})
        };
        // Several questions at the same time.
        let (hover, definition, symbols) = tokio::join!(
            ask(&client, "textDocument/hover", at(6, 12)),
            ask(&client, "textDocument/definition", at(6, 12)),
            ask(&client, "textDocument/documentSymbol", json!({"textDocument": {"uri": FILE}})),
        );
        assert!(hover["contents"].to_string().contains("Twice it."), "{hover}");
        assert_eq!(definition[0]["range"]["start"]["line"], 2, "{definition}");
        let has = |name: &str| {
            symbols.as_array().is_some_and(|all| all.iter().any(|symbol| symbol["name"] == name))
        };
        assert!(has("double") && has("doubled"), "{symbols}");

        // What does not exist.
        let error = client.call::<_, Value>("textDocument/nothing", json!({})).await;
        let error = error.expect_err("there is no such method");
        assert_eq!(error.as_rpc().expect("an answer").code.0, -32601, "{error}");

        // Answers of some thousand bytes.
        let params = json!({"textDocument": {"uri": FILE}, "position": at(6, 10)["position"]});
        for _ in 0..5 {
            let found = ask(&client, "textDocument/completion", params.clone()).await;
            assert!(found["items"].as_array().is_some_and(|items| !items.is_empty()), "{found}");
        }

        let null = client.call::<_, ()>("shutdown", ()).await;
        null.expect("it is ready to end");
        tell(&client, "exit", json!({})).await;
        client.closed().await;
        let error = client.call::<_, ()>("shutdown", ()).await.expect_err("it has ended");
        assert!(error.to_string().contains("has ended: exit status: 0"), "{error}");
    })
    .await;
}

/// An editor that goes without a word takes the server along.
#[tokio::test]
async fn an_editor_that_closes() {
    let Some((client, _diagnostics)) = editor().await else { return };
    within(async {
        open(&client).await;
        // It is over when it says so.
        client.close().await;
    })
    .await;
}
