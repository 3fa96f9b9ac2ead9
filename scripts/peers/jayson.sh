#!/usr/bin/env bash
# jayson: JSON-RPC 2.0 for Node.js, over TCP in lines.
set -euo pipefail
. "$(dirname "$0")/common.sh"
program=node
peer jayson scripts/peers/jayson/package-lock.json
node_modules
complete
