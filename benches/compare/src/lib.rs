//! Measures RPC libraries against a raw TCP frame echo, all in one run.
//!
//! Two binaries share this library: `compare`, and `compare-counted` which counts its allocations.

mod book;
mod burst;
mod children;
mod cli;
mod cost;
mod floors;
mod load;
mod peers;
mod process;
mod report;
mod rounds;
mod workload;

use std::process::ExitCode;

/// Tells how many allocations this process has made.
pub type AllocationCounter = fn() -> u64;

/// Runs the command line; `allocations` is there in the binary that counts them.
pub fn main(allocations: Option<AllocationCounter>) -> ExitCode {
    match cli::run(allocations) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("compare: {error:#}");
            ExitCode::FAILURE
        }
    }
}
