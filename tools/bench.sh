#!/usr/bin/env bash
# The whole path on platforms of its own, on paper and on a local chain: bench.sh BUILD SECONDS. Figures go to standard
# output; pictures and HdrHistogram files into BUILD/bench.
set -euo pipefail
build=$(realpath "$1")
seconds=$2
cd "$(dirname "$0")/.."
work=$(mktemp -d)
up=
stop() {
  [ -z "$up" ] || { kill "$up" 2>/dev/null && wait "$up"; up=; } || true
}
trap 'stop; rm -rf "$work"' EXIT

on_a_platform() { # NAME CONFIG LOAD...; a load is a rate, or one-by-one
  local name=$1 config=$2
  shift 2
  "$build/sep" up --data-dir "$work/$name" --http 127.0.0.1:0 --config "$config" >"$work/$name.log" 2>&1 &
  up=$!
  until grep -q '^sep is up' "$work/$name.log"; do
    kill -0 "$up" 2>/dev/null || { cat "$work/$name.log"; exit 1; }
    sleep 0.1
  done
  for load in "$@"; do
    local how=(--rate "$load")
    [ "$load" != one-by-one ] || how=(--spacing one-by-one)
    echo
    echo "== $name, $load"
    "$build/sep" bench --data-dir "$work/$name" "${how[@]}" --seconds "$seconds" \
      --svg "$build/bench/$name-$load.svg" --hdr "$build/bench/$name-$load"
  done
  stop
}

mkdir -p "$build/bench"
on_a_platform paper config/paper.toml one-by-one 50 500 2000
on_a_platform devnet config/devnet.toml one-by-one 10
