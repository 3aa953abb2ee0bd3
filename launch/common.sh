# Helpers of the scripts in this project; sourced, not run. Sets `root`, the project's folder, and
# `cores`, how many there are to share out among jobs or ranks.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# nproc would take OMP_NUM_THREADS, the threads of one rank, for the cores of the machine.
cores=$(env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc)

if [ -t 1 ]; then
  bold=$'\e[1m' plain=$'\e[0m'
else
  bold='' plain=''
fi

say() { printf '%s==> %s%s\n' "$bold" "$*" "$plain"; }

fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# usage SCRIPT: its opening comment, which is its help.
usage() { sed -n '2,/^[^#]/{s/^# \{0,1\}//p}' "$1"; }

# run_quietly LOG COMMAND...: the command's output goes to LOG; its end is shown only on failure.
run_quietly() {
  local log=$1
  shift
  mkdir -p "$(dirname "$log")"
  "$@" >"$log" 2>&1 </dev/null && return
  tail -n 40 "$log" >&2
  fail "'$*' failed; all it said is in $log"
}

as_root() {
  if [ "$EUID" -eq 0 ]; then
    env DEBIAN_FRONTEND=noninteractive "$@"
  elif command -v sudo >/dev/null; then
    sudo env DEBIAN_FRONTEND=noninteractive "$@"
  else
    fail "'$*' needs root: run this as root or install sudo"
  fi
}

apt_install() {
  local log
  log=$(mktemp)
  run_quietly "$log" as_root apt-get update
  run_quietly "$log" as_root apt-get install -y --no-install-recommends "$@"
  rm -f "$log"
}

# The preset that these scripts build: with CUDA only when asked for by BAYESUM_CUDA=ON.
default_preset() {
  if [ "${BAYESUM_CUDA:-OFF}" = ON ]; then echo cuda; else echo cpu; fi
}

# Reads Ninja's output; shows progress as one changing line on a terminal, else as a line for every
# tenth of the way.
show_progress() {
  local terminal=0
  [ -t 1 ] && terminal=1
  awk -v terminal="$terminal" '
    match($0, /^\[[0-9]+\/[0-9]+\]/) {
      split(substr($0, 2, RLENGTH - 2), count, "/")
      if (count[1] == 0) next
      if (terminal) printf "\r    %d of %d", count[1], count[2]
      else if (count[1] == count[2] || count[1] >= next_line) {
        printf "    %d of %d\n", count[1], count[2]
        next_line = count[1] + count[2] / 10
      }
      fflush()
    }
    END { if (terminal) printf "\r\033[K" }'
}

# Copies of this tree in other folders share what ccache has compiled.
export CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1

# build PRESET [TARGET ...]: configures and compiles build/PRESET.
build() {
  local preset=$1 log=$root/build/$1.log jobs=${CMAKE_BUILD_PARALLEL_LEVEL:-$cores}
  shift
  if [ "$preset" = cuda ]; then
    "$root/launch/cudnn_frontend.sh" || echo "    without cuDNN: its frontend cannot be had"
  fi
  say "Building preset $preset with $jobs jobs (log: $log)"
  run_quietly "$log" cmake -S "$root" --preset "$preset"
  sed -n 's/^-- bayesum: /    /p' "$log"
  if ! cmake --build "$root/build/$preset" --parallel "$jobs" ${1:+--target "$@"} </dev/null 2>&1 |
    tee -a "$log" | show_progress; then
    grep -n -A 30 -m 1 '^FAILED' "$log" >&2
    fail "the build of preset $preset failed; all it said is in $log"
  fi
}

# program_of PRESET: the path of the program that `build PRESET` made.
program_of() { echo "$root/build/$1/bayesum"; }

# mpi_environment RANKS: settings for RANKS ranks on each machine. Threads share the cores out among
# the ranks, more ranks than cores are legal and give way to each other, and root may start them.
# Threads that wait for one another sleep: where cores are wanted by others too, spinning makes a
# training many times slower.
mpi_environment() {
  local ranks=$1 threads
  threads=$((cores > ranks ? cores / ranks : 1))
  export OMP_NUM_THREADS=${OMP_NUM_THREADS:-$threads}
  export OPENBLAS_NUM_THREADS=${OPENBLAS_NUM_THREADS:-$threads}
  export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive}
  export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none
  if [ "$ranks" -gt "$cores" ]; then
    export OMPI_MCA_mpi_yield_when_idle=1
  fi
  if [ "$EUID" -eq 0 ]; then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  fi
}

# same_posterior A B: whether two run folders hold the same posterior, byte for byte. (The file tells
# nothing of when, where or on how many ranks it was made.)
same_posterior() { cmp "$1/posterior.safetensors" "$2/posterior.safetensors"; }
