//! `tinyrpc completions`: scripts that teach a shell the command's own words.

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::{command::Cli, failure::Failure, output};

/// Prints the script for one shell.
///
/// # Errors
///
/// Standard output cannot be written.
pub(crate) fn run(shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "tinyrpc", &mut script);
    output::put(&script)
}
