#!/usr/bin/env bash
# Counts the instructions of bench_counted's cases under callgrind and holds them to bench/baseline.json:
#   tools/bench_check.sh BUILD check      fails where one grew by more than 5 %
#   tools/bench_check.sh BUILD record     writes the baseline anew
# Instructions, not time: the same on a busy machine. They depend on the compiler and the libraries of the system.
set -euo pipefail
build=$1
action=$2
baseline=bench/baseline.json
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

while read -r name; do
  out=$folder/callgrind.out
  valgrind --tool=callgrind --toggle-collect=counted --callgrind-out-file="$out" \
    "$build/bench_counted" "$name" >/dev/null 2>"$folder/log" || { cat "$folder/log" >&2; exit 1; }
  count=$(awk '/^(summary|totals):/ { print $2; exit }' "$out")
  [ "${count:-0}" -gt 0 ] || { echo "bench-check: nothing was counted for $name" >&2; exit 1; }
  printf '%s %s\n' "$name" "$count"
done < <("$build/bench_counted") >"$folder/counts"

if [ "$action" = record ]; then
  awk 'BEGIN { print "{" } { printf "%s  \"%s\": %s", (NR > 1 ? ",\n" : ""), $1, $2 } END { print "\n}" }' \
    "$folder/counts" >"$baseline"
  echo "bench-check: $(wc -l <"$folder/counts") cases recorded in $baseline"
  exit 0
fi

sed -n 's/^  "\(.*\)": \([0-9]*\),\{0,1\}$/\1 \2/p' "$baseline" >"$folder/old"
awk '
  NR == FNR { old[$1] = $2; next }
  !($1 in old) { printf "%-50s %10s %10d   not recorded yet\n", $1, "-", $2; missing++; next }
  {
    change = 100 * ($2 - old[$1]) / old[$1]
    verdict = change > 5 ? "  GREW" : ""
    printf "%-50s %10d %10d %+8.1f %%%s\n", $1, old[$1], $2, change, verdict
    if (change > 5) grown++
    delete old[$1]
  }
  END {
    for (name in old) { printf "%-50s is recorded, but no case\n", name; missing++ }
    if (grown) printf "bench-check: %d cases take over 5 %% more instructions than recorded\n", grown
    if (missing) printf "bench-check: %d cases do not match: make bench-baseline\n", missing
    exit grown || missing ? 1 : 0
  }' "$folder/old" "$folder/counts"
