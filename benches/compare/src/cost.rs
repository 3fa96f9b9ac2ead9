//! Counting what a call costs: instructions, allocations and system calls of server and client.
//!
//! Each count is the difference between a longer and a shorter run, so that starting and stopping cancel out.

use std::{ffi::OsString, fs, path::Path};

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;

use crate::{
    children::{Amount, Places, Program, Server},
    cli::{CostArgs, Pin},
    peers::PeerName,
    workload::Workload,
};

/// What is counted, each with a tool of its own.
#[derive(Clone, Copy)]
enum Count {
    /// User-space instructions, by callgrind.
    Instructions,
    /// Allocations, by the counting binary itself.
    Allocations,
    /// System calls, by strace.
    Syscalls,
}

/// One count for each side.
struct Sides {
    server: u64,
    client: u64,
}

/// `compare cost`.
pub(crate) fn run(args: &CostArgs) -> Result<()> {
    ensure!(
        args.few < args.many,
        "the longer run must make more calls than the shorter one"
    );
    println!("Per call, server / client.\n");
    println!("| workload | peer | instructions | allocations | system calls |");
    println!("|---|---|--:|--:|--:|");
    for &workload in &args.workloads {
        for &peer in args.peers.iter().filter(|peer| peer.runs(workload)) {
            print!("| {workload} | {peer} |");
            for what in [Count::Instructions, Count::Allocations, Count::Syscalls] {
                let few = what.of(peer, workload, args.few)?;
                let many = what.of(peer, workload, args.many)?;
                let per_call = |few: u64, many: u64| {
                    (many as f64 - few as f64) / (args.many - args.few) as f64
                };
                let server = per_call(few.server, many.server);
                let client = per_call(few.client, many.client);
                let digits = what.digits();
                print!(" {server:.digits$} / {client:.digits$} |");
            }
            println!();
        }
    }
    Ok(())
}

impl Count {
    /// Counts a whole run of `calls` calls, start and stop included.
    fn of(self, peer: PeerName, workload: Workload, calls: u64) -> Result<Sides> {
        let dir = TempDir::new()?;
        let (server_file, client_file) = (dir.path().join("server"), dir.path().join("client"));
        let places = Places {
            pin: Pin::None,
            workers: 1,
        };
        let server = Server::start(&self.program(&server_file)?, peer, places)?;
        let client = self.program(&client_file)?;
        let figures = server.drive(&client, workload, Amount::Calls(calls))?;
        ensure!(
            figures.calls == calls,
            "{peer} made {} calls of {calls}",
            figures.calls
        );
        let last_words = server.stop()?;
        Ok(match self {
            Self::Allocations => Sides {
                server: last_words
                    .trim()
                    .parse()
                    .context("the server's allocations")?,
                client: figures.allocations.context("the client's allocations")?,
            },
            Self::Instructions | Self::Syscalls => Sides {
                server: self.total(&server_file)?,
                client: self.total(&client_file)?,
            },
        })
    }

    /// The program that writes its count to `file`, or tells it.
    fn program(self, file: &Path) -> Result<Program> {
        let with_file = |option: &str| {
            let mut word = OsString::from(option);
            word.push(file);
            word
        };
        match self {
            Self::Instructions => Program::under(vec![
                "valgrind".into(),
                "--quiet".into(),
                "--tool=callgrind".into(),
                with_file("--callgrind-out-file="),
            ]),
            Self::Allocations => Program::counted(),
            Self::Syscalls => Program::under(vec![
                "strace".into(),
                "--follow-forks".into(),
                "--summary-only".into(),
                with_file("--output="),
            ]),
        }
    }

    /// Reads the total from what the tool wrote.
    fn total(self, file: &Path) -> Result<u64> {
        let text = fs::read_to_string(file).with_context(|| format!("{}", file.display()))?;
        let field = match self {
            // `totals: 123`
            Self::Instructions => text
                .lines()
                .find_map(|line| line.strip_prefix("totals:"))
                .map(str::trim),
            // `100.00  0.000123  1  123  4 total`, the errors being left out if there are none
            Self::Allocations | Self::Syscalls => text
                .lines()
                .find(|line| line.trim_end().ends_with(" total"))
                .and_then(|line| line.split_whitespace().nth(3)),
        };
        field
            .context("no total")?
            .parse()
            .context("reading a total")
    }

    fn digits(self) -> usize {
        match self {
            Self::Instructions => 0,
            Self::Allocations => 2,
            Self::Syscalls => 3,
        }
    }
}
