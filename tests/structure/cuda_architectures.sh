#!/usr/bin/env bash
# cuda_architectures.sh CUOBJDUMP FILE ARCHITECTURE...: FILE holds machine code for each of them.
set -euo pipefail
cuobjdump=$1 file=$2
shift 2
code=$("$cuobjdump" --list-elf "$file")
for architecture in "$@"; do
  count=$(grep -c "sm_$architecture\." <<<"$code" || true)
  echo "sm_$architecture: $count pieces of code"
  [ "$count" -gt 0 ] || exit 1
done
