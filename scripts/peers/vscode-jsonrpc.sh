#!/usr/bin/env bash
# vscode-jsonrpc: JSON-RPC 2.0 behind `Content-Length`, in both directions; what editors speak with
# language servers.
set -euo pipefail
. "$(dirname "$0")/common.sh"
program=node
peer vscode-jsonrpc scripts/peers/vscode-jsonrpc/package-lock.json
node_modules
complete
