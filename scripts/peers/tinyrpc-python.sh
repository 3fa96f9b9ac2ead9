#!/usr/bin/env bash
# tinyrpc for Python: JSON-RPC 2.0 and MessagePack-RPC over HTTP and WebSocket.
set -euo pipefail
. "$(dirname "$0")/common.sh"
peer tinyrpc-python

build() {
    pip install tinyrpc==1.1.7 gevent==26.9.0 gevent-websocket==0.10.1 msgpack==1.2.4 \
        requests==2.34.2 websocket-client==1.9.2 werkzeug==3.1.9
}
works='import gevent, geventwebsocket, msgpack, requests, tinyrpc, websocket, werkzeug'

virtual_environment 3 3.11 3.12 3.13 3.10
complete
