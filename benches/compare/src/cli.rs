//! The command line.

use std::net::SocketAddr;

use anyhow::Result;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{
    AllocationCounter, cost, floors,
    peers::PeerName,
    process::{self, Place},
    rounds,
    workload::Workload,
};

/// Measures RPC libraries against a raw TCP frame echo, all in one run.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve one peer until standard input ends.
    Serve(ServeArgs),
    /// Load a server and print one line of figures as JSON.
    Drive(DriveArgs),
    /// Compare peers: fresh processes, alternating, several rounds.
    Run(RunArgs),
    /// Measure what the project has promised to hold, and say whether it holds.
    Floors(FloorArgs),
    /// Count instructions, allocations and system calls per call.
    Cost(CostArgs),
}

#[derive(Args)]
pub(crate) struct ServeArgs {
    pub(crate) peer: PeerName,
    #[command(flatten)]
    pub(crate) place: Place,
}

#[derive(Args)]
pub(crate) struct DriveArgs {
    pub(crate) peer: PeerName,
    pub(crate) addr: SocketAddr,
    pub(crate) workload: Workload,
    /// How long to measure, after a short warm-up.
    #[arg(default_value_t = 0.3)]
    pub(crate) seconds: f64,
    /// Make exactly this many calls instead, without warm-up.
    #[arg(long)]
    pub(crate) calls: Option<u64>,
    /// The server's process, to measure its CPU time too.
    #[arg(long)]
    pub(crate) server_pid: Option<u32>,
    #[command(flatten)]
    pub(crate) place: Place,
}

/// How often and how long to measure.
#[derive(Args, Clone, Copy)]
pub(crate) struct RoundArgs {
    /// Rounds; figures are medians over them.
    #[arg(long, default_value_t = 5)]
    pub(crate) rounds: usize,
    /// Seconds per measurement.
    #[arg(long, default_value_t = 0.3)]
    pub(crate) seconds: f64,
    /// Threads of each process: 1 is tokio's current-thread runtime.
    #[arg(long, default_value_t = 1)]
    pub(crate) workers: usize,
}

#[derive(Args)]
pub(crate) struct RunArgs {
    /// The peers, separated by commas; `raw` is added if missing.
    #[arg(long, value_delimiter = ',')]
    pub(crate) peers: Vec<PeerName>,
    /// The workloads, separated by commas.
    #[arg(long, value_delimiter = ',')]
    pub(crate) workloads: Vec<Workload>,
    /// Which CPUs server and client run on.
    #[arg(long, default_value = "same")]
    pub(crate) pin: Pin,
    #[command(flatten)]
    pub(crate) rounds: RoundArgs,
}

#[derive(Args)]
pub(crate) struct FloorArgs {
    /// The goals, separated by commas; all of them if none is named.
    #[arg(long, value_delimiter = ',')]
    pub(crate) rows: Vec<u8>,
    #[command(flatten)]
    pub(crate) rounds: RoundArgs,
}

#[derive(Args)]
pub(crate) struct CostArgs {
    /// The peers, separated by commas.
    #[arg(value_delimiter = ',', required = true)]
    pub(crate) peers: Vec<PeerName>,
    /// The workloads, separated by commas.
    #[arg(value_delimiter = ',', required = true)]
    pub(crate) workloads: Vec<Workload>,
    /// Calls of the shorter run, which is taken off the longer one.
    #[arg(long, default_value_t = 4_000)]
    pub(crate) few: u64,
    /// Calls of the longer run.
    #[arg(long, default_value_t = 12_000)]
    pub(crate) many: u64,
}

/// Which CPUs server and client run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Pin {
    /// Both on CPU 0.
    Same,
    /// Server on CPU 0, client on CPU 1.
    Split,
    /// Wherever the scheduler puts them.
    None,
}

pub(crate) fn run(allocations: Option<AllocationCounter>) -> Result<()> {
    match Cli::parse().command {
        Command::Serve(args) => process::serve(&args, allocations),
        Command::Drive(args) => process::drive(&args, allocations),
        Command::Run(args) => rounds::run(args),
        Command::Floors(args) => floors::run(&args),
        Command::Cost(args) => cost::run(&args),
    }
}
