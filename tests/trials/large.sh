#!/usr/bin/env bash
# Trains linear and logistic regression on an array of 5 GB, numbers and no holes, while the program
# may use 1 GiB of memory: by a control group of its own where one can be made (which counts the
# pages of files too), else by its address space. Says how much it used at most, and how often it read
# the rows. BAYESUM_LARGE_BYTES is another size. Exits with 77 where the disk is too small.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../launch/common.sh"

bytes=${BAYESUM_LARGE_BYTES:-5000000000}
limit=$((1 << 30))
build=$root/build/$(default_preset)
work=$(mktemp -d "${TMPDIR:-/var/tmp}/bayesum-large-XXXXXX")
group=

finish() {
  rm -rf "$work"
  [ -z "$group" ] || rmdir "$group"
}

# A control group with the limit, of version 2 or else of version 1; `group` stays empty without one.
make_group() {
  local folder name
  for folder in /sys/fs/cgroup/memory /sys/fs/cgroup; do
    name=memory.limit_in_bytes
    [ "$folder" != /sys/fs/cgroup ] || name=memory.max
    group=$folder/bayesum-large-$$
    mkdir "$group" 2>/dev/null || continue
    [ -e "$group/$name" ] && { echo "$limit" >"$group/$name"; } 2>/dev/null && return
    rmdir "$group"
  done
  group=
}

# limited COMMAND...: within the limit; the last line it says is its peak of resident KiB.
limited() {
  (
    if [ -n "$group" ]; then
      echo "$BASHPID" >"$group/cgroup.procs"
    else
      ulimit -v $((limit / 1024))
    fi
    exec python3 -c 'import resource, subprocess, sys
code = subprocess.run(sys.argv[1:]).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)' "$@"
  )
}

# train MODEL RESPONSE: passes are one to scan and one for every step that was reported.
train() {
  local model=$1 response=$2 start=$SECONDS peak steps
  printf '[data]\npath = "%s"\nresponse = "%s"\nvirtual_shards = 64\n[model]\nname = "%s"\n' \
    "$work/x.npy" "$work/$response" "$model" >"$work/$model.toml"
  limited "$build/bayesum" train "$work/$model.toml" --run.dir "$work/$model" \
    >"$work/$model.out" 2>"$work/$model.err" ||
    { tail -n 5 "$work/$model.out" "$work/$model.err" && fail "$model regression did not train"; }
  peak=$(tail -n 1 "$work/$model.out")
  steps=$(wc -l <"$work/$model/metrics.jsonl")
  echo "    $model: $((steps + 1)) passes in $((SECONDS - start)) s, at most $((peak / 1024)) MiB"
  [ "$((peak * 1024))" -lt "$limit" ] || fail "$model regression used more than the limit"
}

free=$(($(df --output=avail -B1 "$work" | tail -n 1)))
trap finish EXIT
[ "$free" -gt $((bytes * 11 / 10)) ] || { echo "$work has no room for $bytes bytes" && exit 77; }
[ -e "$build/tests/trials/large_table" ] || build "$(default_preset)"
say "Writing $bytes bytes"
"$build/tests/trials/large_table" "$work" "$bytes"
make_group
say "Training within 1 GiB, by ${group:-the limit of the address space}"
# An address space is more than memory: each thread reserves a stack and an arena.
[ -n "$group" ] || export OMP_NUM_THREADS=2 MALLOC_ARENA_MAX=2
train linear y.npy
train logistic any.npy
