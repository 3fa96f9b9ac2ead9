#!/usr/bin/env bash
# jsonrpsee: JSON-RPC 2.0 over HTTP and WebSocket, for Rust. Our programs for it are a workspace of
# their own, so that it does not enter the lock file of the project.
set -euo pipefail
. "$(dirname "$0")/common.sh"
program=cargo
peer jsonrpsee tests/peers/jsonrpsee/Cargo.{toml,lock} tests/peers/jsonrpsee/src/*.rs

command -v cargo >/dev/null || lacking "Needed: cargo, and access to a registry of crates."
# Cargo says so itself where a dependency cannot be had; all else is a fault of the programs.
if ! cargo fetch --locked --manifest-path tests/peers/jsonrpsee/Cargo.toml >>"$log" 2>&1; then
    lacking "Needed: access to a registry of crates."
fi
cargo build --quiet --locked --offline --manifest-path tests/peers/jsonrpsee/Cargo.toml \
    --target-dir "$folder" 2>>"$log" || { cat "$log" >&2; exit 1; }
complete
