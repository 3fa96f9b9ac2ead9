#!/usr/bin/env bash
# bjsonrpc: JSON-RPC 1.x in lines, in both directions. It is of the time of Python 2: it is
# converted, and texts become bytes where they meet the socket. In between they are Latin-1, which
# stands for bytes, because a read may end in the middle of a character.
set -euo pipefail
. "$(dirname "$0")/common.sh"
peer bjsonrpc

build() {
    local source
    pip install setuptools==65.5.1 wheel==0.48.0 &&
        source=$(source_of bjsonrpc==0.2.1) &&
        "$folder/bin/python" -W ignore -m lib2to3 --write --nobackups --no-diffs "$source"/bjsonrpc &&
        sed -i.old \
            -e 's/self\._sck\.recv(2048)/&.decode("latin-1")/' \
            -e 's/^        return streambuffer$/&.encode("latin-1").decode("utf-8")/' \
            -e 's/self\._sck\.send("".join(self\._wbuffer)/&.encode("utf-8")/' \
            "$source"/bjsonrpc/connection.py &&
        pip install --no-deps --no-build-isolation "$source"
}
works='
import inspect, bjsonrpc.connection
source = inspect.getsource(bjsonrpc.connection)
for edit in ["recv(2048).decode(", "return streambuffer.encode(", "_wbuffer).encode("]:
    assert edit in source, edit
'

# Python 3.13 no longer has the converter.
virtual_environment 3.11 3.10 3.9 3.12
complete
