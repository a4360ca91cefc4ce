#!/usr/bin/env bash
# clang-tidy over every source file, a file again only when it or something that it includes has changed. Usage:
#   tools/tidy.sh BUILD_DIRECTORY [SECONDS]
# After SECONDS no further file is begun, and those left over are counted: a clean checkout takes about ten minutes.
# What is new is checked first: files changed since the last commit or in it. Exit code 1 where a file has findings.
set -euo pipefail
cd "$(dirname "$0")/.."
build=$1
deadline=$((SECONDS + ${2:-86400}))
stamps=.cache/tidy
mkdir -p "$stamps"

# Without the precompiled headers, which would hide that a file does not include what it uses.
sed -E 's/ -Xclang -include(-pch)? -Xclang [^ ]+//g' "$build/compile_commands.json" >"$stamps/compile_commands.json"

# "file hash": of the file, of what the build found it to include, of the checks and of how it is compiled.
fingerprints() {
  ninja -C "$build" -t deps 2>/dev/null | awk -v root="$PWD/" '
    /^[^ ].*: #deps/ { source = "" }
    /^    / {
      path = $1
      if (index(path, root) == 1) path = substr(path, length(root) + 1)
      if (path ~ /^(src|tests|bench)\//) { if (source == "") source = path; print source, path }
    }' | sort -u >"$stamps/deps"
  find src tests bench -name '*.cpp' -o -name '*.h' | sort | xargs sha256sum >"$stamps/hashes"
  settings=$(cat .clang-tidy CMakeLists.txt | sha256sum | cut -c1-64)
  awk -v settings="$settings" '
    NR == FNR { hash[$2] = $1; next }
    { parts[$1] = parts[$1] hash[$2] }
    END { for (file in hash) if (file ~ /\.cpp$/) print file, settings hash[file] parts[file] }
  ' "$stamps/hashes" "$stamps/deps" | while read -r file content; do
    echo "$file $(printf '%s' "$content" | sha256sum | cut -c1-40)"
  done
}

newest_first() {
  { git diff --name-only HEAD 2>/dev/null; git ls-files --others --exclude-standard
    git show --name-only --format= HEAD 2>/dev/null; } | sort -u >"$stamps/recent" || true
  awk 'NR == FNR { recent[$1]; next } { print ($1 in recent ? 0 : 1), $0 }' "$stamps/recent" - | sort | cut -d' ' -f2-
}

pending=$(fingerprints | while read -r file hash; do
  [ -e "$stamps/$hash" ] || echo "$file $hash"
done | newest_first)
if [ -z "$pending" ]; then
  echo "clang-tidy: nothing has changed since the last check"
  exit 0
fi
rm -f "$stamps/failed"

check() {
  local file=$1 hash=$2
  if clang-tidy-19 -p "$stamps" --quiet "$file" >"$stamps/$hash.log" 2>/dev/null; then
    mv "$stamps/$hash.log" "$stamps/$hash"
  else
    { grep -v '^[0-9]* warnings' "$stamps/$hash.log" || true; } >&2
    rm -f "$stamps/$hash.log"
    echo "$file" >>"$stamps/failed"
  fi
}

total=$(wc -l <<<"$pending")
begun=0
while read -r file hash; do
  [ "$SECONDS" -lt "$deadline" ] || break
  while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do wait -n || true; done
  check "$file" "$hash" &
  begun=$((begun + 1))
done <<<"$pending"
wait

if [ -e "$stamps/failed" ]; then
  echo "clang-tidy: $(wc -l <"$stamps/failed") of $begun checked files have findings"
  exit 1
fi
echo "clang-tidy: $begun files checked, no findings; $((total - begun)) left for another time"
