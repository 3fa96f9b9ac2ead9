#!/usr/bin/env bash
# pika: RabbitMQ for Python, with which programs make JSON-RPC and MessagePack-RPC by hand.
set -euo pipefail
. "$(dirname "$0")/common.sh"
peer pika

build() {
    pip install pika==1.4.4 msgpack==1.2.4
}
works='import pika, msgpack; assert pika.__version__ == "1.4.4"'

virtual_environment 3
complete
