#!/usr/bin/env bash
# mprpc: MessagePack-RPC for Python on gevent.
set -euo pipefail
. "$(dirname "$0")/common.sh"
peer mprpc

build() {
    local source
    pip install cython==0.29.37 setuptools==65.5.1 wheel==0.48.0 \
        gevent==26.9.0 gsocketpool==0.1.6 msgpack-python==0.5.6 &&
        source=$(source_of mprpc==0.1.17) &&
        # The C code that it ships is older than Python 3.11: it is made anew.
        rm "$source"/mprpc/*.c &&
        "$folder/bin/cython" "$source"/mprpc/{client,server}.pyx &&
        pip install --no-deps --no-build-isolation "$source"
}
works='import mprpc'
headers=yes

if ! command -v cc >/dev/null && ! distribution gcc libc6-dev; then
    lacking "Needed: a C compiler." "Debian, Ubuntu: apt-get install gcc libc6-dev"
fi
virtual_environment 3.11 3.10 3.9 3.12 3
complete
