#!/usr/bin/env bash
# zerorpc for Python: MessagePack over ZeroMQ, on gevent. Only the comparison benchmark calls it.
set -euo pipefail
. "$(dirname "$0")/common.sh"
peer zerorpc

build() {
    pip install zerorpc==0.6.3 gevent==26.9.0 pyzmq==27.3.0 msgpack==1.2.4
}
works='import zerorpc, gevent, msgpack, zmq'

virtual_environment 3 3.11 3.12 3.13 3.10
complete
