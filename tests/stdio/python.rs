//! Programs that somebody else could have written, in Python and with nothing but its library.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use tinyrpc::{Client, ClientBuilder, Dispatcher};

use crate::{block_on, child::command};

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stdio").join(name)
}

/// False where there is no Python, and then that is said.
fn is_there() -> bool {
    let there = Command::new("python3").arg("--version").stdout(Stdio::null()).status();
    let there = there.is_ok_and(|status| status.success());
    if !there {
        eprintln!("skipped: there is no python3");
    }
    there
}

async fn check(builder: ClientBuilder) {
    let mine = Dispatcher::new().method("twice", |n: i64| 2 * n);
    let client = builder.serve(mine).connect().await.expect("it starts");
    assert_eq!(client.call::<_, i64>("add", (2, 3)).await.expect("a sum"), 5);
    let text = "\u{fc} \u{1f980} \"quoted\"\n".repeat(1000);
    assert_eq!(client.call::<_, String>("echo", (&text,)).await.expect("a text"), text);
    assert_eq!(client.call::<_, i64>("ask", (21,)).await.expect("an answer"), 42);
    let error = client.call::<_, u8>("fail", ()).await.expect_err("it fails");
    assert_eq!(error.as_rpc().expect("an answer").code.0, -32000);
    client.notify("note", ("quietly",)).await.expect("it is sent");
    assert_eq!(client.call::<_, Vec<String>>("noted", ()).await.expect("a list"), ["quietly"]);
    client.close().await;
}

#[test]
fn a_server_with_content_length() {
    if !is_there() {
        return;
    }
    block_on(async {
        let url = format!("exec:python3 -B '{}' content-length", script("server.py").display());
        let builder = ClientBuilder::from_url(url).expect("a good URL");
        check(builder.option("framing", "content-length").expect("it is known")).await;
    });
}

#[test]
fn a_server_with_lines() {
    if !is_there() {
        return;
    }
    block_on(async {
        let url = format!("jsonrpc+exec:python3 -B '{}' lines", script("server.py").display());
        check(ClientBuilder::from_url(&url).expect("a good URL")).await;
        let client = Client::connect(&url).await.expect("it starts");
        assert!(client.address().starts_with("exec:python3 -B "), "{}", client.address());
        client.close().await;
    });
}

/// And a client of theirs starts a server of ours, in each framing.
#[test]
fn a_client() {
    if !is_there() {
        return;
    }
    for framing in ["content-length", "lines"] {
        let ours = command("serve");
        let output = Command::new("python3")
            .arg("-B")
            .arg(script("client.py"))
            .arg(framing)
            .arg(ours.get_program())
            .args(ours.get_args())
            .env(crate::child::ROLE, "serve")
            .output()
            .expect("python3 is there");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{framing}: {errors}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "ok\n", "{framing}: {errors}");
    }
}
