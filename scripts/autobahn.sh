#!/usr/bin/env bash
# Runs the test suite of Autobahn (all cases but compression) against our server and our client of
# WebSocket, and keeps what it found in docs/autobahn.md. A minute or two.
#
#   scripts/autobahn.sh          runs all cases and writes docs/autobahn.md
#   scripts/autobahn.sh setup    only sets the suite up, under target/peers/autobahn
#
# The suite is a program for Python 2.7. Where there is none this script ends with code 3, and the
# tests that need it say that they did not run: the last tables stay in docs/autobahn.md.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

version=25.10.1
folder=$PWD/target/peers/autobahn

lacking() {
    printf 'autobahn: the suite cannot be set up on this machine.\n' >&2
    printf '  %s\n' "$@" >&2
    exit 3
}

# A Python 2.7 with pip.
python() {
    local found
    for found in python2.7 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/2.7.*/bin/python2.7; do
        "$found" -m pip --version >/dev/null 2>&1 && command -v "$found" && return 0
    done
    return 1
}

set_up() {
    local mark
    mark=$(cksum <scripts/autobahn.sh)
    mkdir -p target/peers
    if command -v flock >/dev/null; then
        # Two tests must not install into the same folder.
        exec 9>target/peers/autobahn.lock
        flock 9
    fi
    [ "$(cat "$folder/complete" 2>/dev/null)" != "$mark" ] || return 0
    install_suite
}

install_suite() {
    local python
    python=$(python) || lacking "Needed: Python 2.7 with pip, for example: pyenv install 2.7.18"
    rm -rf "$folder"
    mkdir -p "$folder"
    "$python" -m pip install --quiet --disable-pip-version-check --target "$folder/lib" \
        "autobahntestsuite==$version" >"$folder/log" 2>&1 ||
        lacking "Needed: access to a Python package index; what pip said is in $folder/log."
    # Its packages are found only where the folder is a site directory.
    cat >"$folder/wstest" <<WSTEST
exec '$python' -c 'import site, sys
site.addsitedir("$folder/lib")
sys.argv[0] = "wstest"
execfile("$folder/lib/bin/wstest")' "\$@"
WSTEST
    printf '%s' "$mark" >"$folder/complete"
}

# In a shell of its own, which gives the lock back: the tests below set up again.
(set_up)
[ "${1:-}" != setup ] || exit 0

mkdir -p docs
AUTOBAHN=all cargo test --package tinyrpc --all-features --test autobahn -- --test-threads 1
cat >docs/autobahn.md <<PAGE
# Autobahn

What the WebSocket test suite of Autobahn says about tinyrpc.
This page is written by \`scripts/autobahn.sh\`.

- autobahntestsuite $version, all cases but compression (12 and 13), which tinyrpc does not offer
- tungstenite $(sed -n '/^name = "tungstenite"/{n;s/version = "\(.*\)"/\1/p}' Cargo.lock), tinyrpc $(sed -n '/^name = "tinyrpc"/{n;s/version = "\(.*\)"/\1/p}' Cargo.lock)
- both sides of ours send each message back, without a session: \`tests/autobahn\`

OK is what the standard asks for.
NON-STRICT is allowed, and could be done sooner.
INFORMATIONAL is where the standard leaves it open.

## Our server

$(cat "$folder/server.md")

## Our client

$(cat "$folder/client.md")

## What is not strict

A message that is no UTF-8 is refused where its frame ends (6.4.3, 6.4.4); Autobahn would like it refused in the middle.
7.1.6, 7.13.1 and 7.13.2 are informational for everybody.
PAGE
