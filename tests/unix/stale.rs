//! What is at the path already: a socket that was left behind is replaced, and nothing else.

use std::{
    fs,
    io::{self, ErrorKind},
    os::unix::{
        fs::{MetadataExt, chown, symlink},
        net::{UnixDatagram, UnixListener as StdListener, UnixStream},
    },
    path::Path,
};

use socket2::{Domain, SockAddr, Socket, Type};
use tinyrpc::transports::unix::UnixListener;

use crate::{block_on, files::names, folder::Folder};

/// Leaves something behind, or a server that lives for as long as what it gives.
type Before = fn(&Path) -> Box<dyn std::any::Any>;

fn left_behind(path: &Path) -> Box<dyn std::any::Any> {
    left(StdListener::bind(path).map(drop))
}

/// What lives without anybody.
fn left(made: io::Result<()>) -> Box<dyn std::any::Any> {
    made.expect("nothing is there");
    Box::new(())
}

/// A server whose queue is full, and which does not accept.
fn busy(path: &Path) -> Box<dyn std::any::Any> {
    let address = SockAddr::unix(path).expect("a short path");
    let socket = || Socket::new(Domain::UNIX, Type::STREAM, None).expect("a socket");
    let listener = socket();
    listener.bind(&address).expect("nothing is there");
    listener.listen(1).expect("it is bound");
    let mut waiting = Vec::new();
    loop {
        let client = socket();
        client.set_nonblocking(true).expect("a socket");
        match client.connect(&address) {
            Ok(()) => waiting.push(client),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error}");
                return Box::new((listener, waiting));
            }
        }
    }
}

#[track_caller]
fn check(name: &str, before: Before, refused: Option<(ErrorKind, &str)>) {
    block_on(async {
        let folder = Folder::new();
        let path = folder.path("socket");
        let lives = before(&path);
        let there = fs::symlink_metadata(&path).expect("something is there");
        let bound = UnixListener::bind(&path);
        let now = fs::symlink_metadata(&path).expect("something is there");
        let same = (now.ino(), now.mtime_nsec()) == (there.ino(), there.mtime_nsec());
        match (bound, refused) {
            (Ok(_listener), None) => {
                assert!(!same, "{name}");
                UnixStream::connect(&path).expect("it listens");
            }
            (Err(error), Some((kind, words))) => {
                assert_eq!(error.kind(), kind, "{name}: {error}");
                assert!(error.to_string().contains(words), "{name}: {error}");
                assert!(error.to_string().contains("socket"), "{name}: {error}");
                assert!(same, "{name}: it was touched");
            }
            (bound, refused) => panic!("{name}: {bound:?}, expected {refused:?}"),
        }
        drop(lives);
        // Neither locks nor rooms are left, and what a link leads to is.
        for name in names(&folder) {
            assert!(["socket", "elsewhere"].contains(&name.as_str()), "{name}");
        }
    });
}

#[test]
fn a_socket_that_nobody_answers_on_is_replaced() {
    check("left behind", left_behind, None);
    check(
        "left behind under another mode",
        |path| {
            use std::os::unix::fs::PermissionsExt;
            let left = left_behind(path);
            fs::set_permissions(path, fs::Permissions::from_mode(0o777)).expect("it is ours");
            left
        },
        None,
    );
}

#[test]
fn a_server_that_lives_is_left_alone() {
    let refused = Some((ErrorKind::AddrInUse, "a server listens there already"));
    check("another program's", |path| Box::new(StdListener::bind(path).expect("free")), refused);
    check("one of this kind", |path| Box::new(UnixListener::bind(path).expect("free")), refused);
    check("a busy one", busy, refused);
    check("one of datagrams", |path| Box::new(UnixDatagram::bind(path).expect("free")), refused);
}

#[test]
fn what_is_no_socket_is_left_alone() {
    let refused = Some((ErrorKind::AlreadyExists, "not a socket"));
    check("a file", |path| left(fs::write(path, "precious")), refused);
    check("an empty file", |path| left(fs::write(path, "")), refused);
    check("a directory", |path| left(fs::create_dir(path)), refused);
    check("a link to nothing", |path| left(symlink("gone", path)), refused);
    check(
        "a link to a socket that was left behind",
        |path| {
            let elsewhere = path.with_file_name("elsewhere");
            left_behind(&elsewhere);
            left(symlink(elsewhere, path))
        },
        refused,
    );
}

/// Needs root, which alone can give files away.
#[test]
fn a_socket_of_another_user_is_left_alone() {
    let folder = Folder::new();
    fs::write(folder.path("mine"), "").expect("a file");
    if chown(folder.path("mine"), Some(65534), None).is_err() {
        eprintln!("skipped: only root can make sockets of other users");
        return;
    }
    let refused = Some((ErrorKind::PermissionDenied, "a socket of the user 65534"));
    check(
        "another user's",
        |path| {
            let left = left_behind(path);
            chown(path, Some(65534), None).expect("this is root");
            left
        },
        refused,
    );
    // Nor is the lock of another user believed.
    block_on(async {
        let path = folder.path("socket");
        let lock = folder.path("socket.lock");
        fs::rename(folder.path("mine"), &lock).expect("it is there");
        let error = UnixListener::bind(&path).expect_err("it is not ours");
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
        assert!(lock.exists() && !path.exists());
    });
}

#[test]
fn locks_that_were_left_behind() {
    block_on(async {
        let folder = Folder::new();
        let (path, lock) = (folder.path("socket"), folder.path("socket.lock"));
        // Nobody holds it: whoever did was killed.
        fs::write(&lock, "").expect("a file");
        drop(UnixListener::bind(&path).expect("it is free"));
        assert!(names(&folder).is_empty());
        // A link is not followed, whatever it leads to.
        fs::write(folder.path("precious"), "precious").expect("a file");
        for target in ["precious", "missing"] {
            symlink(folder.path(target), &lock).expect("nothing is there");
            UnixListener::bind(&path).expect_err("a link is no lock");
            fs::remove_file(&lock).expect("it is there");
        }
        assert_eq!(names(&folder), ["precious"].map(String::from).into());
        assert_eq!(fs::read(folder.path("precious")).expect("a file"), b"precious");
        fs::create_dir(&lock).expect("nothing is there");
        UnixListener::bind(&path).expect_err("a directory is no lock");
    });
}
