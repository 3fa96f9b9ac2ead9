//! README, "Commands": a program that is started to be called, and to be one.

use std::process::Stdio;

use tokio::io::AsyncWriteExt;

use crate::support::{
    command::{Ran, finish, run, run_with_input, tinyrpc},
    folder::Folder,
};

/// The command itself, as a server on its standard streams.
fn server(options: &str) -> String {
    format!("exec:{} serve --bind stdio: {options} demo", env!("CARGO_BIN_EXE_tinyrpc"))
}

#[tokio::test]
async fn calls_to_a_program() {
    for protocol in ["", "jsonrpc+", "msgpack+"] {
        for framing in [&[][..], &["--framing", "content-length"], &["--framing", "netstring"]] {
            let url = format!("{protocol}{}", server(""));
            let args = [&["call"], framing, &[&url, "add", "40", "2"]].concat();
            let ran = run(&args).await;
            // What a server prints when it listens must not be taken for an answer.
            let said = "listening on stdio:\n".to_owned();
            assert_eq!(ran, Ran { stderr: said, ..Ran::answered("42") }, "{args:?}");
        }
    }
    let ran = run(&["notify", &server(""), "add", "40", "2"]).await;
    assert_eq!((ran.code, &*ran.stdout), (Some(0), ""), "{}", ran.stderr);
    let ran = run(&["call", &server(""), "fail", "7", "no luck"]).await;
    assert_eq!((ran.code, &*ran.stdout), (Some(1), ""), "{}", ran.stderr);
    assert!(ran.stderr.contains("code: 7"), "{}", ran.stderr);
}

#[tokio::test]
async fn programs_that_cannot_be_called() {
    for (url, code, expected) in [
        ("exec:", 2, "error: `exec:`: expected a line as for a shell"),
        ("exec:'a", 2, "error: `exec:'a`: expected a line as for a shell"),
        (
            "exec:/no/such/program",
            3,
            "error: exec:/no/such/program: cannot start `/no/such/program`: ",
        ),
        ("exec:sh -c 'exit 7'", 3, "error: "),
    ] {
        let ran = run(&["call", url, "add", "1", "2"]).await;
        assert_eq!((ran.code, &*ran.stdout), (Some(code), ""), "{url}: {}", ran.stderr);
        assert!(ran.stderr.starts_with(expected), "{url}: {}", ran.stderr);
    }
    let folder = Folder::new();
    let text = folder.path("text");
    std::fs::write(&text, "no program").expect("it can be written");
    for (url, hint) in [
        ("exec:no-such-program", "is the program installed, and in PATH?"),
        (&*format!("exec:{}", text.display()), "may this user execute it?"),
        ("exec:sh -c 'read line; exit 7'", "did the program end?"),
    ] {
        let ran = run(&["call", url, "add", "1", "2"]).await;
        assert_eq!((ran.code, &*ran.stdout), (Some(3), ""), "{url}: {}", ran.stderr);
        assert!(ran.stderr.contains(&format!("\n  hint: {hint}")), "{url}: {}", ran.stderr);
    }
    let ran = run(&["serve", "--bind", "exec:true", "demo"]).await;
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("listen on stdio:"), "{}", ran.stderr);
}

#[tokio::test]
async fn a_server_on_standard_streams() {
    let call = "{\"jsonrpc\":\"2.0\",\"method\":\"add\",\"params\":[40,2],\"id\":1}\n";
    let answer = "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":42}";
    let said = "listening on stdio:\n".to_owned();
    let ran = run_with_input(&["serve", "--bind", "stdio:", "demo"], call).await;
    assert_eq!(ran, Ran { stderr: said, ..Ran::answered(answer) });

    let header = |text: &str| format!("Content-Length: {}\r\n\r\n{text}", text.len());
    let args = ["serve", "--bind", "jsonrpc+stdio:", "--framing", "content-length", "demo"];
    let ran = run_with_input(&args, &header(call.trim_end())).await;
    assert_eq!((ran.code, ran.stdout), (Some(0), header(answer)));
    assert_eq!(ran.stderr, "listening on jsonrpc+stdio:?framing=content-length\n");
}

#[tokio::test]
async fn a_signal_ends_it_before_its_input_does() {
    let args = ["serve", "--bind", "stdio:", "demo"];
    let mut child = tinyrpc(&args).stdin(Stdio::piped()).spawn().expect("it starts");
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin.write_all(b"{").await.expect("it reads");
    let pid = child.id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed()));
    let pid = pid.expect("it runs");
    // It says that it listens after it has begun to wait for signals.
    let mut stderr = child.stderr.take().expect("it is piped");
    let mut said = [0; 20];
    tokio::io::AsyncReadExt::read_exact(&mut stderr, &mut said).await.expect("it says so");
    assert_eq!(&said, b"listening on stdio:\n");
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it runs");
    assert_eq!(finish(child, &args).await.code, Some(0));
    drop(stdin);
}
