//! The binary that measures time, with the ordinary allocator.

use std::process::ExitCode;

fn main() -> ExitCode {
    compare::main(None)
}
