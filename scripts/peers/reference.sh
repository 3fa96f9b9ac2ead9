#!/usr/bin/env bash
# The reference implementation of docs/extensions.md, which needs the msgpack package for Python.
set -euo pipefail
. "$(dirname "$0")/common.sh"
peer reference

build() {
    pip install msgpack==1.1.2
}
works='import msgpack; assert msgpack.version == (1, 1, 2)'

virtual_environment 3 3.9 3.10 3.11 3.12 3.13
complete
