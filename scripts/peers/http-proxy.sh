#!/usr/bin/env bash
# http-proxy: a reverse proxy of Node.js, with a parser of HTTP of its own.
set -euo pipefail
. "$(dirname "$0")/common.sh"
program=node
peer http-proxy scripts/peers/http-proxy/package-lock.json
node_modules
complete
