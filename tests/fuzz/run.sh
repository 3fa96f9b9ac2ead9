#!/usr/bin/env bash
# Fuzzes one target for a time, keeps what it found, and says how much it did.
# run.sh TARGET [SECONDS]; see README.md. SANITIZER=address looks for faults of memory, six times slower.
set -euo pipefail
cd "$(dirname "$0")"
target=$1 seconds=${2:-60} sanitizer=${SANITIZER:-none} longest=1024

case $target in
json_*) words=(dictionaries/json.dict) ;;
msgpack_*) words=(dictionaries/msgpack.dict) ;;
*) words=(dictionaries/*.dict) ;;
esac
mkdir -p target
cat "${words[@]}" >"target/$target.dict"

cargo run --quiet --example pack unpack "$target"
cargo +nightly fuzz run --fuzz-dir . -s "$sanitizer" "$target" -- \
    -max_total_time="$seconds" -rss_limit_mb=512 -timeout=5 -max_len="$longest" \
    -dict="target/$target.dict" -print_final_stats=1
cargo +nightly fuzz cmin --fuzz-dir . -s "$sanitizer" "$target"
cargo run --quiet --example pack pack "$target"
