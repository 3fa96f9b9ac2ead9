//! README, "Commands": scripts that the shells themselves accept, where they are installed.

use std::process::Stdio;

use tokio::{io::AsyncWriteExt, process::Command};

use crate::support::{command::run, within};

#[tokio::test]
async fn scripts() {
    for (shell, sign) in [
        ("bash", "complete -F _tinyrpc"),
        ("zsh", "#compdef tinyrpc"),
        ("fish", "complete -c tinyrpc"),
        ("elvish", "edit:completion:arg-completer[tinyrpc]"),
        ("powershell", "Register-ArgumentCompleter"),
    ] {
        let ran = run(&["completions", shell]).await;
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{shell}");
        for word in [sign, "call", "notify", "serve", "allow-remote", "header-env", "cert"] {
            assert!(ran.stdout.contains(word), "{shell}: {word} is missing");
        }
        if matches!(shell, "bash" | "zsh" | "fish") {
            accepted(shell, &ran.stdout).await;
        }
    }
}

/// Has a shell read a script without running it.
async fn accepted(shell: &str, script: &str) {
    let mut command = Command::new(shell);
    command.arg("-n").stdin(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            eprintln!("{shell} is not here, so that it cannot read its script: {error}");
            return;
        }
    };
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin.write_all(script.as_bytes()).await.expect("it reads");
    drop(stdin);
    let output = within(shell, child.wait_with_output()).await.expect("its output");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{shell}: {errors}");
}

/// What a user of bash gets who presses the tab key.
#[tokio::test]
async fn bash_completes() {
    let script = run(&["completions", "bash"]).await.stdout;
    for (words, expected) in [
        ("tinyrpc se", "serve"),
        ("tinyrpc call --ti", "--timeout"),
        ("tinyrpc call --header-", "--header-env"),
        ("tinyrpc serve --ce", "--cert"),
        ("tinyrpc serve de", "demo"),
        ("tinyrpc completions fi", "fish"),
    ] {
        let last = words.split(' ').count() - 1;
        let program = format!(
            "{script}\nCOMP_WORDS=({words})\nCOMP_CWORD={last}\n\
             _tinyrpc tinyrpc \"${{COMP_WORDS[{last}]}}\" \"${{COMP_WORDS[{last}-1]}}\"\n\
             printf '%s\\n' \"${{COMPREPLY[@]}}\"\n"
        );
        let output = Command::new("bash").args(["--norc", "-c", &program]).output();
        let output = within("bash", output).await.expect("bash is here");
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), expected, "{words}");
    }
}
