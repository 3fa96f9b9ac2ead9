//! The file of a socket: at no time may anybody else reach it, and it is removed by its owner only.

use std::{
    collections::BTreeSet,
    fs,
    io::ErrorKind,
    os::unix::{
        fs::{FileTypeExt, MetadataExt, symlink},
        net::{UnixListener as StdListener, UnixStream},
    },
    path::Path,
    sync::{
        Barrier,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    thread,
};

use tinyrpc::transports::unix::{Admission, UnixListener};

use crate::{block_on, folder::Folder};

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).expect("it is there").mode() & 0o7777
}

/// The names of everything in a directory.
pub(crate) fn names(folder: &Folder) -> BTreeSet<String> {
    let entries = fs::read_dir(folder.path("")).expect("the directory is there");
    entries
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
        .collect()
}

#[test]
fn right_after_bind() {
    block_on(async {
        for (admission, expected) in [
            (Admission::Owner, 0o600),
            (Admission::Users(vec![1, 2]), 0o666),
            (Admission::Everybody, 0o666),
        ] {
            let folder = Folder::new();
            let path = folder.path("socket");
            let listener = UnixListener::bind_for(&path, admission.clone()).expect("it is free");
            let metadata = fs::symlink_metadata(&path).expect("it is there");
            assert!(metadata.file_type().is_socket());
            assert_eq!(mode(&path), expected, "{admission:?}");
            let owner = fs::metadata(folder.path("")).expect("it is there").uid();
            assert_eq!(metadata.uid(), owner);
            assert_eq!(names(&folder), ["socket", "socket.lock"].map(String::from).into());
            assert_eq!(mode(&folder.path("socket.lock")), 0o600);
            UnixStream::connect(&path).expect("it listens");
            drop(listener);
            assert!(names(&folder).is_empty());
        }
    });
}

/// While it is made and removed again and again, somebody looks all the time.
#[test]
fn there_is_no_window() {
    const TIMES: usize = 500;
    let folder = Folder::new();
    let (done, sockets) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut looks = 0_usize;
            while !done.load(SeqCst) {
                looks += 1;
                for name in names(&folder) {
                    let Ok(metadata) = fs::symlink_metadata(folder.path(&name)) else { continue };
                    let (kind, mode) = (metadata.file_type(), metadata.mode() & 0o777);
                    assert_eq!(mode & 0o077, 0, "{name} is open to others: {mode:o}");
                    if kind.is_socket() {
                        assert_eq!(mode, 0o600, "{name}");
                        sockets.fetch_add(1, SeqCst);
                    }
                }
            }
            assert!(looks > TIMES / 10, "only {looks} looks");
        });
        block_on(async {
            for _ in 0..TIMES {
                drop(UnixListener::bind(folder.path("socket")).expect("it is free"));
                thread::yield_now();
            }
            // The watcher has seen some of them in their place.
            while sockets.load(SeqCst) == 0 {
                drop(UnixListener::bind(folder.path("socket")).expect("it is free"));
            }
        });
        done.store(true, SeqCst);
    });
    assert!(names(&folder).is_empty());
}

#[test]
fn only_what_is_still_ours_is_removed() {
    block_on(async {
        let folder = Folder::new();
        let path = folder.path("socket");
        let replaced: [(&str, &dyn Fn()); 3] = [
            ("a file", &|| fs::write(&path, "precious").expect("a file")),
            ("a link", &|| symlink("elsewhere", &path).expect("a link")),
            ("a socket of another server", &|| drop(StdListener::bind(&path).expect("a socket"))),
        ];
        for (what, replace) in replaced {
            let listener = UnixListener::bind(&path).expect("it is free");
            fs::remove_file(&path).expect("it is there");
            replace();
            let there = fs::symlink_metadata(&path).expect("it is there");
            drop(listener);
            let left = fs::symlink_metadata(&path).unwrap_or_else(|_| panic!("{what} is gone"));
            assert_eq!((left.ino(), left.len()), (there.ino(), there.len()), "{what}");
            assert_eq!(names(&folder), ["socket"].map(String::from).into(), "{what}");
            fs::remove_file(&path).expect("it is there");
        }
        // What was removed by somebody else is no failure.
        let listener = UnixListener::bind(&path).expect("it is free");
        fs::remove_file(&path).expect("it is there");
        fs::remove_file(folder.path("socket.lock")).expect("it is there");
        drop(listener);
        assert!(names(&folder).is_empty());
    });
}

#[test]
fn of_many_servers_one_gets_it() {
    const SERVERS: usize = 8;
    const ROUNDS: usize = 100;
    let folder = Folder::new();
    let path = folder.path("socket");
    let (barrier, winners) = (Barrier::new(SERVERS), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..SERVERS {
            scope.spawn(|| {
                block_on(async {
                    for round in 0..ROUNDS {
                        if barrier.wait().is_leader() {
                            winners.store(0, SeqCst);
                            if round % 2 == 0 {
                                drop(StdListener::bind(&path).expect("nothing is there"));
                            }
                        }
                        barrier.wait();
                        let bound = UnixListener::bind(&path);
                        match &bound {
                            Ok(_) => _ = winners.fetch_add(1, SeqCst),
                            Err(error) => assert_eq!(error.kind(), ErrorKind::AddrInUse, "{error}"),
                        }
                        barrier.wait();
                        assert_eq!(winners.load(SeqCst), 1, "round {round}");
                        if bound.is_ok() {
                            UnixStream::connect(&path).expect("the winner listens");
                        }
                        drop(bound);
                        barrier.wait();
                    }
                });
            });
        }
    });
    assert!(names(&folder).is_empty());
}

/// And where they come and go at any time, whoever has it is never disturbed.
#[test]
fn servers_that_come_and_go() {
    const SERVERS: usize = 4;
    const TIMES: usize = 300;
    let folder = Folder::new();
    let path = folder.path("socket");
    let (serving, served) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..SERVERS {
            scope.spawn(|| {
                block_on(async {
                    for _ in 0..TIMES {
                        let Ok(listener) = UnixListener::bind(&path) else {
                            thread::yield_now();
                            continue;
                        };
                        assert!(!serving.swap(true, SeqCst), "two have the path");
                        served.fetch_add(1, SeqCst);
                        UnixStream::connect(&path).expect("it is there for as long as it listens");
                        serving.store(false, SeqCst);
                        drop(listener);
                    }
                });
            });
        }
    });
    assert!(served.load(SeqCst) > 0);
    assert!(names(&folder).is_empty());
}
