//! The program that the tests start: a copy of this test in another role.

use std::{
    env,
    fs::OpenOptions,
    future::pending,
    io::{self, BufRead, Write},
    net::TcpStream,
    process::{Command, exit},
    thread,
};

use tinyrpc::{
    Client, ClientBuilder, Context, Dispatcher, RpcError, Server,
    protocols::{JsonRpc, MsgPackRpc},
    transports::exec::ExecConnector,
};

use crate::block_on;

/// What a copy of this test is to be.
pub(crate) const ROLE: &str = "TINYRPC_TEST_STDIO";
/// Where a program says that it lives: it ends with the connection.
pub(crate) const LIFE: &str = "TINYRPC_TEST_LIFE";

/// A copy of this test that speaks on its standard output. The test harness prints there before
/// anything else can happen, so at first it is somewhere else.
pub(crate) fn program(role: &str) -> ExecConnector {
    let this = env::current_exe().expect("the path of this test");
    ExecConnector::new("sh")
        .args(["-c", "exec \"$0\" \"$@\" 3>&1 1>/dev/null"])
        .arg(this)
        .args(["child::in_another_role", "--exact", "--nocapture"])
        .env(ROLE, role)
}

/// The same for those who start it by hand.
pub(crate) fn command(role: &str) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", "exec \"$0\" \"$@\" 3>&1 1>/dev/null"])
        .arg(env::current_exe().expect("the path of this test"))
        .args(["child::in_another_role", "--exact", "--nocapture"])
        .env(ROLE, role);
    command
}

pub(crate) async fn connect(role: &str, protocol: &str) -> Client {
    builder(program(role), protocol).connect().await.expect("it starts")
}

pub(crate) fn builder(program: ExecConnector, protocol: &str) -> ClientBuilder {
    match protocol {
        "jsonrpc" => Client::builder(program, JsonRpc),
        _ => Client::builder(program, MsgPackRpc),
    }
}

/// Not a test of its own.
#[test]
fn in_another_role() {
    let Some(role) = env::var_os(ROLE) else { return };
    let output = OpenOptions::new().write(true).open("/dev/fd/3").expect("it is open");
    rustix::stdio::dup2_stdout(&output).expect("it is open");
    drop(output);
    // Its life is told by a connection that ends with the process.
    let _life = env::var(LIFE).ok().map(|port| TcpStream::connect(port).expect("it listens"));
    match role.to_str().expect("text") {
        "serve" => block_on(serve("stdio:")),
        "stubborn" => {
            // It goes on when its input has ended.
            let stubborn = thread::spawn(|| block_on(serve("stdio:")));
            stubborn.join().expect("it serves");
            block_on(pending::<()>());
        }
        "wait" => {
            // Whoever holds the other end of its output is not told that anybody has gone.
            block_on(pending::<()>());
        }
        "parent" => parent(),
        "call" => block_on(async {
            let client = tinyrpc::connect("stdio:").await.expect("they are free");
            let sum: i64 = client.call("add", (40, 2)).await.expect("a sum");
            client.notify("done", (sum,)).await.expect("it is sent");
            client.close().await;
        }),
        role => panic!("what is {role}?"),
    }
    // What the harness would print now is no concern of anybody.
    exit(0);
}

pub(crate) async fn serve(url: &str) {
    let server = Server::new(service()).listen(url).await.expect("they are free");
    // Standard output is for one.
    let again = Server::new(service()).listen("stdio:").await.expect_err("they are taken");
    assert!(again.to_string().contains("in use already"), "{again}");
    server.stopped().await;
}

pub(crate) fn service() -> Dispatcher {
    Dispatcher::new()
        .method("add", |a: i64, b: i64| a + b)
        .method("echo", |value: String| value)
        .method("large", |size: usize| "x".repeat(size))
        .method("never", pending::<u8>)
        .method("exit", |code: i32| -> u8 { exit(code) })
        .method("number", std::process::id)
        .method("names", || -> Vec<String> {
            env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned()).collect()
        })
        .method("directory", || {
            env::current_dir().map_err(RpcError::internal).map(|d| d.display().to_string())
        })
        .method("ask", |context: Context, n: i64| async move {
            let answer = context.peer().call::<_, i64>("twice", (n,)).await;
            answer.map_err(|error| RpcError::server(error.to_string()))
        })
        .method("chatter", chatter)
        .method("spawn", spawn)
}

/// Prints in every way that there is, and reads what is not there to be read.
#[expect(clippy::print_stdout, reason = "it does what it should not")]
fn chatter(words: String) -> usize {
    println!("{words} by a macro");
    print!("{words} without an end");
    let mut stdout = io::stdout();
    writeln!(stdout, "{words} by a handle").expect("it can be written to");
    stdout.flush().expect("it can be written to");
    let status = Command::new("echo").arg(format!("{words} by a program")).status();
    assert!(status.expect("it is there").success());
    io::stdin().lock().lines().count()
}

/// Starts a program that waits, maybe one that says no when it is asked to end. It keeps what was
/// our standard output open.
fn spawn(life: String, stubborn: bool) -> u32 {
    let trap = if stubborn { "trap '' TERM; " } else { "" };
    let child = Command::new("sh")
        .arg("-c")
        .arg(format!("{trap}exec \"$0\" \"$@\""))
        .arg(env::current_exe().expect("the path of this test"))
        .args(["child::in_another_role", "--exact", "--nocapture"])
        .env(ROLE, "wait")
        .env(LIFE, life)
        .spawn();
    child.expect("a copy of this test").id()
}

/// Starts a server, calls it, and ends without a word.
fn parent() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let client = runtime.block_on(async {
        let client = connect("serve", "jsonrpc").await;
        client.call::<_, usize>("chatter", ("printed",)).await.expect("an answer");
        client
    });
    drop(runtime);
    drop(client);
}
