//! Who may connect: the user that listens, and nobody else unless it says so.

use std::{
    env, fs,
    io::{ErrorKind, Read},
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        net::UnixStream,
        process::CommandExt,
    },
    path::Path,
    process::{Child, Command, Stdio, exit, id},
};

use tinyrpc::transports::{
    Accepted, Listener, PeerAddress,
    unix::{Admission, UnixListener},
};

use crate::{block_on, folder::Folder};

/// Whom a copy of this test runs as, when this is root.
const NOBODY: u32 = 65534;
/// Says to a copy of this test where it is to connect.
const SOCKET: &str = "TINYRPC_TEST_UNIX_SOCKET";

/// How a copy of this test ended.
const FORBIDDEN: i32 = 40;
const CLOSED: i32 = 41;
const OTHERWISE: i32 = 42;

/// The other user.
#[test]
fn other_process() {
    let Some(path) = env::var_os(SOCKET) else { return };
    exit(match UnixStream::connect(path) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => FORBIDDEN,
        Err(_) => OTHERWISE,
        Ok(mut stream) => match stream.read(&mut [0]) {
            Ok(0) => CLOSED,
            _ => OTHERWISE,
        },
    });
}

/// A directory that every user may enter, with a copy of this test in it.
fn open_folder() -> Folder {
    let folder = Folder::new();
    let anybody = fs::Permissions::from_mode(0o755);
    fs::set_permissions(folder.path(""), anybody.clone()).expect("it is ours");
    fs::copy(env::current_exe().expect("this test"), folder.path("other")).expect("a copy");
    fs::set_permissions(folder.path("other"), anybody).expect("it is ours");
    folder
}

/// Has a user connect; `None` where this process may not become that user.
fn connect_as(user: u32, folder: &Folder, socket: &Path) -> Option<Child> {
    let spawned = Command::new(folder.path("other"))
        .args(["users::other_process", "--exact", "--nocapture"])
        .env(SOCKET, socket)
        .stdout(Stdio::null())
        .uid(user)
        .gid(user)
        .current_dir("/")
        .spawn();
    match spawned {
        Ok(child) => Some(child),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
            eprintln!("skipped: only root can become another user");
            None
        }
    }
}

fn end_of(mut child: Child) -> i32 {
    child.wait().expect("a child").code().expect("it ended by itself")
}

async fn refused(listener: &mut UnixListener) -> (PeerAddress, String) {
    match listener.accept().await.expect("somebody connects") {
        Accepted::Ready(connection) => panic!("{} was admitted", connection.peer),
        Accepted::Opening(opening) => {
            let peer = opening.peer().clone();
            let error = opening.await.expect_err("it is refused");
            assert_eq!(error.kind(), ErrorKind::PermissionDenied);
            (peer, error.to_string())
        }
    }
}

async fn admitted(listener: &mut UnixListener) -> PeerAddress {
    match listener.accept().await.expect("somebody connects") {
        Accepted::Ready(connection) => connection.peer,
        Accepted::Opening(opening) => panic!("{} was refused", opening.peer()),
    }
}

#[test]
fn who_is_at_the_other_end() {
    block_on(async {
        let folder = Folder::new();
        let mut listener = UnixListener::bind(folder.path("socket")).expect("it is free");
        let _client = UnixStream::connect(folder.path("socket")).expect("it listens");
        let me = fs::metadata(folder.path("socket")).expect("it is there");
        let peer = admitted(&mut listener).await;
        let PeerAddress::Unix { uid, gid: _, pid } = peer.clone() else { panic!("{peer}") };
        assert_eq!(uid, me.uid());
        if cfg!(target_os = "linux") {
            assert_eq!(pid, Some(id()));
            assert_eq!(peer.to_string(), format!("user {uid}, process {}", id()));
        }
    });
}

#[test]
fn another_user_is_kept_out_by_the_permissions() {
    let folder = open_folder();
    block_on(async {
        let _listener = UnixListener::bind(folder.path("socket")).expect("it is free");
        let Some(child) = connect_as(NOBODY, &folder, &folder.path("socket")) else { return };
        assert_eq!(end_of(child), FORBIDDEN);
    });
}

/// Also where the permissions let everybody through, and without keeping others waiting.
#[test]
fn another_user_is_refused() {
    let folder = open_folder();
    block_on(async {
        let socket = folder.path("socket");
        let me = fs::metadata(folder.path("")).expect("it is there").uid();
        for admission in [Admission::Owner, Admission::Users(vec![me, 4711])] {
            let mut listener = UnixListener::bind_for(&socket, admission).expect("it is free");
            let anybody = fs::Permissions::from_mode(0o666);
            fs::set_permissions(&socket, anybody).expect("it is ours");
            for _ in 0..3 {
                let Some(child) = connect_as(NOBODY, &folder, &socket) else { return };
                let number = child.id();
                let (peer, why) = refused(&mut listener).await;
                assert_eq!(why, format!("the user {NOBODY} may not connect"));
                assert!(matches!(peer, PeerAddress::Unix { uid: NOBODY, gid: NOBODY, .. }));
                if cfg!(target_os = "linux") {
                    assert_eq!(peer.to_string(), format!("user {NOBODY}, process {number}"));
                }
                assert_eq!(end_of(child), CLOSED);
            }
            let _client = UnixStream::connect(&socket).expect("it listens");
            admitted(&mut listener).await;
        }
    });
}

#[test]
fn another_user_is_admitted_where_it_is_said() {
    let folder = open_folder();
    block_on(async {
        let socket = folder.path("socket");
        for admission in [Admission::Users(vec![4711, NOBODY]), Admission::Everybody] {
            let mut listener = UnixListener::bind_for(&socket, admission).expect("it is free");
            let Some(child) = connect_as(NOBODY, &folder, &socket) else { return };
            let peer = admitted(&mut listener).await;
            assert!(matches!(peer, PeerAddress::Unix { uid: NOBODY, .. }), "{peer}");
            assert_eq!(end_of(child), CLOSED);
        }
        // Whoever listens is not among those that it names.
        let mut listener =
            UnixListener::bind_for(&socket, Admission::Users(vec![NOBODY])).expect("it is free");
        let _client = UnixStream::connect(&socket).expect("it listens");
        let me = fs::metadata(&socket).expect("it is there").uid();
        let (_, why) = refused(&mut listener).await;
        assert_eq!(why, format!("the user {me} may not connect"));
    });
}
