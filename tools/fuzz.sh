#!/usr/bin/env bash
# Runs every fuzz target of a build for so many seconds (0: its corpus alone, once): fuzz.sh BUILD SECONDS [TARGET...]
# What it learns and what crashes stays in BUILD/fuzz; the corpus of the tree is read only. Ends with a line a target.
set -euo pipefail
build=$1 seconds=$2
shift 2
root=$(cd "$(dirname "$0")/.." && pwd)
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
  for source in "$root"/tests/fuzz/*.cpp; do targets+=("$(basename "$source" .cpp)"); done
fi
export ASAN_OPTIONS=${ASAN_OPTIONS:-allocator_may_return_null=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
failed=0
summary=""
for target in "${targets[@]}"; do
  found=$build/fuzz/$target
  mkdir -p "$found/corpus" "$found/crashes"
  bound=(-max_total_time="$seconds")
  [ "$seconds" -gt 0 ] || bound=(-runs=0)
  verdict=ok
  "$build/bin/fuzz_$target" "${bound[@]}" -max_len=16384 -timeout=20 -rss_limit_mb=3000 -dict="$root/tests/fuzz/fuzz.dict" \
    -artifact_prefix="$found/crashes/" -print_final_stats=1 "$found/corpus" "$root/tests/fuzz/corpus/$target" \
    >"$found/log" 2>&1 || verdict=FAILED
  runs=$(awk '/^stat::number_of_executed_units/ {print $2}' "$found/log")
  edges=$(awk '/ cov: / {for (i = 1; i < NF; ++i) if ($i == "cov:") edges = $(i + 1)} END {print edges}' "$found/log")
  summary+=$(printf 'fuzz: %-15s %10s runs %6s edges  %s' "$target" "${runs:-?}" "${edges:-?}" "$verdict")$'\n'
  if [ $verdict != ok ]; then
    failed=1
    tail -n 40 "$found/log"
    echo "fuzz: to see it again: $build/bin/fuzz_$target FILE, with a file of $found/crashes"
  fi
done
printf '%s' "$summary"
exit $failed
