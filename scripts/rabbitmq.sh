#!/usr/bin/env bash
# Finds RabbitMQ, installs it where it is missing and this user may, and prints the folder of its
# scripts. It starts nothing: the tests run brokers of their own (tests/support/broker.sh), on the
# loopback interface and in folders of their own.
#
#   scripts/rabbitmq.sh
#
# TINYRPC_AMQP_URL names a broker that runs already. The tests then use that one, and go without
# those that have to kill a broker unless RabbitMQ is here as well.
#
# Exit codes: 0 it is there; 3 it cannot be installed here, and what to install has been said.
set -euo pipefail
cd "$(dirname "$0")/.."

# A distribution's package, Homebrew, or a release that somebody unpacked.
find_it() {
    local script
    for script in "${RABBITMQ_HOME:-/nonexistent}" /usr/lib/rabbitmq/lib/rabbitmq_server-* \
        /opt/homebrew/opt/rabbitmq /usr/local/opt/rabbitmq /opt/rabbitmq*; do
        if [ -x "$script/sbin/rabbitmq-server" ] && command -v erl epmd >/dev/null; then
            echo "$script/sbin"
            return 0
        fi
    done
    return 1
}

find_it && exit 0
mkdir -p target
if command -v flock >/dev/null; then
    # Two runs of the tests must not install at the same time.
    exec 9>target/rabbitmq.lock
    flock 9
    find_it && exit 0
fi
log=target/rabbitmq.log
: >"$log"

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

# The package starts its server, which listens on every interface. Where nothing forbids that yet,
# it is forbidden while the package is installed.
quietly() {
    local policy=/usr/sbin/policy-rc.d
    [ ! -e $policy ] || policy=
    if [ -n "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
        as_root chmod 755 $policy
        # However this script ends.
        trap "as_root rm -f $policy" EXIT
    fi
    "$@"
}

apt() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq "$@" >>"$log" 2>&1 </dev/null
}

packages() {
    apt install -y --no-install-recommends rabbitmq-server ||
        { apt update && apt install -y --no-install-recommends rabbitmq-server; }
}

if command -v apt-get >/dev/null && as_root true 2>/dev/null; then
    echo "installing rabbitmq-server" >&2
    quietly packages && find_it && exit 0
    tail -n 5 "$log" >&2
fi
cat >&2 <<END
RabbitMQ cannot be installed by this script on this machine.
  Debian, Ubuntu: apt-get install --no-install-recommends rabbitmq-server
  macOS:          brew install rabbitmq
  elsewhere:      unpack a release of RabbitMQ and let RABBITMQ_HOME name its folder
  or:             let TINYRPC_AMQP_URL name a broker, such as amqp://guest:guest@127.0.0.1:5672
END
exit 3
