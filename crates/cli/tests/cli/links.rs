//! README, "Commands" and "Serving": every transport, protocol and framing that a URL can name.

use crate::support::{
    command::{Ran, Serving, run},
    folder::Folder,
};

/// How a server is bound, what its clients ask for beside that, and what of its URL is printed.
const LINKS: &[(&str, &[&str], &str, &str)] = &[
    ("tcp://127.0.0.1:0", &[], "tcp://127.0.0.1:", ""),
    ("auto+tcp://localhost:0", &[], "tcp://", ""),
    ("tcp://127.0.0.1:0", &["--framing", "lines"], "tcp://127.0.0.1:", ""),
    ("tcp://127.0.0.1:0", &["--framing", "content-length"], "tcp://127.0.0.1:", ""),
    ("tcp://127.0.0.1:0", &["--framing", "length"], "tcp://127.0.0.1:", ""),
    ("tcp://127.0.0.1:0", &["--framing", "netstring"], "tcp://127.0.0.1:", ""),
    ("tcp://127.0.0.1:0", &["--framing", "self"], "tcp://127.0.0.1:", ""),
    ("jsonrpc+tcp://127.0.0.1:0?timeout=9", &[], "jsonrpc+tcp://127.0.0.1:", ""),
    ("jsonrpc1+tcp://127.0.0.1:0", &[], "jsonrpc1+tcp://127.0.0.1:", ""),
    ("msgpack+tcp://127.0.0.1:0", &[], "msgpack+tcp://127.0.0.1:", ""),
    ("jsonrpc+tcp://127.0.0.1:0?framing=lines", &[], "jsonrpc+tcp://127.0.0.1:", "?framing=lines"),
    (
        "msgpack+tcp://127.0.0.1:0?framing=netstring&max_message=9999",
        &[],
        "msgpack+tcp://127.0.0.1:",
        "?framing=netstring",
    ),
    ("unix://{folder}/a.sock", &[], "unix://{folder}/a.sock", ""),
    ("msgpack+ipc://{folder}/b.sock", &[], "msgpack+unix://{folder}/b.sock", ""),
];

#[tokio::test]
async fn every_link() {
    let folder = Folder::new();
    let sockets = folder.path("sockets");
    std::fs::create_dir(&sockets).expect("a folder");
    let name = sockets.to_str().expect("it is UTF-8");
    let filled = |text: &str| text.replace("{folder}", name);
    let binds: Vec<String> = LINKS.iter().map(|(bind, ..)| filled(bind)).collect();
    let options: Vec<&str> = binds.iter().flat_map(|bind| ["--bind", bind]).collect();
    let mut server = Serving::with(&options, LINKS.len()).await;
    let urls = server.urls.clone();
    for (url, (_, options, begin, end)) in urls.iter().zip(LINKS) {
        assert!(url.starts_with(&filled(begin)) && url.ends_with(end), "{url}");
        assert!(!url.contains(":0"), "{url} has no real port");
        let args = [&["call", url, "add", "20", "22"], *options].concat();
        assert_eq!(run(&args).await, Ran::answered("42"), "{args:?}");
        let args = [&["notify", url, "add", "20", "22"], *options].concat();
        assert_eq!(run(&args).await.code, Some(0), "{args:?}");
    }
    server.signal(rustix::process::Signal::TERM);
    assert_eq!(server.ended().await, Some(0));
    let left = std::fs::read_dir(&sockets).expect("it is there").count();
    assert_eq!(left, 0, "the server takes its sockets with it");
}

#[tokio::test]
async fn framings_of_a_server() {
    for framing in ["lines", "content-length", "length", "netstring"] {
        let options = ["--framing", framing, "--bind", "jsonrpc+tcp://127.0.0.1:0"];
        let server = Serving::with(&options, 1).await;
        let url = &server.urls[0];
        assert!(url.ends_with(&format!("?framing={framing}")), "{url}");
        assert_eq!(run(&["call", url, "add", "1", "2"]).await, Ran::answered("3"));
    }
}
