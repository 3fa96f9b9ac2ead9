#!/usr/bin/env bash
# Everything that must hold before a change goes in. The quick checks come first, the tests last.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n== %s\n' "$*"; }

step "format"
cargo fmt --all --check

step "foreign peers"
bash scripts/setup-peers.sh

step "RabbitMQ"
code=0
bash scripts/rabbitmq.sh || code=$?
# Without it the tests of AMQP say that they did not run, and fail where CI=true.
[ $code = 0 ] || { [ $code = 3 ] && { [ "${CI:-}" != true ] || [ -n "${TINYRPC_AMQP_URL:-}" ]; }; }

step "clippy"
cargo clippy --quiet --workspace --all-targets --all-features -- -D warnings

step "every feature alone, and none"
cargo metadata --no-deps --format-version 1 | python3 -c '
import json, sys
for package in json.load(sys.stdin)["packages"]:
    for feature in ["", *package["features"]]:
        print(package["name"], feature)
' | while read -r package feature; do
    echo "$package ${feature:-(none)}"
    cargo check --quiet --package "$package" --no-default-features ${feature:+--features "$feature"} </dev/null
done

step "documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --quiet --workspace --no-deps --all-features

step "tests"
cargo test --workspace --all-features --no-fail-fast
