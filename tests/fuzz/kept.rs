//! The seeds: those that are kept in `seeds/`, and those that `tests/data` holds for other tests.

#[path = "../support/transcript.rs"]
mod transcript;
#[path = "../support/wire.rs"]
mod wire;

use std::{fs, path::Path};

use transcript::{cases, exchanges};
use wire::Wire;

/// Every target.
pub(crate) const TARGETS: [&str; 6] =
    ["json_envelope", "json_stream", "msgpack_value", "msgpack_stream", "auto", "session_pair"];

/// All seeds of a target; `tests` is the folder of all tests.
pub(crate) fn seeds(tests: &Path, target: &str) -> Vec<Vec<u8>> {
    let mut seeds = parse(&read(&tests.join(format!("fuzz/seeds/{target}.txt"))));
    let data = tests.join("data");
    if target.starts_with("json") || target == "auto" {
        seeds.extend(from_data(&data, Wire::Json));
    }
    if target.starts_with("msgpack") || target == "auto" {
        seeds.extend(from_data(&data, Wire::MessagePack));
    }
    if target == "auto" {
        let text = read(&data.join("malformed/framing.txt"));
        let cases = cases(&text, Wire::Json).expect("the data is valid");
        seeds.extend(cases.into_iter().map(|case| case.input));
        for wire in [Wire::Json, Wire::MessagePack] {
            for messages in transcripts(&data, wire) {
                seeds.extend(framed(&messages));
            }
        }
    }
    // The bombs are thrown by other tests, which know how long they take.
    seeds.retain(|seed| (1..=LONGEST).contains(&seed.len()));
    seeds
}

/// Some messages in each of the framings that are recognised.
fn framed(messages: &[Vec<u8>]) -> [Vec<u8>; 3] {
    [wire::with_length, wire::as_netstring, wire::with_header]
        .map(|frame| messages.iter().flat_map(|message| frame(message)).collect())
}

/// The seeds of a file: one a line, as Rust writes a byte string. Empty lines and those that begin
/// with `#` are none.
pub(crate) fn parse(text: &str) -> Vec<Vec<u8>> {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(unescape).collect()
}

/// A file of seeds, the shortest first and each once.
pub(crate) fn write(mut seeds: Vec<Vec<u8>>) -> String {
    seeds.sort_by(|a, b| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
    seeds.dedup();
    let mut text = String::new();
    for seed in seeds.iter().filter(|seed| !seed.is_empty()) {
        let line = seed.escape_ascii().to_string();
        // A comment is none.
        match line.strip_prefix('#') {
            Some(rest) => text.extend(["\\x23", rest, "\n"]),
            None => text.extend([line.as_str(), "\n"]),
        }
    }
    text
}

fn unescape(line: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(line.len());
    let mut rest = line.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'\\' => match rest.next().expect("a letter behind a backslash") {
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                b'x' => {
                    let digit = |byte: Option<u8>| {
                        byte.and_then(|byte| char::from(byte).to_digit(16)).expect("a digit") as u8
                    };
                    digit(rest.next()) << 4 | digit(rest.next())
                }
                other => other,
            },
            other => other,
        });
    }
    bytes
}

/// What the tables, the transcripts and the recordings send, one by one and, where a file is one
/// connection, as a whole.
fn from_data(data: &Path, wire: Wire) -> Vec<Vec<u8>> {
    let (folder, recordings) = match wire {
        Wire::Json => ("jsonrpc", &["tinyrpc-jsonrpc.json"][..]),
        Wire::MessagePack => {
            ("msgpack", &["msgpack-rpc-python.json", "tinyrpc-msgpackrpc.json"][..])
        }
    };
    let malformed = read(&data.join(format!("malformed/{folder}.txt")));
    let mut seeds = Vec::new();
    for case in cases(&malformed, wire).expect("the data is valid") {
        seeds.push(wire::on_stream(wire, case.input));
    }
    for messages in transcripts(data, wire) {
        seeds.push(messages.iter().flat_map(|one| wire::on_stream(wire, one.clone())).collect());
        seeds.extend(messages);
    }
    seeds.extend(extension(data, wire));
    for name in recordings {
        let recording = json(&data.join("vectors").join(name));
        for vector in recording["vectors"].as_array().expect("vectors") {
            for message in vector["exchange"].as_array().into_iter().flatten() {
                seeds.push(hex(message["hex"].as_str().expect("digits")));
            }
        }
    }
    seeds
}

/// The messages of the extension, whole ones and others, and those in chunks as a stream.
fn extension(data: &Path, wire: Wire) -> Vec<Vec<u8>> {
    let vectors = json(&data.join("extensions.json"));
    let protocol = match wire {
        Wire::Json => "json",
        Wire::MessagePack => "msgpack",
    };
    let message = |text: &serde_json::Value| {
        let text = text.as_str().expect("a text");
        let bytes = match wire {
            Wire::Json => text.as_bytes().to_vec(),
            Wire::MessagePack => hex(&text.replace(' ', "")),
        };
        wire::on_stream(wire, bytes)
    };
    let kinds = ["same", "read", "malformed", "chunked"];
    let all = kinds.iter().flat_map(|kind| vectors[kind].as_array().expect("vectors"));
    let mut seeds = Vec::new();
    for vector in all.filter(|vector| vector["protocol"] == protocol) {
        seeds.push(message(&vector["bytes"]));
        let chunks: Vec<_> = vector["chunks"].as_array().into_iter().flatten().collect();
        if !chunks.is_empty() {
            seeds.push(chunks.into_iter().flat_map(message).collect());
        }
    }
    seeds
}

/// What is sent in each transcript.
fn transcripts(data: &Path, wire: Wire) -> Vec<Vec<Vec<u8>>> {
    let folder = match wire {
        Wire::Json => "jsonrpc",
        Wire::MessagePack => "msgpack",
    };
    let files = fs::read_dir(data.join(folder)).expect("a folder");
    let mut files: Vec<_> = files.map(|file| file.expect("an entry").path()).collect();
    files.sort();
    let exchanges = |path| exchanges(&read(path), wire).expect("the data is valid");
    files
        .iter()
        .map(|path| exchanges(path).into_iter().flat_map(|exchange| exchange.sent).collect())
        .collect()
}

fn hex(digits: &str) -> Vec<u8> {
    let bytes = digits.as_bytes().chunks(2);
    bytes.map(|pair| u8::from_str_radix(&String::from_utf8_lossy(pair), 16).expect("hex")).collect()
}

fn json(path: &Path) -> serde_json::Value {
    serde_json::from_str(&read(path)).expect("JSON")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// As long as a fuzzer makes its inputs.
const LONGEST: usize = 4096;
