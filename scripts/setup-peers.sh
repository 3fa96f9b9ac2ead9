#!/usr/bin/env bash
# Sets up the foreign peers that the tests talk to, under target/peers; each by a script of its own
# in scripts/peers. Safe to run again, and quick when everything is there.
#
#   scripts/setup-peers.sh [NAME...]
#
# Where a peer cannot be set up it says what to install, and the tests of that peer say that they
# did not run. With CI=true that is a failure.
set -euo pipefail
cd "$(dirname "$0")/peers"

[ $# -gt 0 ] || set -- $(ls ./*.sh | sed -e 's|^\./||' -e 's|\.sh$||' | grep -v '^common$')

lacking=0
for name in "$@"; do
    code=0
    bash "./$name.sh" || code=$?
    case $code in
        0) echo "peers: $name is there" ;;
        3) lacking=1 ;;
        *) echo "peers: scripts/peers/$name.sh failed" >&2; exit 1 ;;
    esac
done
[ "${CI:-}" != true ] || exit $lacking
