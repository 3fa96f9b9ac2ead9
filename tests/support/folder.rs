//! `Folder`: a directory of a test's own, which is gone when the test is.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::{
    env, fs,
    path::PathBuf,
    process,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

/// What was numbered so far by this process.
static LAST: AtomicUsize = AtomicUsize::new(0);

#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        let number = LAST.fetch_add(1, Relaxed);
        let path = env::temp_dir().join(format!("tinyrpc-{}-{number}", process::id()));
        fs::create_dir(&path).expect("a directory of this process");
        Self(path)
    }

    /// The path of a file in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// A path in it that was not given before.
    pub(crate) fn fresh(&self, name: &str) -> PathBuf {
        self.path(&format!("{name}-{}", LAST.fetch_add(1, Relaxed)))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        _ = fs::remove_dir_all(&self.0);
    }
}
