//! Copies of this test that play one part each, so that their memory can be told apart.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    process::{Child, ChildStdin, Command, Stdio},
};

/// Says to a copy of this test what it is to do.
const TASK: &str = "TINYRPC_TEST_STREAMS_TASK";
/// Begins the lines that a copy has to say; the test harness writes others.
const MARK: &str = "child: ";

/// A copy of this test; it is ended with this value.
pub(crate) struct Copy {
    child: Child,
    said: Box<dyn Iterator<Item = String>>,
    _input: Option<ChildStdin>,
}

impl Copy {
    /// Starts the test `name`, which finds `words` by [`task`].
    pub(crate) fn start(name: &str, words: &[&str]) -> Self {
        let mut child = Command::new(env::current_exe().expect("this test"))
            .args([name, "--exact", "--nocapture"])
            .env(TASK, words.join(" "))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a copy of this test");
        let lines = BufReader::new(child.stderr.take().expect("it is piped")).lines();
        let said = lines.map_while(Result::ok).filter_map(|line| {
            let said = line.strip_prefix(MARK).map(str::to_owned);
            if said.is_none() && !line.is_empty() {
                eprintln!("{line}");
            }
            said
        });
        let input = child.stdin.take();
        Self { child, said: Box::new(said), _input: input }
    }

    /// The next line that it says.
    #[track_caller]
    pub(crate) fn hear(&mut self) -> String {
        self.said.next().expect("it ended, and says above why")
    }

    /// Its memory now and at its peak, in KiB.
    pub(crate) fn memory(&self) -> Memory {
        Memory::of(&self.child.id().to_string())
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        // It may have ended by itself.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// What a copy is to do; `None` where this is no copy.
pub(crate) fn task() -> Option<Vec<String>> {
    let words = env::var(TASK).ok()?;
    Some(words.split(' ').map(str::to_owned).collect())
}

/// Says something to whoever started this copy.
pub(crate) fn say(line: impl std::fmt::Display) {
    // Its own line: the test harness leaves one unfinished.
    eprintln!("\n{MARK}{line}");
}

/// Resident memory in KiB.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    pub(crate) now: u64,
    pub(crate) peak: u64,
}

impl Memory {
    pub(crate) fn own() -> Self {
        Self::of("self")
    }

    fn of(process: &str) -> Self {
        let status = fs::read_to_string(format!("/proc/{process}/status")).expect("it runs");
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).expect(name);
            line.split_whitespace().next().and_then(|size| size.parse().ok()).expect("a number")
        };
        Self { now: field("VmRSS:"), peak: field("VmHWM:") }
    }
}
