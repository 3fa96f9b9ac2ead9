//! The examples run, end by themselves, and are as short as promised.

use std::process::{Command, Stdio};

/// Runs an example and gives what it printed.
#[track_caller]
fn run(name: &str) -> String {
    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--example", name])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null())
        .output()
        .expect("cargo runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {}\n{errors}", output.status);
    String::from_utf8(output.stdout).expect("text")
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
fn they_are_short() {
    for (text, most) in [
        (include_str!("../examples/custom_transport.rs"), 60),
        (include_str!("../examples/custom_protocol.rs"), 100),
    ] {
        let lines = text.lines().count();
        assert!(lines < most, "{lines} lines, promised are fewer than {most}");
    }
}
