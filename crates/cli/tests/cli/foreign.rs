//! The command calls servers that somebody else wrote. `scripts/peers` installs them.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::support::{
    command::{Ran, run},
    within,
};

/// A server of theirs. It is killed when this is dropped.
struct Theirs {
    address: String,
    _process: Child,
}

impl Theirs {
    /// `None` where this machine cannot have it, and then that has been said.
    async fn start(name: &str) -> Option<Self> {
        let script = project().join(format!("scripts/peers/{name}.sh"));
        let setting_up = Command::new("bash").arg(script).stdin(Stdio::null()).output();
        let output = setting_up.await.expect("bash is here");
        if output.status.code() == Some(CANNOT) && std::env::var_os("CI").is_none() {
            // Not by a macro: those of a test that passes are never seen.
            _ = writeln!(
                std::io::stderr(),
                "SKIPPED: a test of {name}, which is not on this machine"
            );
            return None;
        }
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let programs = project().join("tests/peers");
        let python = project().join("target/peers").join(name).join("bin/python");
        let mut command = Command::new(python);
        command.arg(programs.join(name.replace('-', "_")).join("server.py"));
        command.env("PYTHONPATH", programs.join("common")).env("PYTHONDONTWRITEBYTECODE", "1");
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().expect("Python starts");
        let mut lines = BufReader::new(process.stdout.take().expect("it is piped")).lines();
        let line = within(name, lines.next_line()).await.expect("it is text").expect("a line");
        let port = line.strip_prefix("ready ").unwrap_or_else(|| panic!("it says {line}"));
        Some(Self { address: format!("127.0.0.1:{port}"), _process: process })
    }
}

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// What every server of `tests/peers` has.
async fn check(url: &str, failed: &str) {
    for (args, result) in [
        (&["add", "20", "22"][..], "42"),
        (&["echo", "[1, {\"a\": null}]"], "[1,{\"a\":null}]"),
        (&["echo", "plain text"], "\"plain text\""),
        (&["echo", "9223372036854775807"], "9223372036854775807"),
        (&["nothing"], "null"),
        (&["noted"], "0"),
    ] {
        let args = [&["call", url], args].concat();
        assert_eq!(run(&args).await, Ran::answered(result), "{args:?}");
    }
    assert_eq!(run(&["notify", url, "note", "7"]).await.code, Some(0));
    let ran = run(&["call", url, "fail"]).await;
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
    assert!(ran.stderr.starts_with(failed), "{}", ran.stderr);
    assert_eq!(run(&["call", url, "nonsense"]).await.code, Some(1));
}

#[tokio::test]
async fn msgpack_rpc_python() {
    let Some(server) = Theirs::start("msgpack-rpc-python").await else { return };
    let url = format!("msgpack+tcp://{}", server.address);
    check(&url, "error: the peer answered with an error\n  code: -32000\n  message: it failed\n")
        .await;
}

#[tokio::test]
async fn aiorpcx() {
    let Some(server) = Theirs::start("aiorpcx").await else { return };
    for options in ["", "?framing=lines"] {
        let url = format!("jsonrpc+tcp://{}{options}", server.address);
        let ran = run(&["call", &url, "add", "a:=2", "b:=3"]).await;
        assert_eq!(ran, Ran::answered("5"));
    }
    let url = format!("tcp://{}", server.address);
    check(&url, "error: the peer answered with an error\n  code: 17\n  message: it failed\n").await;
}

/// How a script of `scripts/peers` says that it cannot do it here.
const CANNOT: i32 = 3;
