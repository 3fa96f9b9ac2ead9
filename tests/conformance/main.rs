//! Replays the conversations of `tests/data`: the examples of both specifications, and recordings
//! of other implementations, with this project once as the server and once as the client.

#[path = "../support/bench.rs"]
mod bench;
#[path = "../support/raw.rs"]
mod raw;
#[path = "../support/transcript.rs"]
mod transcript;
#[path = "../support/value.rs"]
mod value;
#[path = "../support/wire.rs"]
mod wire;

mod called;
mod far;
mod old;
mod outcomes;
mod recordings;
mod served;
mod server;
mod transcripts;

use std::{fs, path::Path};

fn data(file: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(file);
    fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}
