#!/usr/bin/env bash
# aiorpcX: JSON-RPC over TCP in lines, for Python; the library of ElectrumX.
set -euo pipefail
. "$(dirname "$0")/common.sh"
peer aiorpcx

build() { pip install aiorpcX==0.25.0; }
works='import aiorpcx'

virtual_environment 3 3.11 3.12 3.13 3.10
complete
