#!/usr/bin/env bash
# Installs what building and running sep needs on Debian 12 (amd64): packages from apt, and npm's into node_modules.
# Only what is missing; a second call does nothing and takes no time. Run it as root, or as a user who may use sudo.
# No service is started and no database cluster is made: `sep up` runs private ones of its own.
set -euo pipefail
cd "$(dirname "$0")/.."

BUILD=(build-essential cmake ninja-build pkg-config git ccache mold lld-19
       clang-19 clang-tidy-19 clang-format-19 libclang-rt-19-dev valgrind)
LIBRARIES=(libboost1.81-dev libboost-json1.81-dev libboost-url1.81-dev libnats-dev libpq-dev libhiredis-dev
           libre2-dev libjemalloc-dev libsecp256k1-dev libcrypto++-dev libssl-dev libspdlog-dev libfmt-dev libcli11-dev libtomlplusplus-dev
           prometheus-cpp-dev zlib1g-dev libgtest-dev libgmock-dev librapidcheck-dev libbenchmark-dev)
SERVERS=(nats-server postgresql-15 redis-server)
TOOLS=(ca-certificates curl)
BROWSER=(chromium)  # for the tests of the pages

POLICY=/usr/sbin/policy-rc.d                        # Debian asks it whether an installed service may start
CLUSTERS=/etc/postgresql-common/createcluster.conf  # whether installing PostgreSQL makes a cluster
STAMP=node_modules/.sep-installed                   # of which lock file node_modules is

say() { echo "setup: $*"; }
die() {
  echo "setup: $*" >&2
  exit 1
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Prints those of its arguments that are not installed.
missing_of() {
  local installed
  installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "$@" 2>/dev/null | sed -n 's/^installed //p' || true)
  comm -23 <(printf '%s\n' "$@" | sort -u) <(printf '%s\n' "$installed" | sort -u)
}

temporary=$(mktemp -d)
policy_is_ours=no
restore_system() {
  if [ "$policy_is_ours" = yes ]; then as_root rm -f "$POLICY"; fi
  if [ -f "$temporary/createcluster.conf" ]; then as_root cp -p "$temporary/createcluster.conf" "$CLUSTERS"; fi
  rm -rf "$temporary"
}
trap restore_system EXIT
trap 'exit 130' INT TERM

apt() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=120 "$@" >"$temporary/apt.log" 2>&1 || {
    tail -n 20 "$temporary/apt.log" >&2
    die "apt-get $1 failed; its last lines are above"
  }
}

forbid_services() {
  [ -e "$POLICY" ] && return
  policy_is_ours=yes
  printf '#!/bin/sh\nexit 101\n' | as_root tee "$POLICY" >/dev/null
  as_root chmod 755 "$POLICY"
}

forbid_clusters() {
  apt install --no-install-recommends postgresql-common
  cp -p "$CLUSTERS" "$temporary/createcluster.conf"
  as_root pg_conftool "$CLUSTERS" set create_main_cluster off
}

install_packages() {
  local wanted=("${BUILD[@]}" "${LIBRARIES[@]}" "${SERVERS[@]}" "${TOOLS[@]}" "${BROWSER[@]}") missing
  command -v npm >/dev/null || wanted+=(nodejs npm)
  mapfile -t missing < <(missing_of "${wanted[@]}")
  [ ${#missing[@]} -gt 0 ] || return 0

  command -v apt-get >/dev/null || die "this is not Debian; install the equivalents of: ${missing[*]}"
  [ "$(id -u)" = 0 ] || command -v sudo >/dev/null ||
    die "packages are missing and this is neither root nor is there sudo. As root: apt-get install ${missing[*]}"
  say "installing ${#missing[@]} packages: ${missing[*]}"
  forbid_services
  apt update
  if [[ " ${missing[*]} " = *" postgresql-15 "* ]]; then forbid_clusters; fi
  apt install --no-install-recommends "${missing[@]}"
}

install_node_modules() {
  local lock
  lock=$(sha256sum package-lock.json)
  if [ -f "$STAMP" ] && [ "$(cat "$STAMP")" = "$lock" ]; then return 0; fi
  say "installing npm packages"
  npm ci --no-audit --no-fund --loglevel=error || die "npm ci failed; its message is above"
  echo "$lock" >"$STAMP"
}

[ "$(uname -m)" = x86_64 ] || die "sep is built for amd64; this machine is $(uname -m)"
install_packages
install_node_modules
say "everything is there"
