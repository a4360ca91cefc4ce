#!/usr/bin/env bash
# Says at the end of a run of ctest which tests were skipped, and why: ctest itself counts a program as passed when it
# skipped some of its tests. skipped.sh BUILD
set -euo pipefail
log=$1/Testing/Temporary/LastTest.log
# GoogleTest prints "FILE:LINE: Skipped", the reason, an empty line, and "[  SKIPPED ] Suite.Test (N ms)". What another
# test starts as a program of its own is no test that was left out.
awk '
  / Skipped$/ { getline reason; next }
  /^\[  SKIPPED \] .* \([0-9]+ ms\)$/ {
    if (reason !~ /^runs only as a part of /) lines[++count] = "  " $4 ": " reason
    reason = ""
  }
  END {
    if (count == 0) exit
    print "skipped: " count (count == 1 ? " test" : " tests") ", see docs/testing.md"
    for (i = 1; i <= count; ++i) print lines[i]
  }' "$log"
