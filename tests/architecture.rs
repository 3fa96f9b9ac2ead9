//! Who may know whom: the arrows between the crates, checked against the manifests.

use std::{collections::BTreeSet, fs, path::Path};

/// Which of our crates each crate may depend on, and which runtimes it must not.
const ARROWS: &[(&str, &[&str], &[&str])] = &[
    ("crates/core", &[], &["tokio", "tokio-util", "tracing", "futures-util", "socket2"]),
    ("crates/protocols", &["tinyrpc-core"], &["tokio", "tokio-util", "futures-util"]),
    ("crates/transports", &["tinyrpc-core"], &["serde_json", "rmp-serde"]),
    ("crates/dispatch", &["tinyrpc-core"], &["tokio", "tokio-util", "serde_json", "rmp-serde"]),
    (
        "",
        &["tinyrpc-core", "tinyrpc-dispatch", "tinyrpc-protocols", "tinyrpc-transports"],
        &["serde_json", "rmp-serde"],
    ),
    ("crates/cli", &["tinyrpc"], &[]),
];

fn manifest(folder: &str) -> toml::Table {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join("Cargo.toml");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    text.parse().unwrap_or_else(|error| panic!("{path:?}: {error}"))
}

fn dependencies(folder: &str) -> BTreeSet<String> {
    let manifest = manifest(folder);
    let table = manifest.get("dependencies").and_then(toml::Value::as_table);
    table.into_iter().flat_map(|table| table.keys().cloned()).collect()
}

#[test]
fn arrows_point_one_way() {
    for (folder, ours, forbidden) in ARROWS {
        for dependency in dependencies(folder) {
            assert!(
                !dependency.starts_with("tinyrpc") || ours.contains(&dependency.as_str()),
                "{folder}: must not know {dependency}"
            );
            assert!(
                !forbidden.contains(&dependency.as_str()),
                "{folder}: must not use {dependency}"
            );
        }
    }
}

#[test]
fn every_crate_has_an_arrow() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates");
    for entry in fs::read_dir(folder).expect("the crates' folder") {
        let name = format!("crates/{}", entry.expect("an entry").file_name().to_string_lossy());
        assert!(ARROWS.iter().any(|(folder, ..)| *folder == name), "{name} is not in the table");
    }
}

fn features(folder: &str) -> BTreeSet<String> {
    let manifest = manifest(folder);
    let table = manifest.get("features").and_then(toml::Value::as_table);
    table.into_iter().flat_map(|table| table.keys().cloned()).collect()
}

#[test]
fn the_command_has_every_protocol_and_transport() {
    let mut parts = features("crates/protocols");
    parts.append(&mut features("crates/transports"));
    let command = manifest("crates/cli");
    let default = command.get("features").and_then(|features| features.get("default"));
    let default = default.and_then(toml::Value::as_array).expect("default features");
    for feature in features("").intersection(&parts).filter(|feature| *feature != "default") {
        let has = default.iter().any(|name| name.as_str() == Some(feature));
        assert!(
            has,
            "crates/cli: the feature `{feature}` of the library is not among its defaults"
        );
    }
}

#[test]
fn versions_are_stated_once() {
    for (folder, ..) in ARROWS {
        let manifest = manifest(folder);
        for section in ["dependencies", "dev-dependencies"] {
            let Some(table) = manifest.get(section).and_then(toml::Value::as_table) else {
                continue;
            };
            for (name, value) in table {
                let inherited = value.get("workspace").and_then(toml::Value::as_bool);
                assert_eq!(inherited, Some(true), "{folder}: {name} states a version of its own");
            }
        }
        let lints = manifest.get("lints").and_then(|lints| lints.get("workspace"));
        assert_eq!(lints.and_then(toml::Value::as_bool), Some(true), "{folder}: lints of its own");
    }
}

#[test]
fn the_core_has_no_clock_and_no_io() {
    fn walk(folder: &Path, check: &mut dyn FnMut(&Path, &str)) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                // Tests may have a thread with a small stack.
                if !path.ends_with("tests") {
                    walk(&path, check);
                }
            } else {
                check(&path, &fs::read_to_string(&path).expect("a source file"));
            }
        }
    }
    let core = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/core/src");
    walk(&core, &mut |path, text| {
        for word in ["Instant", "SystemTime", "std::net::Tcp", "std::fs", "std::thread::"] {
            assert!(!text.contains(word), "{path:?} uses {word}");
        }
    });
}

#[test]
fn no_file_is_too_long() {
    const MOST: usize = 600;
    fn walk(folder: &Path) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() && !path.ends_with("target") {
                walk(&path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let lines = fs::read_to_string(&path).expect("a source file").lines().count();
                assert!(lines <= MOST, "{path:?} has {lines} lines: split it by its nouns");
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in ["src", "crates", "tests", "examples", "benches"] {
        walk(&root.join(folder));
    }
}
