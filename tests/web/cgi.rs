//! One request of a CGI program, by its variables. An example runs under a real web server.

use std::{ffi::OsString, io::Read};

use tinyrpc::{Context, Dispatcher, Limits, Server};

use crate::block_on;

const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"add","params":[2,3]}"#;
const WHO: &str = r#"{"jsonrpc":"2.0","id":1,"method":"who"}"#;

/// Runs one request; gives what the web server would read.
async fn run(variables: &[(&str, &str)], input: impl Read) -> std::io::Result<String> {
    let who = |context: Context| {
        format!("{} for {:?}", context.peer_address(), context.header("x-tenant"))
    };
    let service = Dispatcher::new().method("add", |a: i64, b: i64| a + b).method("who", who);
    let limits = Limits { max_message: 1000, ..Limits::default() };
    let service = Server::new(service).limits(limits).start().http_service();
    let variables = variables.iter().map(|(name, value)| (name.into(), OsString::from(value)));
    let mut output = Vec::new();
    service.cgi(variables, input, &mut output).await?;
    Ok(String::from_utf8(output).expect("text"))
}

#[test]
fn requests() {
    block_on(async {
        let length = CALL.len().to_string();
        let usual = [
            ("REQUEST_METHOD", "POST"),
            ("HTTP_HOST", "localhost:8000"),
            ("CONTENT_TYPE", "application/json"),
            ("SCRIPT_NAME", "/cgi-bin/calc"),
            ("PATH_INFO", "/v1"),
            ("QUERY_STRING", "a=b"),
            ("REMOTE_ADDR", "192.0.2.1"),
            ("HTTP_X_TENANT", "blue"),
        ];
        for (name, changes, body, status, words) in [
            ("a call", vec![("CONTENT_LENGTH", &*length)], CALL, 200, r#""result":5"#),
            ("who", vec![("CONTENT_LENGTH", "39")], WHO, 200, r#"192.0.2.1:0 for Some(\"blue\")"#),
            ("more than announced", vec![("CONTENT_LENGTH", &*length)], "", 400, "is empty"),
            ("no length", vec![], CALL, 400, "the body is empty"),
            ("an empty length", vec![("CONTENT_LENGTH", "")], CALL, 400, "the body is empty"),
            ("too much", vec![("CONTENT_LENGTH", "1001")], &" ".repeat(1001), 413, "max_message"),
            ("half of it", vec![("CONTENT_LENGTH", "9")], CALL, 200, "-32700"),
            ("a GET", vec![("REQUEST_METHOD", "GET")], "", 405, "only POST"),
            ("another host", vec![("HTTP_HOST", "evil.example.com")], CALL, 403, "Host"),
            (
                "a foreign page",
                vec![("HTTP_ORIGIN", "http://evil.example.com")],
                CALL,
                403,
                "pages",
            ),
            (
                "the own page",
                vec![("HTTP_ORIGIN", "http://localhost:8000"), ("CONTENT_LENGTH", &*length)],
                CALL,
                200,
                "5",
            ),
            ("text", vec![("CONTENT_TYPE", "text/plain")], CALL, 415, "application/json"),
        ] {
            let all = [&usual[..], &changes].concat();
            let kept: Vec<_> = all
                .iter()
                .enumerate()
                .filter(|(index, (name, _))| {
                    all[index + 1..].iter().all(|(later, _)| later != name)
                })
                .map(|(_, variable)| *variable)
                .collect();
            let text = run(&kept, body.as_bytes()).await.expect(name);
            let (head, body) = text.split_once("\r\n\r\n").expect("a head");
            assert!(head.starts_with(&format!("Status: {status} ")), "{name}: {text}");
            assert!(body.contains(words), "{name}: {text}");
            assert!(!head.to_lowercase().contains("connection:"), "{name}: {text}");
        }
    });
}

/// Where the web server does not say under which name it was asked, its own counts.
#[test]
fn the_name_of_the_server() {
    block_on(async {
        let length = CALL.len().to_string();
        for (server, port, status) in [
            (Some("localhost"), Some("8000"), 200),
            (Some("127.0.0.1"), None, 200),
            (Some("evil.example.com"), Some("80"), 403),
            (None, Some("8000"), 403),
        ] {
            let mut variables = vec![("REQUEST_METHOD", "POST"), ("CONTENT_LENGTH", &length)];
            variables.extend(server.map(|name| ("SERVER_NAME", name)));
            variables.extend(port.map(|port| ("SERVER_PORT", port)));
            let text = run(&variables, CALL.as_bytes()).await.expect("a request");
            assert!(text.starts_with(&format!("Status: {status} ")), "{server:?}: {text}");
        }
    });
}

/// Nothing is written for these.
#[test]
fn no_requests() {
    block_on(async {
        for (name, variables, words) in [
            ("from a shell", vec![], "REQUEST_METHOD"),
            (
                "no length",
                vec![("REQUEST_METHOD", "POST"), ("CONTENT_LENGTH", "-1")],
                "CONTENT_LENGTH",
            ),
            ("no method", vec![("REQUEST_METHOD", "P ST")], "no request"),
        ] {
            let error = run(&variables, std::io::empty()).await.expect_err(name);
            assert!(error.to_string().contains(words), "{name}: {error}");
        }
    });
}
