//! Every seed of the fuzz targets, through the very same checks: what was found once is looked at
//! in each run of the tests. `tests/fuzz/README.md` says how there come to be more.

#[path = "fuzz/checks/mod.rs"]
mod checks;
#[path = "fuzz/kept.rs"]
mod kept;

use std::{path::Path, thread};

/// A seed that is shown when its check fails.
struct Shown<'s>(&'s [u8]);

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("the seed: {}", self.0.escape_ascii());
        }
    }
}

fn replay(target: &str, at_least: usize, check: fn(&[u8])) {
    assert!(kept::TARGETS.contains(&target));
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let seeds = kept::seeds(&tests, target);
    assert!(seeds.len() >= at_least, "only {} seeds", seeds.len());
    for seed in &seeds {
        let shown = Shown(seed);
        check(seed);
        drop(shown);
    }
}

/// What a fuzzer found is kept as it is.
#[test]
fn seeds_survive_their_file() {
    let all: Vec<u8> = (0..=255).collect();
    let mut seeds = vec![b"#".to_vec(), b"\\x23".to_vec(), b"'\"\n\r\t".to_vec(), all];
    let text = kept::write(seeds.clone());
    seeds.sort_by_key(Vec::len);
    assert_eq!(kept::parse(&format!("# A comment.\n\n{text}")), seeds);
}

#[test]
fn json_envelope() {
    replay("json_envelope", 1900, checks::envelope::json_envelope);
}

#[test]
fn json_stream() {
    replay("json_stream", 1600, checks::stream::json_stream);
}

#[test]
fn msgpack_value() {
    replay("msgpack_value", 1850, checks::values::msgpack_value);
}

#[test]
fn msgpack_stream() {
    replay("msgpack_stream", 1050, checks::stream::msgpack_stream);
}

#[test]
fn auto() {
    replay("auto", 2400, checks::auto::auto);
}

#[test]
fn session_pair() {
    replay("session_pair", 700, checks::session_pair::session_pair);
}
