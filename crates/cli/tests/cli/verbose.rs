//! README, "`--verbose`": the wire, without its secrets.

use crate::support::command::{Serving, run};

#[tokio::test]
async fn the_wire() {
    let mut server = Serving::with(&["-v", "--bind", "tcp://127.0.0.1:0"], 1).await;
    let at = server.urls[0].trim_start_matches("tcp://").to_owned();
    let ran = run(&["call", "--verbose", &server.url("jsonrpc"), "echo", "é\n"]).await;
    assert_eq!(ran.stdout, "\"é\\n\"\n");
    let request = r#"{"jsonrpc":"2.0","id":1,"method":"echo","params":["é\n"]}"#;
    let response = r#"{"jsonrpc":"2.0","id":1,"result":"é\n"}"#;
    let (sent, received) = (request.len(), response.len());
    let lines = format!(
        "wire: sent {sent} bytes to {at}: {request}\nwire: received {received} bytes from {at}: {response}\n"
    );
    assert_eq!(ran.stderr, lines);
    server.says(&format!("wire: received {sent} bytes from 127.0.0.1:")).await;
    server.says(&format!("wire: sent {received} bytes to 127.0.0.1:")).await;

    let ran = run(&["call", "-v", &server.url("msgpack"), "add", "2", "3"]).await;
    let lines = format!(
        "wire: sent 10 bytes to {at}: \\x94\\x00\\x01\\xa3add\\x92\\x02\\x03\n\
         wire: received 5 bytes from {at}: \\x94\\x01\\x01\\xc0\\x05\n"
    );
    assert_eq!(ran.stderr, lines);

    let ran = run(&["notify", "-v", &server.url("msgpack"), "log", "x"]).await;
    assert_eq!(ran.stderr, format!("wire: sent 9 bytes to {at}: \\x93\\x02\\xa3log\\x91\\xa1x\n"));
}

#[tokio::test]
async fn secrets_are_cut_on_both_sides() {
    for protocol in ["jsonrpc", "msgpack"] {
        let mut server = Serving::with(&["-v", "--bind", "tcp://127.0.0.1:0"], 1).await;
        let value =
            r#"value:={"Api-Key":"hunter2","user":"ada","nested":[{"password":"hunter2"}]}"#;
        let ran = run(&["call", "-v", &server.url(protocol), "echo", value]).await;
        assert_eq!(ran.stderr.matches("[cut]").count(), 4, "{}", ran.stderr);
        assert!(!ran.stderr.contains("hunter2") && ran.stderr.contains("ada"), "{}", ran.stderr);
        for _ in 0..2 {
            let line = server.stderr.next_line().await.expect("it is text").expect("a line");
            assert_eq!(line.matches("[cut]").count(), 2, "{line}");
            assert!(!line.contains("hunter2") && line.contains("ada"), "{line}");
        }
    }
}
