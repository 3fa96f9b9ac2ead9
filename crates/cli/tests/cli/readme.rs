//! The transcripts of the README: what is shown there is what happens.

use tokio::process::Command;

use crate::support::{command::Serving, within};

const README: &str = include_str!("../../README.md");
/// The address that the README has.
const SHOWN: &str = "127.0.0.1:4000";

/// The commands of the README, each with what it prints.
fn transcripts() -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = Vec::new();
    let mut inside = false;
    for line in README.lines() {
        if line.starts_with("```") {
            inside = line == "```console";
        } else if inside {
            match (line.strip_prefix("$ "), all.last_mut()) {
                (Some(command), _) => all.push((command.into(), String::new())),
                (None, Some((_, output))) => output.extend([line, "\n"]),
                (None, None) => panic!("output before any command: {line}"),
            }
        }
    }
    all
}

#[tokio::test]
async fn transcripts_are_true() {
    let server = Serving::demo().await;
    let address = server.urls[0].trim_start_matches("tcp://");
    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_tinyrpc"));
    let path = format!("{}:{}", binary.parent().expect("a folder").display(), env!("PATH"));
    let transcripts = transcripts();
    assert!(transcripts.len() > 10, "{} transcripts", transcripts.len());
    for (command, expected) in transcripts {
        let script = format!("exec 2>&1\n{}", command.replace(SHOWN, address));
        let mut shell = Command::new("sh");
        shell.args(["-c", &script]).env("PATH", &path).current_dir(env!("CARGO_TARGET_TMPDIR"));
        let output = within(&command, shell.kill_on_drop(true).output()).await.expect("sh is here");
        let printed = String::from_utf8_lossy(&output.stdout).replace(address, SHOWN);
        assert_eq!(printed, expected, "{command}");
    }
}
