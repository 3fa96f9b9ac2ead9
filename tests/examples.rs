//! The examples run, end by themselves, and are as short as promised.

#[cfg(unix)]
#[path = "support/broker.rs"]
mod broker;

use std::{
    env::{consts::EXE_SUFFIX, current_exe},
    io::Read,
    path::PathBuf,
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

/// No example takes longer, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// Builds an example and gives the program.
#[track_caller]
fn build(name: &str) -> PathBuf {
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
    folder.join(format!("{name}{EXE_SUFFIX}"))
}

/// Runs an example and gives what it printed.
#[track_caller]
fn run(name: &str) -> String {
    run_with(name, &[])
}

#[track_caller]
fn run_with(name: &str, arguments: &[&str]) -> String {
    let mut child = Command::new(build(name))
        .args(arguments)
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
fn ticker() {
    let said = run("ticker");
    let (_, said) = said.split_once('\n').expect("the address");
    assert_eq!(said, "tick 0\ntick 1\ntick 2\nunsubscribed: true\n");
}

#[test]
fn zmq_by_hand() {
    let said = run("zmq_by_hand");
    for part in ["add(2, 3) = 5", "division by zero", "42 and 0.5", "has stopped"] {
        assert!(said.contains(part), "no {part}: {said}");
    }
}

#[cfg(unix)]
#[test]
fn amqp_workers() {
    let Some(broker) = broker::Broker::shared() else { return };
    let said = run_with("amqp_workers", &[broker.url()]);
    for part in ["bob is killed after 150 answers", "300 of 300", "ada", "bob", "eve"] {
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

#[test]
fn mounted() {
    let said = run("mounted");
    for way in ["jsonrpc+http://", "msgpack+http://", "jsonrpc+ws://", "msgpack+ws://"] {
        let (_, said) = said.split_once(way).expect(way);
        assert!(said.lines().next().is_some_and(|line| line.ends_with("2 + 3 = 5")), "{said}");
    }
    assert!(said.contains("a page of the application"), "{said}");
}

/// Under the web server that some versions of Python bring along.
#[cfg(unix)]
#[test]
fn cgi() {
    let folder = std::env::temp_dir().join(format!("tinyrpc-cgi-{}", std::process::id()));
    let programs = folder.join("cgi-bin");
    std::fs::create_dir_all(&programs).expect("a folder");
    std::fs::copy(build("cgi"), programs.join("calc")).expect("a copy");
    let server = Command::new("python3")
        .args(["-u", "-W", "ignore", "-c", CGI_SERVER])
        .current_dir(&folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut server = server.expect("python3 is needed");
    let mut said = std::io::BufReader::new(server.stdout.take().expect("a pipe"));
    let mut line = String::new();
    std::io::BufRead::read_line(&mut said, &mut line).expect("it starts");
    let asked = line.trim().parse().map(|port| (ask_cgi(port, CALL), ask_cgi(port, NOTIFICATION)));
    // It ends with its input.
    drop(server.stdin.take());
    server.wait().expect("it ends");
    std::fs::remove_dir_all(&folder).expect("the folder goes");
    match asked {
        Ok((answer, nothing)) => {
            assert!(answer.starts_with("HTTP/1.0 200 "), "{answer}");
            assert!(answer.ends_with(r#"{"jsonrpc":"2.0","id":1,"result":5}"#), "{answer}");
            assert!(nothing.contains("Status: 204"), "{nothing}");
        }
        // Not by a macro: those of a test that passes are never seen.
        Err(_) => {
            use std::io::Write;
            let words = "SKIPPED: the CGI example, as this Python has no web server for it";
            _ = writeln!(std::io::stderr(), "{words}: {line}");
        }
    }
}

#[cfg(unix)]
fn ask_cgi(port: u16, body: &str) -> String {
    use std::io::Write;

    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    let length = body.len();
    let head = format!(
        "POST /cgi-bin/calc HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n"
    );
    stream.write_all([&head, body].concat().as_bytes()).expect("it listens");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("an answer");
    text
}

#[cfg(unix)]
const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"add","params":[2,3]}"#;
#[cfg(unix)]
const NOTIFICATION: &str = r#"{"jsonrpc":"2.0","method":"add","params":[2,3]}"#;
/// Serves the current folder on a free port, which it prints, until its input ends.
#[cfg(unix)]
const CGI_SERVER: &str = "
import sys, threading
from http import server
if not hasattr(server, 'CGIHTTPRequestHandler'):
    print('Python', sys.version)
    sys.exit()
it = server.ThreadingHTTPServer(('127.0.0.1', 0), server.CGIHTTPRequestHandler)
print(it.server_port)
threading.Thread(target=it.serve_forever, daemon=True).start()
sys.stdin.read()
";

#[test]
fn worker() {
    let said = run("worker");
    assert!(said.contains("eve was killed half-way"), "{said}");
    // The squares of 0 to 299.
    assert!(said.ends_with("all 300 are done, their sum is 8955050\n"), "{said}");
    for name in ["ada did ", "bob did ", "eve did "] {
        assert!(said.contains(name), "{said}");
    }
}

#[test]
fn many_addresses() {
    let said = run("many_addresses");
    for line in [
        "one after the other: first first second first first second",
        "without the first: second second second",
        "the call waited for: third",
        "the first that is alive: first first first",
        "and then: third third third",
    ] {
        assert!(said.lines().any(|said| said == line), "{line}: {said}");
    }
}

#[test]
fn read1gb() {
    for url in ["jsonrpc+tcp://127.0.0.1:0", "msgpack+tcp://127.0.0.1:0"] {
        let said = run_with("read1gb", &["5", url]);
        assert!(said.starts_with("5242880 bytes came, with the same checksum, "), "{said}");
    }
}

#[test]
fn chat() {
    let said = run("chat");
    let expected = "\
ada hears: ada is one of 1
bob hears: bob is one of 2
bob hears: ada: hello
ada hears: bob: hi, ada
bob hears: ada: are you there?
ada hears: bob: I am
ada has left
bob has left
";
    assert_eq!(said, expected);
}

#[test]
fn callback() {
    let said = run("callback");
    for protocol in ["jsonrpc\n", "msgpack\n"] {
        let (_, said) = said.split_once(protocol).expect(protocol);
        let expected = "
  server: tea? I ask whether 3 is a good price
    client: 3? I ask how much there is
      server: there are 12 of tea
  client: tea is ordered
  server: coffee? I ask whether 3 is a good price
    client: 3? I ask how much there is
      server: there are 1 of coffee
  client: coffee is not ordered
  20 calls, each inside of the one before
";
        assert!(said.starts_with(expected.trim_start_matches('\n')), "{said}");
    }
}
