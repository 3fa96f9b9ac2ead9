//! Paths that are too long, or not there, and URLs.

use std::{io::ErrorKind, path::Path};

use tinyrpc::{
    Client, Dispatcher, Server,
    transports::{
        Connector,
        unix::{UnixConnector, UnixListener},
    },
};

use crate::{block_on, folder::Folder};

/// What a path may have on the systems that have least.
const LEAST: usize = 103;

fn service() -> Dispatcher {
    Dispatcher::new().method("add", |a: i64, b: i64| a + b)
}

#[test]
fn a_path_that_is_too_long() {
    block_on(async {
        let folder = Folder::new();
        let long = |length: usize| {
            let room = length - folder.path("").as_os_str().len();
            folder.path(&"x".repeat(room))
        };
        let path = long(LEAST);
        drop(UnixListener::bind(&path).expect("it just fits"));
        let path = long(109);
        for error in [
            UnixListener::bind(&path).expect_err("it is too long"),
            UnixConnector::new(&path).connect().await.expect_err("it is too long"),
        ] {
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
            let most = if cfg!(target_os = "linux") { "at most 107 bytes" } else { "at most" };
            assert!(error.to_string().contains(most), "{error}");
            assert!(error.to_string().contains("has 109"), "{error}");
        }
    });
}

#[test]
fn a_directory_that_is_not_there() {
    block_on(async {
        let folder = Folder::new();
        let error = UnixListener::bind(folder.path("none/socket")).expect_err("no directory");
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        for path in ["", "/", "/.."] {
            UnixListener::bind(path).expect_err(path);
        }
    });
}

#[test]
fn urls() {
    block_on(async {
        let folder = Folder::new();
        let socket = folder.path("socket");
        let address = format!("unix://{}", socket.display());
        let server = Server::new(service()).listen(&address).await.expect("it is free");
        assert_eq!(server.addresses(), [address.as_str()]);
        for protocol in ["", "jsonrpc+", "msgpack+"] {
            for transport in ["unix", "ipc"] {
                let url = format!("{protocol}{transport}://{}", socket.display());
                let client = Client::connect(&url).await.expect("it listens");
                assert_eq!(client.call::<_, i64>("add", (2, 3)).await.expect("a sum"), 5, "{url}");
                assert_eq!(client.address(), address);
            }
        }
        for framing in ["content-length", "length", "netstring"] {
            let url = format!("msgpack+{address}?framing={framing}");
            let client = Client::connect(&url).await.expect("it listens");
            assert_eq!(client.call::<_, i64>("add", (2, 3)).await.expect("a sum"), 5, "{url}");
        }
        let error = Server::new(service()).listen(&address).await.expect_err("it is taken");
        assert!(error.to_string().contains("a server listens there already"), "{error}");
        // Which file would be meant by the word behind the slashes?
        for wrong in ["unix://run/app.sock", "unix://", "unix://localhost/run/app.sock"] {
            let error = Client::connect(wrong).await.expect_err(wrong);
            let expected =
                format!("`{wrong}`: expected a path, as in unix:///run/user/1000/app.sock");
            assert_eq!(error.to_string(), expected);
        }
        let gone = folder.path("gone");
        let error = Client::connect(format!("unix://{}", gone.display())).await;
        let error = error.expect_err("nobody listens there").to_string();
        assert!(error.contains(&gone.display().to_string()), "{error}");
    });
}

/// A path that is not below the root is below where the process is.
#[test]
fn a_path_from_here() {
    block_on(async {
        assert!(Path::new("target").is_dir(), "the tests run where the manifest is");
        let url = format!("unix://./target/tinyrpc-{}", std::process::id());
        let server = Server::new(service()).listen(&url).await.expect("it is free");
        let client = Client::connect(&url).await.expect("it listens");
        assert_eq!(client.call::<_, i64>("add", (2, 3)).await.expect("a sum"), 5);
        server.shutdown().await;
    });
}
