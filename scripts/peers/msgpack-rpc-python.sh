#!/usr/bin/env bash
# The reference MessagePack-RPC implementation for Python.
set -euo pipefail
. "$(dirname "$0")/common.sh"
peer msgpack-rpc-python

build() {
    # Python 3.12 dropped a function that this tornado needs.
    pip install msgpack-rpc-python==0.4.1 msgpack-python==0.5.6 tornado==4.5.3 \
        'backports.ssl-match-hostname==3.7.0.1; python_version >= "3.12"'
}
works='import msgpackrpc'

# The package is old: the versions that it is known to run on come first.
virtual_environment 3.11 3.10 3.9 3 3.12 3.13
complete
