//! A server on its standard streams, seen by whoever knows nothing of this project: a shell that
//! redirects them to files, or a program that closes its end.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Read, Write},
    process::{Child, ChildStdin, ChildStdout, Stdio},
};

use crate::{child::command, folder::Folder};

const CALL: &str = "{\"jsonrpc\":\"2.0\",\"method\":\"add\",\"params\":[40,2],\"id\":1}\n";
const ANSWER: &str = "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":42}\n";

struct Server {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Server {
    fn start() -> Self {
        let mut child = command("serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a copy of this test");
        let stdin = child.stdin.take().expect("it is piped");
        let stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        Self { child, stdin, stdout }
    }

    fn call(&mut self) {
        self.stdin.write_all(CALL.as_bytes()).expect("it reads");
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("it writes");
        assert_eq!(line, ANSWER);
    }
}

#[test]
fn it_ends_when_its_input_does() {
    let mut server = Server::start();
    server.call();
    // What came before the end is answered.
    server.stdin.write_all(CALL.as_bytes()).expect("it reads");
    drop(server.stdin);
    let mut rest = String::new();
    server.stdout.read_to_string(&mut rest).expect("it writes");
    assert_eq!(rest, ANSWER);
    assert!(server.child.wait().expect("a child").success());
}

#[test]
fn it_ends_when_nobody_listens() {
    let Server { mut child, mut stdin, stdout } = Server::start();
    drop(stdout);
    // The system tells it when it answers; it does not die of that.
    stdin.write_all(CALL.as_bytes()).expect("it reads");
    assert!(child.wait().expect("a child").success());
}

/// Neither of them can be waited for otherwise than by reading and writing.
#[test]
fn files_as_streams() {
    let folder = Folder::new();
    let requests = CALL.repeat(1000);
    fs::write(folder.path("in"), &requests).expect("a file");
    let status = command("serve")
        .stdin(File::open(folder.path("in")).expect("it is there"))
        .stdout(File::create(folder.path("out")).expect("a file"))
        .status()
        .expect("a shell");
    assert!(status.success());
    let answers = fs::read_to_string(folder.path("out")).expect("a file");
    assert!(answers == ANSWER.repeat(1000), "{} bytes", answers.len());
}

#[test]
fn no_input_at_all() {
    let output = command("serve").stdin(Stdio::null()).output().expect("a shell");
    assert!(output.status.success());
    assert!(output.stdout.is_empty(), "{:?}", String::from_utf8_lossy(&output.stdout));
}
