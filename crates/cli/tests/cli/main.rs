//! The command as scripts and people use it: through pipes, through a terminal, and killed.
//!
//! What must hold is written in the README of this crate; each module says which part it checks.
#![cfg(unix)]

mod answers;
mod arguments;
mod certificates;
mod completions;
mod demo;
mod failures;
mod foreign;
mod headers;
mod killed;
mod links;
mod many;
mod pipes;
mod programs;
mod readme;
mod signals;
mod strangers;
mod streams;
mod support;
mod terminal;
mod verbose;
