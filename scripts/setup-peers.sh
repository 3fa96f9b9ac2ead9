#!/usr/bin/env bash
# Sets up the foreign peers that the tests talk to, under target/peers. Safe to run again.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=target/peers/msgpack-rpc-python
package=msgpack-rpc-python==0.4.1
# Python 3.12 dropped a function that this package's tornado needs.
backport='backports.ssl-match-hostname==3.7.0.1; python_version >= "3.12"'

works() { "$1" -c 'import msgpackrpc' 2>/dev/null; }

if works "$venv/bin/python"; then
    echo "peers: $package is there"
    exit 0
fi

# The package is old: the versions that it is known to run on come first.
candidates=(python3.11 python3.10 python3.9 python3 python3.12 python3.13)
if command -v pyenv >/dev/null; then
    for version in 3.11 3.10 3.9 3.12 3.13; do
        candidates+=("$(pyenv root)/versions/$version".*/bin/python3)
    done
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
for python in "${candidates[@]}"; do
    "$python" -c 'import ensurepip, venv' 2>/dev/null || continue
    echo "peers: installing $package with $("$python" --version) ($python)"
    rm -rf "$venv"
    if "$python" -m venv "$venv" >"$log" 2>&1 &&
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
            "$package" "$backport" >>"$log" 2>&1 &&
        "$venv/bin/python" -c 'import msgpackrpc' 2>>"$log"; then
        exit 0
    fi
    tail -n 3 "$log" >&2
done

rm -rf "$venv"
cat >&2 <<EOF
peers: no Python found that can run $package.
Needed: Python 3.9 to 3.13 with its venv module, and access to a Python package index.
  Debian, Ubuntu: apt-get install python3 python3-venv
  elsewhere:      pyenv install 3.11
EOF
exit 1
