//! `Store`: what executions leave behind on disk, where the death of a process undoes nothing.
//!
//! A line for each beginning and each end of an execution, and for calls with an idempotency key
//! one file for each key. The effect of such a call is that file, which is made in one step together
//! with its key, as a database does it in one transaction: who comes second with the same key finds
//! that it is done, whichever worker that was.

use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

/// What one worker writes.
#[derive(Debug)]
pub(crate) struct Store {
    lines: File,
    keys: PathBuf,
}

/// What all workers wrote.
#[derive(Debug, Default)]
pub(crate) struct Done {
    /// How often each attempt of a call was begun, and how often it came to its end.
    pub(crate) executions: HashMap<(u64, u32), (u32, u32)>,
    /// The keys whose effect was made.
    pub(crate) keys: HashMap<String, u64>,
    /// How often an effect was there already.
    pub(crate) spared: u32,
}

impl Store {
    /// A new one of a worker, in a folder that all of them share.
    pub(crate) fn open(folder: &Path, worker: u32) -> Self {
        let mut options = OpenOptions::new();
        let lines =
            options.create_new(true).append(true).open(folder.join(format!("{WORKER}{worker}")));
        Self { lines: lines.expect("a new file"), keys: folder.join(KEYS) }
    }

    /// Makes the folder ready for all of them.
    pub(crate) fn prepare(folder: &Path) {
        fs::create_dir(folder.join(KEYS)).expect("a folder of the test");
    }

    pub(crate) fn begin(&self, number: u64, attempt: u32) {
        self.write(&format!("begun {number} {attempt}\n"));
    }

    pub(crate) fn end(&self, number: u64, attempt: u32) {
        self.write(&format!("ended {number} {attempt}\n"));
    }

    /// Makes the effect of a key where it was not made before.
    pub(crate) fn effect(&self, key: &str, number: u64) {
        // The name and the content appear together.
        let file = self.keys.join(format!("{key}.{number}"));
        match File::create_new(file) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                self.write(&format!("spared {number} 0\n"));
            }
            Err(error) => panic!("no effect for {key}: {error}"),
        }
    }

    /// In one call to the system, which is done whole or not at all when the process is killed.
    fn write(&self, line: &str) {
        (&self.lines).write_all(line.as_bytes()).expect("a disk that is not full");
    }
}

impl Done {
    /// Reads what was written in a folder.
    pub(crate) fn read(folder: &Path) -> Self {
        let mut done = Self::default();
        for entry in fs::read_dir(folder).expect("the folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
            if name.is_some_and(|name| name.starts_with(WORKER)) {
                done.add(&fs::read_to_string(path).expect("text"));
            }
        }
        for entry in fs::read_dir(folder.join(KEYS)).expect("the folder") {
            let name = entry.expect("an entry").file_name();
            let name = name.to_str().expect("text");
            let (key, number) = name.rsplit_once('.').expect("a key and a number");
            let twice = done.keys.insert(key.to_owned(), number.parse().expect("a number"));
            assert_eq!(twice, None, "two effects of the key {key}");
        }
        done
    }

    fn add(&mut self, lines: &str) {
        for line in lines.lines() {
            let words: Vec<_> = line.split(' ').collect();
            let [what, number, attempt] = words[..] else { panic!("half a line: {line}") };
            if what == "spared" {
                self.spared += 1;
                continue;
            }
            let call = (number.parse().expect("a number"), attempt.parse().expect("a number"));
            let (begun, ended) = self.executions.entry(call).or_default();
            match what {
                "begun" => *begun += 1,
                _ => *ended += 1,
            }
        }
    }
}

const WORKER: &str = "worker-";
const KEYS: &str = "keys";
