#!/usr/bin/env bash
# pyzmq: ZeroMQ for Python, with which programs make JSON-RPC and MessagePack-RPC by hand.
set -euo pipefail
. "$(dirname "$0")/common.sh"
peer pyzmq

build() {
    pip install pyzmq==27.1.0 msgpack==1.1.2
}
works='import zmq, msgpack; assert zmq.pyzmq_version() == "27.1.0"'

virtual_environment 3
complete
