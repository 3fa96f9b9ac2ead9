#!/usr/bin/env bash
# Chromium, driven by playwright-core, with a library of MessagePack for its pages.
set -euo pipefail
. "$(dirname "$0")/common.sh"
program=node
peer browser scripts/peers/browser/package-lock.json

browser() { command -v chromium || command -v chromium-browser || command -v google-chrome; }
if ! browser >/dev/null && ! distribution chromium; then
    lacking "Needed: Chromium." "Debian: apt-get install chromium" "elsewhere: the package of Chromium or Chrome"
fi
node_modules
browser >"$folder/path"
complete
