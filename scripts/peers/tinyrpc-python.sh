#!/usr/bin/env bash
# tinyrpc for Python: JSON-RPC 2.0 and MessagePack-RPC over HTTP, WebSocket, ZeroMQ and RabbitMQ.
set -euo pipefail
. "$(dirname "$0")/common.sh"
peer tinyrpc-python

build() {
    pip install tinyrpc==1.1.7 gevent==26.9.0 gevent-websocket==0.10.1 msgpack==1.2.4 \
        pika==1.4.4 pyzmq==27.3.0 requests==2.34.2 websocket-client==1.9.2 \
        werkzeug==3.1.9
}
works='import gevent, geventwebsocket, msgpack, pika, requests, tinyrpc, websocket, werkzeug, zmq'

virtual_environment 3 3.11 3.12 3.13 3.10
complete
