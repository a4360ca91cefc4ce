#!/usr/bin/env bash
# Holds the order of the folders (docs/architecture.md): which folder may include which, and what the pure ones may not
# reach for. Prints each line at fault; exit code 1 where there is one.
set -euo pipefail
cd "$(dirname "$0")/.."

# folder: what it may include besides itself
declare -A ALLOWED=(
  [base]=""
  [ethereum]="base"
  [uniswap]="base ethereum"
  [engine]="base ethereum uniswap"
  [node]="base ethereum uniswap engine"
  [bus]="base ethereum uniswap engine"
  [store]="base ethereum uniswap engine"
  [gateway]="base ethereum uniswap engine"
  [services]="base ethereum uniswap engine node bus store gateway"
  [app]="base ethereum uniswap engine node bus store gateway services"
)
FOLDERS=$(printf '%s|' "${!ALLOWED[@]}")
PURE=(ethereum uniswap engine)  # and base, whose clock.cpp, ulid.cpp and log.cpp are the exceptions
IMPURE='<(sys/socket|unistd|netinet/.*|libpq-fe|hiredis/.*|nats)\.h>|<nats/|<boost/(asio|beast)|(system|steady)_clock|random_device|[^_[:alnum:]](sep::)?(now|new_ulid|monotonic_ns)\(\)'

faults=0
fault() {
  echo "$1"
  faults=1
}

for path in src/*/; do
  folder=$(basename "$path")
  if [ -z "${ALLOWED[$folder]+x}" ]; then
    fault "src/$folder: no rule says what this folder may include (tools/check_includes.sh)"
    continue
  fi
  while IFS=: read -r file line included; do
    case " $folder ${ALLOWED[$folder]} " in
      *" $included "*) ;;
      *) fault "$file:$line: $folder/ may not include $included/" ;;
    esac
  done < <(grep -rnoE --include='*.h' --include='*.cpp' "^#include \"(${FOLDERS%|})/" "$path" |
           sed -E 's|#include "([a-z]+)/|\1|')
done

for folder in "${PURE[@]}"; do
  while IFS= read -r hit; do
    fault "$hit   <- $folder/ is pure: no socket, clock or random source"
  done < <(grep -rnE --include='*.h' --include='*.cpp' --exclude='*_test.cpp' "$IMPURE" "src/$folder" | grep -vE '^[^:]+:[0-9]+:\s*//' || true)
done

exit $faults
