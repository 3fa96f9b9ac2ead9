//! README, "Exit codes": standard output that nobody reads, or that cannot be written.

use std::{fs::File, io, process::Stdio};

use crate::support::{
    command::{Ran, Serving, finish, run, tinyrpc},
    folder::Folder,
    within,
};

/// The end of a pipe that nobody reads.
fn broken() -> io::PipeWriter {
    let (_, writer) = io::pipe().expect("a pipe");
    writer
}

#[tokio::test]
async fn a_reader_that_has_gone_away() {
    let server = Serving::demo().await;
    let url = server.url("jsonrpc");
    for args in
        [&["call", &url, "echo", "x"][..], &["--help"], &["help", "call"], &["completions", "bash"]]
    {
        let ran = finish(tinyrpc(args).stdout(broken()).spawn().expect("it starts"), args).await;
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{args:?}");
    }
}

/// Whoever knows the address needs no announcement.
#[tokio::test]
async fn a_server_that_nobody_listens_to() {
    let folder = Folder::new();
    let url = format!("unix://{}", folder.path("a.sock").display());
    let args = ["serve", "--bind", &url, "demo"];
    let mut server = tinyrpc(&args).stdout(broken()).spawn().expect("it starts");
    within("the server", async {
        while run(&["call", &url, "add", "1", "2"]).await != Ran::answered("3") {}
    })
    .await;
    server.kill().await.expect("it runs until then");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk() {
    let server = Serving::demo().await;
    let args = ["call", &server.urls[0], "echo", "x"];
    let full = File::options().write(true).open("/dev/full").expect("Linux has it");
    let call = tinyrpc(&args).stdout(full).spawn().expect("it starts");
    let error = "error: standard output cannot be written: No space left on device (os error 28)";
    assert_eq!(finish(call, &args).await, Ran::failed(3, error));
}

#[tokio::test]
async fn nobody_listens_to_errors() {
    let args = ["call", "nonsense", "m"];
    let call = tinyrpc(&args).stderr(broken()).spawn().expect("it starts");
    assert_eq!(finish(call, &args).await.code, Some(2));
    let call = tinyrpc(&args).stderr(Stdio::null()).spawn().expect("it starts");
    assert_eq!(finish(call, &args).await.code, Some(2));
}

#[tokio::test]
async fn help_is_on_standard_output() {
    for args in [&["--help"][..], &["help", "call"], &["call", "--help"], &["--version"]] {
        let ran = run(args).await;
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{args:?}");
        assert!(!ran.stdout.contains('\u{1b}'), "{}", ran.stdout);
    }
}
