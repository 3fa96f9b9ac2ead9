//! What a program finds when it starts.

use tinyrpc::transports::exec::ExecConnector;

use crate::{
    block_on,
    child::{ROLE, builder, program},
    folder::Folder,
};

async fn names(program: ExecConnector) -> Vec<String> {
    let client = builder(program, "jsonrpc").connect().await.expect("it starts");
    let names = client.call("names", ()).await.expect("an answer");
    client.close().await;
    names
}

/// Cargo sets it for every test.
const OURS: &str = "CARGO_MANIFEST_DIR";

#[test]
fn variables() {
    block_on(async {
        let has = |names: &[String], name: &str| names.iter().any(|one| one == name);
        assert!(std::env::var_os(OURS).is_some(), "cargo runs this test");
        let all = names(program("serve").env("EXTRA", "1")).await;
        assert!(has(&all, OURS) && has(&all, "EXTRA") && has(&all, "PATH"), "{all:?}");

        let few = names(program("serve").clean_env().env("EXTRA", "1")).await;
        assert!(!has(&few, OURS), "{few:?}");
        assert!(has(&few, "EXTRA") && has(&few, "PATH"), "{few:?}");
        for name in &few {
            // The shell that starts it has some of its own.
            let known = ["EXTRA", ROLE, "PWD", "OLDPWD", "SHLVL", "_"].contains(&name.as_str());
            assert!(known || ExecConnector::CLEAN.contains(&name.as_str()), "{name}");
        }
    });
}

#[test]
fn directory() {
    block_on(async {
        let folder = Folder::new();
        let there = program("serve").directory(folder.path(""));
        let client = builder(there, "jsonrpc").connect().await.expect("it starts");
        let said: String = client.call("directory", ()).await.expect("an answer");
        let expected = folder.path("").canonicalize().expect("it is there");
        assert_eq!(said, expected.display().to_string());
        client.close().await;
    });
}
