//! Turns the seeds that are kept into a corpus for a fuzzer, and back.
//!
//! `cargo run --example pack unpack TARGET` fills `corpus/TARGET`, and `pack` in its place writes
//! `seeds/TARGET.txt` from it; `run.sh` does both.

#![allow(dead_code, reason = "the tests use more of what is read here")]

mod kept;

use std::{env, fs, path::Path, process::ExitCode};

fn main() -> ExitCode {
    let words: Vec<_> = env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["unpack", target] if kept::TARGETS.contains(target) => unpack(target),
        ["pack", target] if kept::TARGETS.contains(target) => pack(target),
        _ => {
            eprintln!("pack or unpack, and one of {}", kept::TARGETS.join(", "));
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

fn unpack(target: &str) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let corpus = here.join("corpus").join(target);
    fs::create_dir_all(&corpus).expect("a folder for the corpus");
    let seeds = kept::seeds(&here.join(".."), target);
    for (at, seed) in seeds.iter().enumerate() {
        fs::write(corpus.join(format!("kept-{at:05}")), seed).expect("a file of the corpus");
    }
    println!("{} seeds of {target}", seeds.len());
}

fn pack(target: &str) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = fs::read_dir(here.join("corpus").join(target)).expect("a corpus");
    let seeds: Vec<_> = files
        .map(|file| fs::read(file.expect("an entry").path()).expect("a seed"))
        .filter(|seed| seed.len() <= LONGEST)
        .collect();
    let text = kept::write(seeds);
    println!("{} seeds of {target}, {} bytes", text.lines().count(), text.len());
    fs::write(here.join("seeds").join(format!("{target}.txt")), text).expect("a file of seeds");
}

/// Longer ones make the repository large and the replay slow, and show little more.
const LONGEST: usize = 1024;
