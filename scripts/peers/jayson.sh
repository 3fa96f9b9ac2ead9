#!/usr/bin/env bash
# jayson: JSON-RPC 2.0 and 1.0 for Node.js, over TCP in lines, HTTP and WebSocket.
set -euo pipefail
. "$(dirname "$0")/common.sh"
program=node
peer jayson scripts/peers/jayson/package-lock.json
node_modules
complete
