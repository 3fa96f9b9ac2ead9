//! The examples run, end by themselves, and are as short as promised.

use std::{
    env::{consts::EXE_SUFFIX, current_exe},
    io::Read,
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

/// No example takes longer, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs an example and gives what it printed.
#[track_caller]
fn run(name: &str) -> String {
    let mut build = Command::new(env!("CARGO"));
    // As these tests were built, so that little is built again.
    build.args(["build", "--quiet", "--all-features", "--example", name]);
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    let built = build.current_dir(env!("CARGO_MANIFEST_DIR")).output().expect("cargo runs");
    assert!(built.status.success(), "{name}: {}", String::from_utf8_lossy(&built.stderr));
    let here = current_exe().expect("a path");
    let folder = here.ancestors().nth(2).expect("a folder above `deps`").join("examples");

    let mut child = Command::new(folder.join(format!("{name}{EXE_SUFFIX}")))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut output = child.stdout.take().expect("a pipe");
    let (sender, said) = mpsc::channel();
    thread::spawn(move || {
        let mut text = String::new();
        let read = output.read_to_string(&mut text).map(|_| text);
        sender.send(read)
    });
    let said = said.recv_timeout(PATIENCE);
    if said.is_err() {
        child.kill().expect("it was running");
    }
    let status = child.wait().expect("it ends");
    let said = said.unwrap_or_else(|_| panic!("{name} did not end")).expect("text");
    assert!(status.success(), "{name}: {status}, it said: {said}");
    said
}

#[test]
fn quickstart() {
    let said = run("quickstart");
    for protocol in ["jsonrpc+tcp://", "msgpack+tcp://"] {
        let (_, said) = said.split_once(protocol).expect(protocol);
        for part in ["= 5", "= 42", "division by zero", "*** world ***", "2 and 3", "1000 calls"] {
            assert!(said.contains(part), "{protocol} without {part}: {said}");
        }
    }
}

#[test]
fn swap_protocol() {
    let said = run("swap_protocol");
    assert_eq!(said, "jsonrpc: add(2, 3) = 5\nmsgpack: add(2, 3) = 5\n");
}

#[test]
fn custom_transport() {
    assert_eq!(run("custom_transport"), "add(2, 3) = 5\n");
}

#[test]
fn custom_protocol() {
    assert_eq!(run("custom_protocol"), "add(2, 3) = 5\n");
}

#[test]
fn foreign_loop() {
    let said = run("foreign_loop");
    for part in ["add(2, 3) = 5", "hello, Ada", "1000 calls", "1998"] {
        assert!(said.contains(part), "no {part}: {said}");
    }
}

#[test]
fn zmq_by_hand() {
    let said = run("zmq_by_hand");
    for part in ["add(2, 3) = 5", "division by zero", "42 and 0.5", "has stopped"] {
        assert!(said.contains(part), "no {part}: {said}");
    }
}

#[test]
fn they_are_short() {
    for (text, most) in [
        (include_str!("../examples/custom_transport.rs"), 60),
        (include_str!("../examples/custom_protocol.rs"), 100),
        (include_str!("../examples/foreign_loop.rs"), 150),
    ] {
        let lines = text.lines().count();
        assert!(lines < most, "{lines} lines, promised are fewer than {most}");
    }
}
